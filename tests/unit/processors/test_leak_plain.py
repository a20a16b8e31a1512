"""Ticks that wait for one another: the same alarms at the same ticks and the same state as tick by tick."""

import numpy as np
import pytest

from processors.leak import packing
from processors.leak.area import Area
from processors.leak.core import LeakCore
from processors.leak.incidents import Alarm
from processors.leak.settings import SHIPPED, Settings
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, Floats, burst, network, readings

NETWORK = network()
DAYS = 14
AT = 10 * PER_DAY
Said = list[tuple[int, list[Alarm]]]


def with_faults(at: int) -> Floats:
    """A burst and its repair, ticks that are lost, a pressure that is, and one that stands still."""
    values = readings(NETWORK, DAYS, [(13, burst(DAYS, at, 9.0, at + 3 * PER_DAY))])
    values[8 * PER_DAY + 7 : 8 * PER_DAY + 9] = np.nan
    values[9 * PER_DAY + 10 : 9 * PER_DAY + 40, 2] = np.nan
    values[12 * PER_DAY : 12 * PER_DAY + 100, 4] = 51.0
    values[7 * PER_DAY + 1 : 7 * PER_DAY + 3, 3] = 0.0
    return values


def one_by_one(values: Floats, settings: Settings) -> tuple[Said, bytes]:
    """What the areas say if no tick ever waits."""
    core = LeakCore(NETWORK, settings)
    states = core.states
    said = []
    for number, row in enumerate(values, FIRST):
        for area, state in zip(core.areas, states, strict=True):
            alarms = area.tick(state, number, row)
            if alarms:
                said.append((number, alarms))
    return said, packing.to_bytes([*states])


def together(values: Floats, settings: Settings, look: int = 0) -> tuple[Said, bytes]:
    """What the core says, whose state somebody looks at after every so many ticks."""
    core = LeakCore(NETWORK, settings)
    said = []
    for number, row in enumerate(values, FIRST):
        alarms = core.tick(number, row)
        if alarms:
            said.append((number, alarms))
        if look and number % look == 0:
            core.to_bytes()
    return said, core.to_bytes()


@pytest.mark.parametrize("later", [0, 1, 2])
def test_waiting_changes_no_alarm_no_tick_of_one_and_no_bit_of_the_state(later: int) -> None:
    values = with_faults(AT + later)
    alone = one_by_one(values, SHIPPED)
    assert [alarm.kind for _, alarms in alone[0] for alarm in alarms][:1] == ["burst"]
    assert together(values, SHIPPED) == alone


@pytest.mark.parametrize("every", [1, 2, 5])
def test_who_looks_at_the_state_meanwhile_changes_nothing(every: int) -> None:
    values = with_faults(AT)
    assert together(values, SHIPPED, every) == together(values, SHIPPED)


@pytest.mark.parametrize("confirm", [0, 1, 5])
def test_however_long_a_shift_must_be_confirmed(confirm: int) -> None:
    values, settings = with_faults(AT + 1), Settings(confirm_ticks=confirm)
    assert together(values, settings) == one_by_one(values, settings)


def test_plain_ticks_are_taken_in_together(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = []
    one = Area._one

    def noted(self: Area, state: object, number: int, values: Floats) -> list[Alarm]:
        alone.append(number)
        return one(self, state, number, values)  # type: ignore[arg-type]

    monkeypatch.setattr(Area, "_one", noted)
    together(readings(NETWORK, DAYS, []), SHIPPED)
    assert sum(number >= FIRST + 8 * PER_DAY for number in alone) < 0.1 * (DAYS - 8) * PER_DAY
