"""A tiny year of a made-up town, in the format of L-Town-R."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.model import to_ms

MINUTE = 60_000
START = to_ms(datetime(2018, 1, 1, tzinfo=UTC))
LEAKS = """link,start,end,diameter_m,type,peak,area
p2,2018-01-01 00:10,2018-01-01 00:20,0.02,abrupt,2018-01-01 00:10,A
p1,2017-12-31 23:00,2018-01-01 00:05,0.02,incipient,2017-12-31 23:30,A
p3,2017-12-30 00:00,2017-12-31 00:00,0.02,abrupt,2017-12-30 00:00,A
"""
NETWORK = """[JUNCTIONS]
 n1  10
 n4  10
 n7  10
[RESERVOIRS]
 R1  50
[TANKS]
 T1  20
[PIPES]
 p7  n7  T1  100
 p8  n1  n7  100
 p227  n4  n1  100
[PUMPS]
 PUMP_1  n4  n1
[COORDINATES]
;node x y
 n1   1000.0   2000.0
 n4   3000.0   500.0  ; of a pipe's and a pump's beginning
[END]
"""


def year(folder: Path, unit: str = "us", rows: int = 4) -> Path:
    pa: Any = pytest.importorskip("pyarrow", reason="reading parquet needs the extra `data`")
    from pyarrow import parquet

    own = folder / "tiny"
    own.mkdir()
    stamps = [START // 1000 + 300 * row for row in range(rows)]
    columns = {
        "P_n1": pa.array([5_000 + row for row in range(rows)], pa.int16()),
        "F_p227": pa.array([1_234 - row for row in range(rows)], pa.int16()),
        "F_PUMP_1": pa.array([0] * rows, pa.int16()),
        "L_T1": pa.array([250] * rows, pa.int16()),
        "AMR_SUM": pa.array([9] * rows, pa.int16()),
        "timestamp": pa.array(stamps, pa.timestamp("s")).cast(pa.timestamp(unit)),
    }
    parquet.write_table(pa.table(columns), own / "scada_5min_centi.parquet")
    table = {name: pa.array(litres, pa.int16()) for name, litres in {"n1": [901, 902], "n7": [0, 7]}.items()}
    hours = [START // 1000 - 3600, START // 1000]
    table["timestamp"] = pa.array(hours, pa.timestamp("s")).cast(pa.timestamp(unit))
    parquet.write_table(pa.table(table), own / "amr_hourly_litres.parquet")
    (own / "leaks.csv").write_text(LEAKS, encoding="utf-8")
    (folder / "L-TOWN.inp").write_text(NETWORK, encoding="latin-1")
    return own
