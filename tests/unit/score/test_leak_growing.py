"""What finds a growing leak: an alarm in its time that names a meter near it."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ops.score.leak import STEP_MS, load
from ops.score.leak_growing import BEHIND_MS, DAY_MS, Alarm, Growing, judge, nearness, table
from processors.detectors.leak_meters import Meters
from processors.detectors.leak_paired import listen, through_the_day
from processors.detectors.leak_state import LeakState
from processors.detectors.leak_steps import Step
from schemas.anomaly import Transition
from schemas.facility import Place
from schemas.model import to_ms

METERS = ["P_a", "P_b", "P_c", "P_d", "P_e"]
PLACE = Place(lon=113.82, lat=34.02)
REAL = Path(__file__).parents[4] / "shared" / "data" / "ltown" / "scen_1"


@dataclass(frozen=True)
class Leak:
    link: str
    start_ms: int
    peak_ms: int
    abrupt: bool = False


def near(link: str, meter: str) -> int:
    """Pipe p<n> is nearest to the meter of that number, then to the ones beside it."""
    return abs(int(link[1:]) - METERS.index(meter))


def alarm(day: float, meter: str) -> Alarm:
    return Alarm(round(day * DAY_MS), meter)


def growing(link: str, start: int, peak: int, *, abrupt: bool = False) -> Leak:
    return Leak(link, start * DAY_MS, peak * DAY_MS, abrupt)


def test_the_first_alarm_near_a_leak_that_grows_finds_it_and_what_follows_repeats() -> None:
    leaks = [growing("p0", 10, 40), growing("p4", 60, 60, abrupt=True)]
    alarms = [alarm(22, "P_b"), alarm(30, "P_a"), alarm(31, "P_e"), alarm(9, "P_a"), alarm(63, "P_e")]
    found = judge(alarms, leaks, METERS, near)
    assert found == Growing(
        incipient=1, found=1, median_delay_days=12.0, abrupt=1, alarms=5, repeats=1, false=2, by_chance=2.4
    )


def test_a_week_behind_its_peak_a_leak_grows_no_more() -> None:
    leaks = [growing("p0", 10, 40)]
    behind = 40 * DAY_MS + BEHIND_MS
    assert judge([Alarm(behind, "P_a")], leaks, METERS, near).found == 1
    assert judge([Alarm(behind + 1, "P_a")], leaks, METERS, near).false == 1


def test_of_two_the_nearer_is_found_first_and_where_no_network_is_known_any_meter_counts() -> None:
    leaks = [growing("p1", 10, 40), growing("p2", 12, 40)]
    assert judge([alarm(20, "P_c")], leaks, METERS, near).median_delay_days == 8.0
    assert judge([alarm(20, "P_e"), alarm(21, "")], leaks, METERS, None).found == 2


def test_nearness_goes_along_the_pipes(tmp_path: Path) -> None:
    network = tmp_path / "town.inp"
    network.write_text("[PIPES]\np0 a b 100 1 1 0 Open\np1 b c 500 1 1 0 Open\np2 d e 10 1 1 0 Open\n")
    ranks = nearness(network, METERS)
    assert [ranks("p1", meter) for meter in METERS] == [2, 0, 0, 5, 5]
    assert ranks("p2", "P_d") == 0


def test_the_table_adds_up() -> None:
    one = Growing(incipient=8, found=4, median_delay_days=11.5, abrupt=2, alarms=8, repeats=1, false=1, by_chance=1.5)
    lines = table([("a", one, 1, 304.0), ("b", Growing(incipient=2), 0, 304.0)]).splitlines()
    assert lines[-3].split() == ["a", "4/8", "11.5", "2", "8", "1", "1", "1.5", "0.20"]
    assert lines[-1].split() == ["all", "4/10", "11.5", "2", "8", "1", "1", "1.5", "0.10"]


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/ltown is not here")
def test_a_growing_leak_of_a_labelled_year_is_found_near_its_meter_and_over_when_it_is_repaired() -> None:
    """One grows from 9 February on to 20 m3/h, and is repaired on 15 April; no burst is in the first 15 weeks."""
    times_ms, columns, leaks = load(REAL)
    of = [[one for one in columns if one.observed_property == name] for name in ("pressure", "flow", "water_level")]
    known = LeakState(zone="dma:ltown", counts=(len(of[0]), len(of[1]), len(of[2])), place=PLACE.model_dump_json())
    known.layout = tuple(f"{one.facility}|{one.facility}|{one.observed_property}" for part in of for one in part)
    known.steps.interval_ms = STEP_MS
    pressure, flow, height = (np.column_stack([one.values for one in part]) for part in of)
    moving: Any = SimpleNamespace(meters=Meters.empty(len(of[0]), len(of[1]), len(of[2])))
    found = []
    for row, at_ms in enumerate(times_ms[: 108 * DAY_MS // STEP_MS]):
        step = Step(at_ms, {})
        listen(known, moving, step, (pressure[row] / 1000, flow[row], height[row]))
        found += through_the_day(known, step, 7)
    (first,) = [leak for leak in leaks if leak.link == "p330"]
    raised = [one for one in found if one.transition is Transition.RAISED]
    assert [one.facility for one in raised] == ["P_n410"]
    assert found[-1].transition is Transition.CLEARED
    assert first.start_ms < to_ms(raised[0].at) < first.peak_ms < to_ms(found[-1].at)
