"""The scorer of located alarms: on made-up folders, and on a month of L-Town-R where it is at hand."""

import csv
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ops.score.battledim import Leak, PipeMap
from ops.score.driven import rows
from ops.score.faults import LATE_MS, late, lost_and_stuck
from ops.score.located import score, write_alarms
from ops.score.ltown import Year, read, sensed, years_in
from processors.detectors.pipe_leak_steps import STEP_MS
from runtime.errors import FatalError
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, PIPES, burst, network, readings

REAL = Path(__file__).parents[4] / "shared" / "data" / "ltown"

NETWORK = network()
AT = 10 * PER_DAY + 130
RING = PipeMap({f"p{i}": (f"n{i}", f"n{(i + 1) % PIPES}", 150.0) for i in range(PIPES)})


def year(days: int = 12) -> Year:
    values = readings(NETWORK, days, [(13, burst(days, AT, 9.0))])
    leak = Leak("p13", AT, len(values), True, burst(days, AT, 9.0))
    return Year("made-up", (*(f"P{i}" for i in range(8)), "F0", "F1"), values, FIRST, (leak,))


def test_a_year_is_run_and_judged(tmp_path: Path) -> None:
    scored = score(year(), NETWORK, RING)
    found = scored.figures
    assert (found["new_found"], found["new_total"], found["fp"]) == (1, 1, 0)
    assert 0 < found["eur_pct"] <= 100
    assert found["median_delay_abrupt_h"] < 1
    assert found["state_bytes_day_30"] is None
    assert found["settings"]["fast"] > 0
    assert [one.right for one in scored.said] == [True]
    write_alarms(tmp_path / "alarms.csv", scored)
    with (tmp_path / "alarms.csv").open() as file:
        rows = list(csv.DictReader(file))
    moment = datetime.fromisoformat(rows[0]["time"]).replace(tzinfo=UTC)
    assert round(moment.timestamp() / 300) == scored.told[0].tick
    assert RING.apart(rows[0]["link"], "p13") <= 300


def test_faults_lose_ticks_and_let_a_sensor_stand_still() -> None:
    values = np.random.default_rng(2).random((210 * PER_DAY, 6))
    faulty = lost_and_stuck(values)
    lost = np.isnan(faulty).all(axis=1)
    assert lost.mean() == pytest.approx(0.02, abs=0.003)
    assert np.array_equal(np.isnan(faulty).any(axis=1), lost)
    week = slice(200 * PER_DAY, 207 * PER_DAY)
    assert np.nanmax(faulty[week, 0]) == np.nanmin(faulty[week, 0])
    assert np.nanmax(faulty[week, 1]) > np.nanmin(faulty[week, 1])
    assert np.array_equal(lost_and_stuck(values), faulty, equal_nan=True)
    assert not np.array_equal(np.isnan(lost_and_stuck(values, 2)).all(axis=1), lost)


def test_readings_come_late_in_any_order_and_none_is_lost() -> None:
    values = year(1).values.copy()
    values[5, 2] = np.nan
    values[100] = np.nan
    taken = list(rows(NETWORK, values, FIRST))
    came = list(late(taken, values.shape[1]))
    assert [tick for tick, _ in came] == list(range(FIRST, FIRST + len(came)))
    readings = [reading for _, some in came for reading in some]
    plain = [reading for _, some in taken for reading in some]
    assert sorted((column, at_ms, value, identity, at_ms) for column, at_ms, value, identity, _ in readings) == sorted(
        plain
    )
    assert all(0 <= come_ms - at_ms < LATE_MS for _, at_ms, _, _, come_ms in readings)
    assert all(tick == come_ms // STEP_MS for tick, some in came for *_, come_ms in some)
    assert any(later[1] < earlier[1] for earlier, later in pairwise(readings))
    assert len(taken) < len(came) <= len(taken) + 2


def test_a_burst_is_found_through_faults_as_well() -> None:
    found = score(year(), NETWORK, RING, fault_seed=1).figures
    assert (found["new_found"], found["fp"], found["faults"]) == (1, 0, True)


def test_a_sensor_that_the_model_reads_and_nobody_sends_is_named() -> None:
    short = year(1)
    without = Year(short.name, short.columns[1:], short.values[:, 1:], short.first, short.leaks)
    with pytest.raises(FatalError, match="no column P0"):
        score(without, NETWORK, RING)


def test_a_folder_of_another_format_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="reading parquet needs the extra `data`")
    with pytest.raises(FatalError, match=r"scada_5min_centi\.parquet"):
        read(tmp_path)


def test_a_folder_of_years_stands_for_its_years(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scada_5min_centi.parquet").touch()
    assert [year.name for year in years_in(tmp_path)] == ["a", "b"]
    assert years_in(tmp_path / "b") == [tmp_path / "b"]
    with pytest.raises(FatalError, match=r"scada_5min_centi\.parquet"):
        years_in(tmp_path / "nothing")


def test_columns_say_what_they_are() -> None:
    roles = {s.key: (s.role, s.element) for s in sensed(["P_n1", "F_p227", "F_PUMP_1", "L_T1", "AMR_SUM", "other"])}
    assert roles == {
        "P_n1": ("pressure", "n1"),
        "F_p227": ("inlet", "p227"),
        "F_PUMP_1": ("pump", "PUMP_1"),
        "L_T1": ("tank_level", "T1"),
        "AMR_SUM": ("consumption", None),
    }


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/ltown is not here")
def test_the_first_burst_of_a_labelled_year_is_found_at_its_place() -> None:
    pytest.importorskip("pyarrow", reason="reading parquet needs the extra `data`")
    pytest.importorskip("wntr", reason="signatures need the extra `sim`")
    signatures: Any = pytest.importorskip("ops.water.signatures")
    whole = read(REAL / "scen_7")
    days = 13  # p744 bursts on the evening of day 11
    leaks = tuple(leak for leak in whole.leaks if leak.start < days * PER_DAY)
    first = Year(whole.name, whole.columns, whole.values[: days * PER_DAY], whole.first, leaks)
    inp = REAL / "L-TOWN.inp"
    model = signatures.network_model(inp, sensed(whole.columns))
    found = score(first, model, PipeMap.read(inp)).figures
    assert (found["abrupt_found"], found["fp"]) == (1, 0)
    assert found["median_delay_abrupt_h"] < 1
