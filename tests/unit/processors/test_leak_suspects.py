"""Meters that lie never raise a leak, and are told: every way of lying, on a simulated town without leaks."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from processors.leak.core import LeakCore
from processors.leak.incidents import Alarm
from processors.leak.state import CREEP, DRIFT, JUMP, STUCK, Doubt
from tests.small_town import INLETS, PER_DAY, SENSED, Floats, Leak, readings, simulate, small_model, small_network

FIRST = 17_532 * PER_DAY
DAYS = 11
AT = 7 * PER_DAY + 100
END = AT + 2 * PER_DAY
NAMES = [*SENSED, *INLETS]
PRESSURE, FLOW = NAMES.index("n12"), NAMES.index("p_west")
Fault = Callable[[Floats, int], None]


@cache
def town(leak: Leak | None = None) -> Floats:
    return readings(simulate(small_network(), DAYS, () if leak is None else (leak,)), SENSED, INLETS)


def told(values: Floats) -> tuple[list[Alarm], dict[tuple[str, int], Doubt], dict[tuple[str, int], Doubt]]:
    """Alarms, every doubt there was, and those that are left at the end."""
    core = LeakCore(small_model())
    at = [NAMES.index(name) for name in core.sensors]
    alarms: list[Alarm] = []
    doubts: dict[tuple[str, int], Doubt] = {}
    for row, reading in enumerate(values[:, at]):
        alarms += core.tick(FIRST + row, reading)
        doubts = {**core.doubts(), **doubts}
    return alarms, doubts, core.doubts()


def broken(fault: Fault, meter: int) -> Floats:
    values = town().copy()
    fault(values, meter)
    return values


def stuck(values: Floats, meter: int) -> None:
    values[AT:END, meter] = values[AT, meter]


def lost(values: Floats, meter: int) -> None:
    values[AT:END, meter] = np.nan


def late(values: Floats, meter: int) -> None:
    """As with a clock that is an hour slow."""
    values[AT:END, meter] = town()[AT - 12 : END - 12, meter]


def offset(by: float) -> Fault:
    def fault(values: Floats, meter: int) -> None:
        values[AT:, meter] += by

    return fault


def times(factor: float) -> Fault:
    """As in another unit."""

    def fault(values: Floats, meter: int) -> None:
        values[AT:END, meter] *= factor

    return fault


def drift(a_day: float) -> Fault:
    def fault(values: Floats, meter: int) -> None:
        values[AT:, meter] += a_day * np.arange(len(values) - AT) / PER_DAY

    return fault


OFF, STILL = "off", "still"
TOLD_AS = {JUMP: OFF, DRIFT: OFF, STUCK: STILL, CREEP: OFF}
FAULTS: dict[str, tuple[Fault, int, set[str]]] = {
    "pressure stuck": (stuck, PRESSURE, {OFF, STILL}),
    "pressure lost": (lost, PRESSURE, set()),
    "pressure late": (late, PRESSURE, {OFF}),
    "pressure higher after maintenance": (offset(0.5), PRESSURE, {OFF}),
    "pressure lower after maintenance": (offset(-0.5), PRESSURE, {OFF}),
    "pressure in bar": (times(0.0981), PRESSURE, {OFF}),
    "pressure in psi": (times(1.422), PRESSURE, {OFF}),
    "pressure drifts": (drift(-0.2), PRESSURE, {OFF}),
    "flow stuck": (stuck, FLOW, {OFF, STILL}),
    "flow lost": (lost, FLOW, set()),
    "flow late": (late, FLOW, {OFF}),
    "flow higher after maintenance": (offset(2.0), FLOW, {OFF}),
    "flow lower after maintenance": (offset(-2.0), FLOW, {OFF}),
    "flow in l/s": (times(1 / 3.6), FLOW, {OFF}),
    "flow in other units": (times(3.6), FLOW, {OFF}),
    "flow at rest": (times(0.0), FLOW, {OFF}),
    "flow drifts by less than a hundredth in four days": (drift(0.2), FLOW, set()),
    "flow drifts up": (drift(0.5), FLOW, {OFF}),
    "flow drifts down": (drift(-0.5), FLOW, {OFF}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_meter_that_lies_raises_no_leak_and_is_told(name: str) -> None:
    fault, meter, kinds = FAULTS[name]
    alarms, doubts, _ = told(broken(fault, meter))
    assert alarms == []
    assert {TOLD_AS[kind] for key, kind in doubts if key == NAMES[meter]} == kinds
    assert all(doubt.seen >= FIRST + AT for doubt in doubts.values())


def test_nobody_is_doubted_who_speaks_the_truth() -> None:
    assert told(town()) == ([], {}, {})


@pytest.mark.parametrize(("fault", "kind"), [(offset(0.3), JUMP), (drift(-0.2), DRIFT)])
def test_what_jumps_is_told_from_what_drifts(fault: Fault, kind: int) -> None:
    _, doubts, _ = told(broken(fault, PRESSURE))
    assert set(doubts) == {("n12", kind)}


def test_how_much_a_meter_is_off_is_told() -> None:
    for by in (0.5, -0.5):
        _, doubts, left = told(broken(offset(by), PRESSURE))
        (doubt,) = doubts.values()
        assert doubt.error == pytest.approx(by, abs=0.05)
        assert 0 <= doubt.since - FIRST - AT <= 12
        assert left, "of the days before it disagrees still"


def test_one_that_moves_again_is_believed() -> None:
    _, doubts, left = told(broken(stuck, PRESSURE))
    assert ("n12", STUCK) in doubts
    assert ("n12", STUCK) not in left


BURST = Leak("n31", AT + PER_DAY + 60, DAYS * PER_DAY, 6.0)


@pytest.mark.parametrize("name", ["pressure stuck", "pressure lower after maintenance", "pressure drifts"])
def test_a_pressure_that_lies_hides_no_burst(name: str) -> None:
    values = town(BURST).copy()
    FAULTS[name][0](values, PRESSURE)
    alarms, _, _ = told(values)
    assert [alarm.kind for alarm in alarms] == ["burst"]
    assert 0 <= alarms[0].tick - FIRST - BURST.start <= 24
    assert not told(town(BURST))[1], "a leak makes nobody doubted"
