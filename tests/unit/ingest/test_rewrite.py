from typing import Any

import pytest
from ingest_rig import NOW, Rig, facility, record_of

from ingest.rewrite import LOAD_MS, PAUSE_S, UNCONFIRMED_MAX
from schemas.clock import Tick
from schemas.columns import AcceptedColumns, BatchColumns
from schemas.facility import DeviceBinding, FacilityClass, Place, Policy
from schemas.model import from_ms
from schemas.partitioning import partition_of
from schemas.registry import (
    LOAD_KEY,
    PROBE_KEY,
    ClassConfigured,
    FacilityRegistered,
    RegistryProbe,
    RegistryRewriteBegun,
    RegistryRewriteEnded,
    RegistryRewritten,
    ZoneConfigured,
    ZoneKind,
)
from schemas.topics import DAY_MS, EVENTS, FACILITIES, REWRITES
from schemas.water import WaterNetworkConfigured
from schemas.works import MaintenancePlanned
from tests.surveyor import network

PARTITION = partition_of("dma:1", EVENTS.partitions)
DAY = 20_000 * DAY_MS


class Driven:
    """A rig whose Kafka confirms, and whose probe comes back, when the test says so."""

    def __init__(self, *, rewritten: bool = False, count: int = 3) -> None:
        self.rig = Rig(rewritten=rewritten)
        self.rewriter = self.rig.rewriter
        self.confirmed = 0
        self.heard = 0
        self.now_s = 0.0
        for number in range(count):
            self.rig.register(facility(f"F{number:05}"))
        self.own(PARTITION)

    def own(self, *partitions: int) -> None:
        self.rig.ticker.own(frozenset(partitions))

    def tick(self, time_ms: int) -> None:
        for partition in sorted(self.rig.ticker.owned):
            self.rig.ticker._write_tick(partition, self.rig.ticker._tick(time_ms), ())

    def confirm(self) -> None:
        """Kafka has all that was written, each at the offset that is its place in the list."""
        while self.confirmed < len(self.rig.writer.written):
            one = self.rig.writer.written[self.confirmed]
            if one.confirmed:
                one.confirmed(self.confirmed)
            self.confirmed += 1

    def hear(self) -> None:
        """Every probe that was written comes back."""
        probes = self.rig.writer.of(RegistryProbe)
        for probe in probes[self.heard :]:
            self.rewriter.hear_probe(probe)
        self.heard = len(probes)

    def step(self, wall_ms: int = NOW) -> None:
        self.now_s += PAUSE_S
        self.rewriter.step(self.now_s, wall_ms)

    def finish(self) -> None:
        for _ in range(10):
            self.finish_one()

    def finish_one(self) -> None:
        self.step()
        self.confirm()
        self.hear()

    def kinds(self) -> list[type]:
        """Of all that was written but the bytes of messages, which wait for company."""
        return [kind for one in self.rig.writer.written if (kind := type(one.data)) is not AcceptedColumns]

    def of(self, kind: type) -> list[Any]:
        return self.rig.writer.of(kind)


WHOLE = [
    Tick,
    RegistryRewriteBegun,
    RegistryProbe,
    FacilityRegistered,
    FacilityRegistered,
    FacilityRegistered,
    RegistryRewriteEnded,
    RegistryRewritten,
]


def test_each_day_has_one_rewrite_of_each_partition() -> None:
    driven = Driven()
    for time_ms in (DAY, DAY + 1, DAY + DAY_MS - 1):
        driven.tick(time_ms)
        driven.finish()
    assert driven.kinds() == [*WHOLE, Tick, Tick]
    driven.tick(DAY + DAY_MS)
    driven.finish()
    assert driven.kinds() == [*WHOLE, Tick, Tick, *WHOLE]


def test_its_record_says_where_it_stands() -> None:
    driven = Driven()
    driven.tick(DAY + 5)
    driven.finish()
    (begun,), (ended,), (record,) = (
        driven.of(kind) for kind in (RegistryRewriteBegun, RegistryRewriteEnded, RegistryRewritten)
    )
    written = driven.rig.writer.written
    assert written[record.begin_offset].data is begun
    assert written[record.end_offset].data is ended
    assert begun.rewrite == ended.rewrite == record.rewrite
    assert (record.partition, record.facilities, record.time.timestamp()) == (PARTITION, 3, (DAY + 5) / 1000)
    assert (written[-1].topic, written[-1].key) == (REWRITES, f"partition-{PARTITION}")


def test_who_comes_later_learns_from_the_log_whether_one_is_due() -> None:
    for record, due in (
        (record_of(PARTITION, DAY), False),
        (record_of(PARTITION, DAY - 1), True),
        (record_of(PARTITION + 1, DAY), True),
        (record_of(PARTITION, DAY + DAY_MS, generation=2), True),  # by a clock that is not ours
    ):
        driven = Driven()
        driven.rewriter.hear(record)
        driven.tick(DAY + 1000)
        driven.step()
        assert (driven.kinds() == [Tick, RegistryRewriteBegun]) is due, record


