"""Run by an environment that has pysparkplug: payloads by an independent implementation, as JSON on stdout."""

import base64
import json
import sys
from typing import Any

import pysparkplug as psp

T0 = 1_760_000_000_000
D = psp.DataType
CASES = [
    (D.INT8, -5),
    (D.INT8, 127),
    (D.INT16, -30_000),
    (D.INT32, -2_000_000_000),
    (D.INT64, -9_000_000_000_000),
    (D.UINT8, 255),
    (D.UINT16, 65_535),
    (D.UINT32, 4_294_967_295),
    (D.UINT64, 18_446_744_073_709_551_615),
    (D.FLOAT, 0.25),
    (D.DOUBLE, -1e-7),
    (D.BOOLEAN, True),
    (D.BOOLEAN, False),
    (D.STRING, "kPa"),
    (D.TEXT, "żółw"),
]


def metric(name: str | None, datatype: Any, value: Any, alias: int | None = None, **more: Any) -> Any:
    return psp.Metric(timestamp=T0, name=name, datatype=datatype, value=value, alias=alias, **more)


def encoded(payload: Any) -> str:
    return base64.b64encode(payload.encode()).decode()


values = [
    {
        "value": value,
        "birth": encoded(psp.DBirth(timestamp=T0, seq=1, metrics=(metric("x", datatype, value, 3),))),
        "data": encoded(psp.DData(timestamp=T0, seq=2, metrics=(metric(None, datatype, value, 3),))),
    }
    for datatype, value in CASES
]
session = [
    (
        "NBIRTH",
        None,
        psp.NBirth(timestamp=T0, seq=0, metrics=(metric("bdSeq", D.INT64, 7), metric("Level", D.INT32, -1, 1))),
    ),
    (
        "DBIRTH",
        "d",
        psp.DBirth(
            timestamp=T0,
            seq=1,
            metrics=(
                metric("Pressure", D.FLOAT, 2.5, 2),
                metric("Units", D.STRING, "bar"),
                metric("Fault", D.BOOLEAN, False, 3),
            ),
        ),
    ),
    (
        "DDATA",
        "d",
        psp.DData(timestamp=T0 + 1, seq=2, metrics=(metric(None, D.FLOAT, 3.5, 2), metric(None, D.BOOLEAN, True, 3))),
    ),
    ("DDATA", "d", psp.DData(timestamp=T0 + 2, seq=3, metrics=(metric(None, D.FLOAT, None, 2),))),
    ("DDATA", "d", psp.DData(timestamp=T0 + 3, seq=4, metrics=(metric(None, D.FLOAT, 1.5, 2, is_historical=True),))),
    ("DDEATH", "d", psp.DDeath(timestamp=T0 + 4, seq=5)),
    ("NDEATH", None, psp.NDeath(timestamp=T0 + 5, bd_seq_metric=metric("bdSeq", D.INT64, 7))),
]
json.dump(
    {
        "values": values,
        "session": [(kind, device, encoded(payload)) for kind, device, payload in session],
        "state": [psp.State(timestamp=T0, online=True).encode().decode()],
        "understood": sys.argv[1:]
        and [[m.name, m.value, m.datatype.name] for m in psp.NCmd.decode(base64.b64decode(sys.argv[1])).metrics],
    },
    sys.stdout,
)
