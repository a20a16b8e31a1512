"""A meter of an inlet that drifts day by day: told, out of the sum, and neither taken for a leak nor in its way.

Which of the ring's two meters it is cannot be known, since its heads follow the sum of what flows in; where the split
matters, as in the small town of :mod:`test_leak_suspects`, it is.
"""

from functools import cache

import numpy as np
import pytest

from ops.score.driven import Driven, rows, told
from processors.leak.core import LeakCore
from processors.leak.incidents import Alarm
from processors.leak.state import CREEP, Doubt
from schemas.anomaly import AnomalyKind, Transition
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, Floats, burst, network, readings

NETWORK = network()
DAYS = 21
BEGIN = 10 * PER_DAY
NAMES = [*(f"P{i}" for i in range(8)), "F0", "F1"]


@cache
def calm(days: int = DAYS) -> Floats:
    return readings(NETWORK, days, [])


def drifting(values: Floats, meter: str, a_day: float, until: int | None = None) -> Floats:
    """One meter reads more and more too high or low from the tenth day on."""
    out, days = values.copy(), np.arange(len(values)) / PER_DAY
    end = days[-1] if until is None else until
    out[:, NAMES.index(meter)] += np.round(a_day * (np.clip(days, 10, end) - 10), 2)
    return out


def lived(values: Floats) -> tuple[list[Alarm], dict[str, Doubt], list[set[str]]]:
    """Alarms, each meter's first doubt about its days, and who is doubted at the end of each day."""
    core = LeakCore(NETWORK)
    alarms: list[Alarm] = []
    first: dict[str, Doubt] = {}
    daily = []
    for row, reading in enumerate(values):
        alarms += core.tick(FIRST + row, reading)
        if (row + 1) % PER_DAY == 0:
            doubts = core.doubts()
            assert {kind for _, kind in doubts} <= {CREEP}
            first = {**{name: Doubt(**_fields(doubt)) for (name, _), doubt in doubts.items()}, **first}
            daily.append({name for name, _ in doubts})
    return alarms, first, daily


def _fields(doubt: Doubt) -> dict[str, float]:
    return {name: getattr(doubt, name) for name in doubt.__struct_fields__}


@pytest.mark.parametrize("meter", ["F0", "F1"])
@pytest.mark.parametrize("a_day", [1.0, -1.0, 0.5])
def test_a_meter_that_drifts_is_told_within_days_and_raises_no_leak(meter: str, a_day: float) -> None:
    alarms, first, daily = lived(drifting(calm(), meter, a_day))
    assert alarms == []
    ((_, doubt),) = first.items()
    told = next(day for day, doubted in enumerate(daily) if doubted)
    assert 10 <= told <= 10 + 3.5 / abs(a_day)
    assert doubt.error == pytest.approx(a_day * (told + 0.5 - 10), rel=0.6)
    assert doubt.since >= FIRST + BEGIN - PER_DAY
    assert all(doubted == set(first) for doubted in daily[told:])


def test_nobody_is_doubted_while_all_read_right_or_while_a_leak_grows() -> None:
    growing = np.clip((np.arange(DAYS * PER_DAY) - BEGIN) / PER_DAY * 0.8, 0.0, None)
    for values in (calm(), *(readings(NETWORK, DAYS, [(pipe, growing)]) for pipe in (3, 13, 22))):
        _, first, _ = lived(values)
        assert first == {}


@pytest.mark.parametrize("a_day", [1.0, -1.0])
def test_a_leak_that_grows_while_a_meter_drifts_is_found(a_day: float) -> None:
    growing = np.clip((np.arange(DAYS * PER_DAY) / PER_DAY - 15) * 0.8, 0.0, None)
    alarms, first, _ = lived(drifting(readings(NETWORK, DAYS, [(13, growing)]), "F0", a_day))
    assert [alarm.kind for alarm in alarms] == ["growing"]
    assert NETWORK.distances_m[alarms[0].pipe, 13] <= 300
    assert alarms[0].tick - FIRST < 19 * PER_DAY
    assert len(first) == 1


def test_a_leak_that_grows_while_a_meter_drifts_is_measured_by_what_is_left() -> None:
    flow = np.clip((np.arange(22 * PER_DAY) / PER_DAY - 15) * 0.8, 0.0, None)
    driven = Driven(NETWORK)
    driven.live(rows(NETWORK, drifting(readings(NETWORK, 22, [(13, flow)]), "F0", -1.0), FIRST))
    said = told(driven.findings)
    assert [one.transition for one in said[:2]] == [Transition.RAISED, Transition.UPDATED]
    for one in said:
        assert one.flow == pytest.approx(flow[one.tick - FIRST], rel=0.4)


def test_a_burst_while_a_meter_drifts_is_found_within_the_hour() -> None:
    at = 17 * PER_DAY + 100
    alarms, first, _ = lived(drifting(readings(NETWORK, DAYS, [(13, burst(DAYS, at, 9.0))]), "F0", 1.0))
    assert [alarm.kind for alarm in alarms] == ["burst"]
    assert 0 <= alarms[0].tick - FIRST - at <= 12
    assert len(first) == 1


def test_one_that_stays_where_it_is_is_believed_again_when_the_days_before_are_forgotten() -> None:
    alarms, first, daily = lived(drifting(calm(62), "F0", 1.0, until=14))
    assert alarms == []
    assert daily[20] == set(first)
    assert len(first) == 1
    assert daily[-1] == set()


def test_a_state_goes_on_with_the_doubt() -> None:
    values = drifting(calm(), "F0", 1.0)
    whole, half = LeakCore(NETWORK), LeakCore(NETWORK)
    for row, reading in enumerate(values):
        whole.tick(FIRST + row, reading)
        half.tick(FIRST + row, reading)
        if row == 16 * PER_DAY:
            assert {kind for _, kind in half.doubts()} == {CREEP}
            half = LeakCore.from_bytes(half.to_bytes(), NETWORK)
    assert half.to_bytes() == whole.to_bytes()


def test_it_is_a_finding_of_its_device_and_nothing_else_is_said() -> None:
    driven = Driven(NETWORK)
    driven.live(rows(NETWORK, drifting(calm(), "F0", 1.0), FIRST))
    (raised,) = driven.findings
    assert (raised.transition, raised.kind) == (Transition.RAISED, AnomalyKind.DEVICE_DRIFT)
    assert raised.subject in {"F0", "F1"}
    assert f"The flow of {raised.subject} drifts away from the others, day by day, by " in raised.summary
    assert "m3/h too high" in raised.summary
    assert raised.numbers["error"] == pytest.approx(2.0, abs=1.0)
