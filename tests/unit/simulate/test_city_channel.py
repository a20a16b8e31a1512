"""What faults do to the messages of one device."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ops.simulate.city.channel import Channel, Message
from ops.simulate.city.city import City
from ops.simulate.city.faults import Fault, FaultKind, Faults
from ops.simulate.city.model import Device, Said, Thing
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS, Value

CITY = City(1, 100)
START = CITY.start_ms


class Planned(Faults):
    """Exactly these."""

    def __init__(self, *own: Fault, outages: tuple[Fault, ...] = (), off_ms: int = 0) -> None:
        self._own, self._planned, self._off = list(own), list(outages), off_ms

    def of(self, device: Device) -> list[Fault]:
        return self._own

    def outages(self, gateway: str) -> list[Fault]:
        return self._planned

    def clock_off_ms(self, device: Device) -> int:
        return self._off


def thing(family: str) -> Thing:
    return next(one for one in CITY.things if one.family == family)


def says(count: int = 60) -> Iterator[Said]:
    for index in range(count):
        yield Said(START + index * MINUTE_MS, (Value("temperature", float(index)),))


def carried(family: str, faults: Faults, noise: float = 0.0) -> list[Message]:
    return list(Channel(1, thing(family), faults, START, noise, "here").carry(says()))


def body(message: Message) -> Any:
    return json.loads(message.payload)


def temperatures(messages: list[Message]) -> list[float]:
    return [body(message)["object"]["temperature"] for message in messages]


def span(kind: FaultKind, first: int, last: int, by_ms: int = 0) -> Fault:
    return Fault(kind, START + first * MINUTE_MS, START + last * MINUTE_MS, by_ms)


def test_without_faults_everything_arrives_once_a_little_later() -> None:
    messages = carried("cover", Planned())
    assert temperatures(messages) == [float(index) for index in range(60)]
    assert all(0 < one.at_ms - (START + i * MINUTE_MS) < 5_000 for i, one in enumerate(messages))


def test_a_frozen_sensor_repeats_its_last_value_under_new_times() -> None:
    messages = carried("cover", Planned(span(FaultKind.STUCK, 10, 20)))
    assert temperatures(messages)[9:21] == [9.0, *[10.0] * 10, 20.0]
    assert len({body(message)["time"] for message in messages}) == 60


def test_a_dead_device_says_nothing_and_counts_nothing() -> None:
    messages = carried("cover", Planned(span(FaultKind.DEAD, 10, 20)))
    assert temperatures(messages) == [float(i) for i in range(60) if not 10 <= i < 20]
    assert [body(message)["fCnt"] for message in messages] == list(range(50))


def test_what_a_gateway_misses_is_missing_in_the_count() -> None:
    messages = carried("cover", Planned(outages=(span(FaultKind.OUTAGE, 10, 20),)))
    assert [body(message)["fCnt"] for message in messages] == [i for i in range(60) if not 10 <= i < 20]


def test_an_outage_of_a_gateway_is_nothing_to_a_device_without_one() -> None:
    assert len(carried("bin", Planned(outages=(span(FaultKind.OUTAGE, 10, 20),)))) == 60


def test_a_clock_that_is_off_is_so_only_in_what_its_device_says_itself() -> None:
    off = Planned(off_ms=90_000)
    assert body(carried("bin", off)[0])[0]["time"] == "2026-07-05T16:01:30.000Z"
    wrong = Planned(span(FaultKind.CLOCK, 0, 5, HOUR_MS))
    assert [body(one)[0]["time"][11:16] for one in carried("bin", wrong)[:6]] == [
        *("17:00", "17:01", "17:02", "17:03", "17:04"),
        "16:05",
    ]


def test_a_device_that_restarts_counts_anew_every_time() -> None:
    said = [body(one)[0] for one in carried("tank", Planned(span(FaultKind.RESTARTS, 10, 13)))]
    assert [(one["boot"], one["seq"]) for one in said[8:15]] == [
        *(("b1", 8), ("b1", 9)),
        *(("b2", 0), ("b3", 0), ("b4", 0)),
        *(("b4", 1), ("b4", 2)),
    ]


def test_two_devices_of_one_name_count_each_for_themselves() -> None:
    said = [body(one)[0]["seq"] for one in carried("tank", Planned(span(FaultKind.CLONE, 10, 13)))]
    assert len(said) == 63
    assert said[9:17] == [9, 10, 40_011, 11, 40_012, 12, 40_013, 13]


def test_an_empty_battery_and_a_weak_radio_show_in_what_the_device_says_of_itself() -> None:
    empty = carried("cover", Planned(span(FaultKind.BATTERY, 10, 20)))
    charges = [body(one)["object"]["battery"] for one in empty]
    assert set(charges[10:20]) == {8}
    assert min(charges[:10]) > 50
    weak = carried("cover", Planned(span(FaultKind.SIGNAL, 10, 20)))
    heard = [body(one)["rxInfo"][0]["rssi"] for one in weak]
    assert max(heard[10:20]) < -120 < min(heard[:10])


def test_a_thermometer_may_die_or_lie_alone() -> None:
    dead = carried("cover", Planned(span(FaultKind.MISSING, 10, 20)))
    assert ["temperature" in body(one)["object"] for one in dead] == [not 10 <= i < 20 for i in range(60)]
    lying = carried("cover", Planned(span(FaultKind.JUMP, 10, 20)))
    assert [reading > 100 for reading in temperatures(lying)] == [10 <= i < 20 for i in range(60)]


def test_a_pause_ends_with_a_word_before_the_next_is_due() -> None:
    paused = span(FaultKind.PAUSE, 10, 55)._replace(size=2.5, silent=True)  # of a quarter of an hour
    messages = carried("cover", Planned(paused))
    assert temperatures(messages) == [*map(float, range(10)), 46.0, *map(float, range(47, 60))]
    wakes = messages[10].at_ms - START - 9 * MINUTE_MS
    assert 0 < wakes - 2.5 * 900_000 < 5_000
    assert [body(message)["fCnt"] for message in messages] == list(range(24))


def test_a_thermometer_that_drifts_walks_and_then_stays_away() -> None:
    drift = Fault(FaultKind.DRIFT, START, START + 3 * HOUR_MS, size=6.0)
    off = [said - index for index, said in enumerate(temperatures(carried("cover", Planned(drift))))]
    assert off[0] == 0.0
    assert off == sorted(off)
    assert abs(off[-1] - 6.0 * 59 / 120) < 0.06


def test_only_devices_with_a_clock_of_their_own_have_wrong_ones() -> None:
    faults = Faults(3, START, 5, noise=10)
    lora = [one.device for one in CITY.things if not one.device.own_clock]
    assert all(faults.clock_off_ms(one) == 0 for one in lora)
    assert FaultKind.CLOCK not in {fault.kind for one in lora for fault in faults.of(one)}


def test_faults_are_as_frequent_as_promised() -> None:
    city = City(21, 4_000, days=5)
    faults = Faults(21, START, 5, noise=1)
    devices = [one.device for one in city.things]
    kinds = [fault.kind for device in devices for fault in faults.of(device)]
    device_days = len(devices) * 5
    assert 0.007 < kinds.count(FaultKind.STUCK) / device_days < 0.013
    assert 0.007 < kinds.count(FaultKind.DEAD) / device_days < 0.013
    clocks = [faults.clock_off_ms(device) for device in devices if device.own_clock]
    assert 0.035 < sum(off != 0 for off in clocks) / len(clocks) < 0.065
    assert max(map(abs, clocks)) <= 120_000
    outages = sum(len(faults.outages(street.gateway)) for street in city.streets)
    assert 0.02 < outages / (len(city.streets) * 5) < 0.09


def test_no_two_faults_of_a_device_at_once() -> None:
    faults = Faults(22, START, 30, noise=10)
    for one in CITY.things:
        found = faults.of(one.device)
        assert all(before.end_ms < after.start_ms for before, after in pairwise(found))
        assert all(START <= fault.start_ms < START + 30 * DAY_MS for fault in found)


def test_tracks_change_their_ids_as_often_as_promised() -> None:
    kept = changed = 0
    for one in City(23, 1_000, only=frozenset({"camera"})).things:
        city = City(23, 1_000, only=frozenset({"camera"}))
        long = [m for m in city.matters(one) if m.end_ms - m.start_ms > 10 * MINUTE_MS]
        if not long:
            continue
        ends: dict[str, list[float]] = {}
        for message in city.messages_of(one):
            if message.topic == "frigate/events":
                after = body(message)["after"]
                ends.setdefault(after["id"], []).append(after["frame_time"] * 1000)
        for matter in long:
            first = next((times for times in ends.values() if abs(times[0] - matter.start_ms) < 5_000), None)
            if first is not None:
                through = max(first) - matter.start_ms > 10 * MINUTE_MS
                kept, changed = kept + through, changed + (not through)
    assert 0.15 < changed / (kept + changed) < 0.45


def test_every_planned_stop_is_seen_by_the_camera() -> None:
    city = City(7, 500, noise=0, only=frozenset({"camera"}))
    for one in city.things:
        stops = {matter.start_ms for matter in city.matters(one)}
        comes = [body(m)["after"]["start_time"] * 1000 for m in city.messages_of(one) if m.topic == "frigate/events"]
        assert all(any(1_400 <= stop - come <= 4_100 for come in comes) for stop in stops)
