"""Ticks that wait for one another: the same alarms at the same ticks and the same state as tick by tick."""

import msgspec
import numpy as np
import pytest

from processors.leak import packing
from processors.leak.area import Area
from processors.leak.core import LeakCore
from processors.leak.hush import Hush
from processors.leak.incidents import Alarm
from processors.leak.network import Basis, NetworkModel, sensors_of
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


def with_tank() -> NetworkModel:
    """The network, whose first inlet's main also fills a tank; three pressures are behind it."""
    known = NETWORK.areas[0]
    behind = msgspec.structs.replace(
        known,
        name="2",
        basis=Basis.CONSUMPTION,
        pressures=("T0", "T1", "T2"),
        inflows=(),
        pump="PUMP",
        level="LEVEL",
        consumption="USED",
        tank_m2=200.0,
        reference=30.0,
        unmetered=1.1,
        signatures=known.signatures[:, :, :3],
    )
    return msgspec.structs.replace(NETWORK, areas=(msgspec.structs.replace(known, pump="PUMP"), behind))


def behind_a_tank(values: Floats, at: int) -> Floats:
    """Readings of :func:`with_tank`, beside ``values`` of the network: a leak behind the tank, and it runs dry."""
    chance = np.random.default_rng(11)
    count = len(values)
    used = np.round(15.0 + 5.0 * np.sin(np.arange(count) * 2 * np.pi / PER_DAY) + chance.normal(size=count) * 0.2, 2)
    pump = np.where(np.arange(count) // 36 % 2, 31.0, 0.0)
    leak = np.where(np.arange(count) >= at, 6.0, 0.0)
    level = np.round(3.0 + np.cumsum(pump - used - leak * 0.1 - (pump - used).mean()) / 12.0 / 200.0, 2)
    level[at + 4 * PER_DAY :][:20] = 0.4
    loss = np.array([0.002, 0.004, 0.003])
    heads = 40.0 + level[:, None] - loss * used[:, None] ** 1.85 - 0.1 * leak[:, None] * np.array([1.0, 0.7, 0.4])
    heads = np.round(heads + chance.normal(size=heads.shape) * 0.01, 2)
    return np.column_stack([values, pump, heads, level, used])


def one_by_one(values: Floats, settings: Settings, network: NetworkModel = NETWORK) -> tuple[Said, bytes]:
    """What the areas say if no tick ever waits."""
    core = LeakCore(network, settings)
    states = core.states
    said = []
    for number, row in enumerate(values, FIRST):
        for area, state in zip(core.areas, states, strict=True):
            alarms = area.tick(state, number, row)
            if alarms:
                said.append((number, alarms))
    return said, packing.to_bytes([*states])


def together(values: Floats, settings: Settings, look: int = 0, network: NetworkModel = NETWORK) -> tuple[Said, bytes]:
    """What the core says, whose state somebody looks at after every so many ticks."""
    core = LeakCore(network, settings)
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


@pytest.mark.parametrize("later", [0, 1, 2])
def test_areas_that_are_reckoned_side_by_side_are_as_if_each_were_alone(later: int) -> None:
    network, values = with_tank(), behind_a_tank(with_faults(AT + later), AT + PER_DAY + 7)
    assert sensors_of(network)[10:] == ("PUMP", "T0", "T1", "T2", "LEVEL", "USED")
    alone = one_by_one(values, SHIPPED, network)
    areas = {alarm.kind for _, alarms in alone[0] for alarm in alarms}
    assert "burst" in areas
    assert together(values, SHIPPED, 0, network) == alone


class Watched:
    """A hush of which every tick is looked at by the gates too, whatever it says."""

    def __init__(self, core: LeakCore, hush: Hush) -> None:
        self.core, self.hush, self.follow = core, hush, hush.follow
        self.looked = [0, 0]

    def maybe(self, row: int, behind: list[int]) -> list[list[int]] | None:
        found, count = self.hush.maybe(row, behind), self.hush.count
        for area, state, places in zip(self.core.areas, self.core._states, found or [[], []], strict=True):
            tick = state.tick
            for place in range(count):
                state.tick, state.rows = tick + 1 - count + place, row + place + 1
                loud = area.gate.loud(state, area.whiteners(state))
                assert not loud or place in places
                self.looked[bool(loud)] += 1
            state.tick, state.rows = tick, row
        return found


def test_a_tick_that_is_passed_over_as_quiet_is_not_loud() -> None:
    core = LeakCore(with_tank())
    assert core._plain is not None, "some ticks wait for each other"
    watched = Watched(core, core._plain.hush)
    core._plain.hush = watched  # type: ignore[assignment]
    values = behind_a_tank(readings(NETWORK, DAYS, []), AT)
    values[AT:, :8] += 0.011 * np.random.default_rng(1).normal(size=(len(values) - AT, 8))  # now and then that is loud
    for number, row in enumerate(values, FIRST):
        core.tick(number, row)
    assert watched.looked[0] > PER_DAY // 2
    assert watched.looked[1] > 10


def test_a_state_goes_on_in_another_core() -> None:
    network, values = with_tank(), behind_a_tank(with_faults(AT), AT + PER_DAY + 7)
    at = AT + PER_DAY + 20
    first = LeakCore(network)
    said = [alarm for number, row in enumerate(values[:at], FIRST) for alarm in first.tick(number, row)]
    then = LeakCore.from_bytes(first.to_bytes(), network)
    said += [alarm for number, row in enumerate(values[at:], FIRST + at) for alarm in then.tick(number, row)]
    alone = one_by_one(values, SHIPPED, network)
    assert (said, then.to_bytes()) == ([alarm for _, alarms in alone[0] for alarm in alarms], alone[1])


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