def test_an_older_record_that_is_heard_late_changes_nothing() -> None:
    driven = Driven()
    driven.rewriter.hear(record_of(PARTITION, DAY, begin_offset=700))
    driven.rewriter.hear(record_of(PARTITION, DAY - DAY_MS, begin_offset=200))
    assert not driven.rewriter.due(PARTITION, DAY)


def test_nothing_is_rewritten_while_nothing_is_registered() -> None:
    driven = Driven(count=0)
    driven.tick(DAY)
    driven.finish()
    assert driven.kinds() == [Tick]


def test_registrations_wait_for_the_probe_behind_the_begin_marker() -> None:
    driven = Driven()
    driven.tick(DAY)
    driven.step()
    driven.step()
    assert driven.kinds() == [Tick, RegistryRewriteBegun]
    driven.confirm()
    assert (driven.rig.writer.written[-1].topic, driven.rig.writer.written[-1].key) == (FACILITIES, PROBE_KEY + "shard")
    driven.step()
    driven.rewriter.hear_probe(RegistryProbe(rewrite="somebody else's"))
    driven.step()
    assert driven.kinds() == [Tick, RegistryRewriteBegun, RegistryProbe]
    # what was said in the topic before the probe is known by now, and belongs to it
    driven.rig.register(facility("F-late"))
    driven.finish()
    assert {one.facility.facility for one in driven.of(FacilityRegistered)} == {"F00000", "F00001", "F00002", "F-late"}


def test_it_waits_for_a_load_that_is_under_way_but_not_for_one_that_died() -> None:
    driven = Driven()
    registry = driven.rig.registry
    registry.note(LOAD_KEY + "dead", stands=True, wall_ms=NOW - LOAD_MS)
    registry.note(LOAD_KEY + "alive", stands=True, wall_ms=NOW - 1000)
    driven.tick(DAY)
    driven.finish()
    assert driven.kinds() == [Tick, RegistryRewriteBegun, RegistryProbe]
    driven.rig.register(facility("F-loaded"))
    registry.note(LOAD_KEY + "alive", stands=False, wall_ms=0)
    driven.finish()
    assert "F-loaded" in {one.facility.facility for one in driven.of(FacilityRegistered)}
    assert driven.of(RegistryRewritten)


def test_what_changed_or_left_meanwhile_is_written_as_it_is_by_then() -> None:
    driven = Driven()
    driven.rig.registry.apply(
        "zone:dma:1", ZoneConfigured(zone="dma:1", kind=ZoneKind.DMA, place=Place(lon=113.8, lat=34.0))
    )
    elsewhere = next(f"dma:{n}" for n in range(99) if partition_of(f"dma:{n}", EVENTS.partitions) != PARTITION)
    driven.tick(DAY)
    driven.step()
    driven.confirm()
    driven.hear()
    times = iter((0.0, 0.0, 0.0, 9.0))  # time for the zone and one facility
    driven.rig.timing.look = lambda: next(times)
    driven.step()
    assert driven.kinds()[-2:] == [ZoneConfigured, FacilityRegistered]
    driven.rig.timing.look = lambda: 0.0
    driven.rig.register(facility("F00001", zone=elsewhere), facility("F00002", DeviceBinding(device="new")))
    driven.finish()
    said = [one.facility for one in driven.of(FacilityRegistered)]
    assert [one.facility for one in said] == ["F00000", "F00002"]
    assert [binding.device for binding in said[1].devices] == ["new"]
    assert driven.of(RegistryRewriteEnded)[0].facilities == 2


def test_readings_and_ticks_go_on_in_between_and_no_more_is_on_its_way_than_allowed() -> None:
    count = 2 * UNCONFIRMED_MAX + 10
    driven = Driven(count=count)
    driven.tick(DAY)
    driven.step()
    driven.confirm()
    driven.hear()
    for _ in range(3):
        driven.step()
    assert len(driven.of(FacilityRegistered)) == UNCONFIRMED_MAX
    driven.rig.register(facility("F-dev", DeviceBinding(device="dev1")))
    driven.rig.take("eyes/v1/x/dev1/observations", b'{"property":"flow","value":1,"seq":1}')
    driven.tick(DAY + 1000)
    assert driven.kinds()[-2:] == [BatchColumns, Tick]
    assert not driven.of(RegistryRewriteEnded)
    driven.finish()
    assert len(driven.of(FacilityRegistered)) == count
    assert driven.kinds()[-2:] == [RegistryRewriteEnded, RegistryRewritten]


def test_it_works_for_a_moment_and_rests() -> None:
    driven = Driven(count=100)
    driven.tick(DAY)
    driven.step()
    driven.confirm()
    driven.hear()
    clock = iter(range(1000))
    driven.rig.timing.look = lambda: float(next(clock))  # each look at the clock finds the moment over
    driven.step()
    assert driven.rewriter.next_s == pytest.approx(driven.now_s + PAUSE_S)
    driven.rewriter.step(driven.now_s + PAUSE_S / 2, NOW)
    assert len(driven.of(FacilityRegistered)) == 0
    driven.rig.timing.look = lambda: 0.0
    driven.step()
    assert len(driven.of(FacilityRegistered)) == 100


