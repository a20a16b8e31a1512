import pytest
from ingest_rig import NOW, Rig, facility

from ingest.clock import Probe, StepDetector, decode_probe, encode_probe
from schemas.clock import ClockStepped, Tick
from schemas.columns import BatchColumns
from schemas.facility import DeviceBinding
from schemas.model import to_ms
from schemas.partitioning import partition_of
from schemas.registry import FacilityRegistered, RegistryRewriteBegun, RegistryRewriteEnded
from schemas.topics import DAY_MS

PARTITION = partition_of("dma:1", 12)
PROBE = "eyes/v1/_probe/shard"


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device="dev1")))
    rig.ticker.own(frozenset({PARTITION}))
    return rig


def test_nothing_is_ticked_that_is_not_owned(rig: Rig) -> None:
    rig.ticker.own(frozenset())
    rig.ticker.step(1.0, NOW)
    rig.ticker.step(2.0, NOW + 1000)
    assert rig.writer.written == []


def test_a_returning_probe_advances_the_frontier_behind_the_readings_before_it(rig: Rig) -> None:
    rig.ticker.step(1.0, NOW)
    topic, payload = rig.published[0]
    assert topic == PROBE
    rig.take("eyes/v1/x/dev1/observations", b'{"property":"flow","value":1,"seq":1}')
    mid = rig.take(topic, payload)
    rig.ticker.step(1.01, NOW + 10)
    assert [type(one.data) for one in rig.writer.written] == [BatchColumns, Tick]
    tick = rig.writer.of(Tick)[0]
    assert tick.received_to == {"shard": NOW}
    assert to_ms(tick.time) == NOW + 10
    rig.writer.confirm_all()
    released = rig.ledger.release()
    assert released.mids[-1] == mid
    assert released.frontier == NOW


def test_without_the_probe_it_ticks_on_with_the_old_frontier(rig: Rig) -> None:
    rig.take(PROBE, encode_probe(Probe("test/", "s1", 1, NOW)))
    for second in range(1, 5):
        rig.ticker.step(float(second), NOW + second * 1000)
        rig.ticker.step(second + 0.6, NOW + second * 1000 + 600)
        rig.writer.confirm_all()
    ticks = rig.writer.of(Tick)
    assert [tick.received_to for tick in ticks] == [{"shard": NOW}] * 4
    assert len({to_ms(tick.time) for tick in ticks}) == 4
    assert len(rig.published) == 1  # one probe at a time


def test_ticks_do_not_pile_up_while_kafka_is_away(rig: Rig) -> None:
    for second in range(1, 50):
        rig.ticker.step(float(second), NOW + second * 1000)
        rig.ticker.step(second + 0.6, NOW + second * 1000 + 600)
    assert len(rig.writer.of(Tick)) == 1


def test_tick_time_never_goes_backwards(rig: Rig) -> None:
    for second, wall in ((1, NOW + 5_000), (2, NOW - 3_600_000)):
        rig.ticker.step(float(second), wall)
        rig.ticker.step(second + 0.6, wall)
        rig.writer.confirm_all()
    times = [to_ms(tick.time) for tick in rig.writer.of(Tick)]
    assert times == [NOW + 5_000, NOW + 5_000]


def test_other_shards_count_as_far_as_kafka_confirmed_them(rig: Rig) -> None:
    rig.take("eyes/v1/_probe/other", encode_probe(Probe("test/", "o", 1, NOW, confirmed_ms=NOW - 40)))
    rig.take("eyes/v1/_probe/other", encode_probe(Probe("test/", "o", 2, NOW, confirmed_ms=NOW - 50)))
    rig.take("eyes/v1/_probe/stranger", encode_probe(Probe("elsewhere/", "o", 1, NOW, confirmed_ms=NOW)))
    rig.take("eyes/v1/_probe/fresh", encode_probe(Probe("test/", "o", 1, NOW)))
    rig.ticker.step(1.0, NOW)
    rig.ticker.step(1.6, NOW + 600)
    assert rig.writer.of(Tick)[0].received_to == {"other": NOW - 40}


def test_our_probe_says_what_is_confirmed_and_only_that(rig: Rig) -> None:
    rig.ticker.step(1.0, NOW)
    rig.take(*rig.published[0])
    rig.ticker.step(2.0, NOW + 1000)
    assert decode_probe(rig.published[1][1]).confirmed_ms is None
    rig.take(*rig.published[1])
    rig.ticker.confirmed(NOW)
    rig.ticker.step(3.0, NOW + 2000)
    assert decode_probe(rig.published[2][1]).confirmed_ms == NOW


def test_after_a_refused_record_only_what_was_confirmed_counts_as_received(rig: Rig) -> None:
    rig.take(PROBE, encode_probe(Probe("test/", "s1", 1, NOW)))
    rig.ticker.confirmed(NOW)
    rig.take(PROBE, encode_probe(Probe("test/", "s1", 2, NOW + 1000)))
    assert rig.ticker.frontier == NOW + 1000
    rig.ticker.reset()
    assert rig.ticker.frontier == NOW


def test_the_registry_is_rewritten_when_the_day_turns() -> None:
    rig = Rig(feed=True)
    rig.register(facility("F1", DeviceBinding(device="dev1")), facility("F2", zone="dma:2"))
    rig.ticker.own(frozenset({PARTITION}))
    day = 20_000 * DAY_MS
    for time_ms in (day + 1, day + 2, day + DAY_MS, day + DAY_MS + 5):
        rig.ticker._feed.now_ms = None
        rig.take("eyes/v1/_clock", f'{{"time":"{_text(time_ms)}"}}'.encode())
    kinds = [type(one.data) for one in rig.writer.written]
    assert kinds == [Tick, Tick, RegistryRewriteBegun, FacilityRegistered, RegistryRewriteEnded, Tick, Tick]
    assert rig.writer.of(RegistryRewriteEnded)[0].facilities == 1


def _text(time_ms: int) -> str:
    from schemas.model import format_rfc3339, from_ms

    return format_rfc3339(from_ms(time_ms))


def test_a_stepped_clock_is_confessed(rig: Rig) -> None:
    detector = StepDetector(NOW, 0)
    assert detector.look(NOW + 1_000, 1_000) is None
    assert detector.look(NOW + 3_900, 2_000) is None  # drift of less than two seconds
    step = detector.look(NOW + 60_000, 3_000)
    assert step == (NOW + 4_900, NOW + 60_000)
    assert detector.look(NOW + 61_000, 4_000) is None
    rig.ticker.clock_stepped(*step)
    (event,) = rig.writer.of(ClockStepped)
    assert (to_ms(event.before), to_ms(event.after)) == step