@pytest.mark.parametrize("stage", range(4))
def test_one_that_was_broken_off_is_done_again_under_another_name(stage: int) -> None:
    driven = Driven()
    driven.tick(DAY)
    for act in (driven.step, driven.confirm, driven.hear, driven.step)[: stage + 1]:
        act()
    driven.rewriter.reset()  # Kafka refused something
    driven.confirm()  # what it says of the rest is of no use
    driven.hear()
    assert not driven.of(RegistryRewritten)
    driven.finish()
    begun = driven.of(RegistryRewriteBegun)
    assert len({one.rewrite for one in begun}) == 2
    assert [one.rewrite for one in driven.of(RegistryRewritten)] == [begun[1].rewrite]


def test_partitions_take_turns_and_one_that_is_lost_is_left_to_its_new_owner() -> None:
    driven = Driven()
    other = (PARTITION + 1) % EVENTS.partitions
    first, second = sorted((PARTITION, other))
    driven.own(PARTITION, other)
    driven.tick(DAY)
    while not driven.of(RegistryRewritten):
        driven.finish_one()
    driven.step()
    assert [one.partition for one in driven.of(RegistryRewriteBegun)] == [first, second]
    driven.own(first)
    driven.finish()
    assert [one.partition for one in driven.of(RegistryRewritten)] == [first]
    driven.own(first, second)
    driven.finish()  # it knows no time there before it ticks
    assert len(driven.of(RegistryRewriteBegun)) == 2
    driven.tick(DAY + 2000)
    driven.finish()
    assert [one.partition for one in driven.of(RegistryRewritten)] == [first, second]


def test_a_rewrite_whose_place_kafka_did_not_say_is_done_again() -> None:
    driven = Driven()
    driven.tick(DAY)
    driven.step()
    driven.rig.writer.written[1].confirmed(-1)
    driven.confirmed = 2
    driven.finish()
    assert len(driven.of(RegistryRewriteEnded)) == 2
    (record,) = driven.of(RegistryRewritten)
    assert record.begin_offset > 1


def test_a_water_network_is_written_behind_its_zone_as_long_as_it_stands() -> None:
    driven = Driven(count=1)
    pipes = network("0" * 64, revision=7)
    elsewhere = next(f"dma:{n}" for n in range(99) if partition_of(f"dma:{n}", EVENTS.partitions) != PARTITION)
    zone = ZoneConfigured(zone="dma:1", kind=ZoneKind.DMA, place=Place(lon=113.8, lat=34.0))
    for key, data in (("/water/dma:1", pipes), ("zone:dma:1", zone), (f"/water/{elsewhere}", network(None, elsewhere))):
        driven.rig.registry.apply(key, data)
    driven.tick(DAY)
    driven.finish()
    kinds = [ZoneConfigured, WaterNetworkConfigured, FacilityRegistered]
    assert [kind for kind in driven.kinds() if kind in kinds] == kinds
    assert driven.of(WaterNetworkConfigured) == [pipes]
    assert driven.of(RegistryRewriteEnded)[0].facilities == 1
    driven.rig.registry.apply("/water/dma:1", None)
    assert "/water/dma:1" not in driven.rig.registry.keys(PARTITION)
    assert driven.rig.registry.standing("/water/dma:1", PARTITION) is None


def test_what_is_known_of_the_city_stands_first_in_every_partition() -> None:
    driven = Driven(count=1)
    word = ClassConfigured(facility_class=FacilityClass.FLOW_METER, policy=Policy(rules={"silence.intervals": 5.0}))
    gone = ClassConfigured(facility_class=FacilityClass.CAMERA)
    for known in (word, gone):
        driven.rig.registry.apply_plan(known.key, known)
    driven.rig.registry.apply_plan(gone.key, None)
    begins, ends = from_ms(DAY), from_ms(DAY + 1)
    here, called_off = (MaintenancePlanned(works=w, zone="dma:1", begins=begins, ends=ends) for w in ("W-1", "W-2"))
    for plan in (here, called_off):
        driven.rig.registry.apply_plan(plan.key, plan)
    driven.rig.registry.apply_plan(called_off.key, None)
    other = (PARTITION + 1) % EVENTS.partitions
    driven.own(PARTITION, other)
    driven.tick(DAY)
    driven.finish()
    driven.finish()
    said = [(one.partition, one.key) for one in driven.rig.writer.written if one.data == word]
    assert sorted(said) == sorted((number, f"partition-{number}") for number in (PARTITION, other))
    assert driven.of(ClassConfigured) == [word, word]
    plans = [one for one in driven.rig.writer.written if type(one.data) is MaintenancePlanned]
    assert [(one.partition, one.key, one.data) for one in plans] == [(PARTITION, "dma:1", here)]
    kinds = driven.kinds()
    assert kinds.index(ClassConfigured) < kinds.index(FacilityRegistered)
    assert sorted(one.facilities for one in driven.of(RegistryRewriteEnded)) == [0, 1]
