import json

import pytest
from ingest_rig import NOW, Rig, facility

from ingest.clock import Probe, StepDetector, decode_probe, encode_probe
from ingest.decoders.topics import CLOCK_TOPIC, PROBE_ROOT
from ingest.ticker import COARSE_MS, LEADER_PARTITION
from runtime.settings import ClockSettings
from schemas.clock import ClockStepped, Tick
from schemas.columns import BatchColumns
from schemas.facility import DeviceBinding
from schemas.model import to_ms
from schemas.partitioning import partition_of
from schemas.quarantine import Quarantined, Reason
from schemas.registry import RETIRED_KEY

PARTITION = partition_of("dma:1", 12)
PROBE = "eyes/v1/_probe/shard"
FIRST_MINUTE = b'{"time":"2026-03-02T00:01:00Z"}'


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
    assert [type(one.data) for one in rig.writer.events] == [BatchColumns, Tick]
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


def test_on_a_feeds_clock_probes_go_by_the_wall_and_at_once_when_connected() -> None:
    rig = Rig(feed=True)
    rig.ticker._clock = ClockSettings(mode="feed", tick_s=60)
    rig.ticker.step(100.0, NOW)  # to nobody: not connected yet
    assert len(rig.published) == 1
    rig.ticker.connection_lost()
    rig.ticker.step(100.1, NOW)
    assert len(rig.published) == 2
    rig.take(PROBE, rig.published[1][1])
    rig.ticker.step(101.2, NOW)
    assert len(rig.published) == 3
    assert rig.writer.written == []


def test_a_later_process_of_a_feed_begins_where_the_log_ends() -> None:
    rig = Rig(feed=True)
    assert rig.feed is not None
    rig.register(facility("F1", DeviceBinding(device="dev1")))
    rig.ticker.own(frozenset({1, 2}))
    rig.feed.resume(NOW)
    rig.ticker.resume({1: NOW, 2: NOW - 1000}, 0)
    rig.take("eyes/v1/x/dev1/observations", b'{"property":"flow","value":1,"seq":1}', at=NOW + 10**9)
    assert [row[4] for row in rig.writer.rows()] == [NOW]
    for time_ms in (NOW - 1000, NOW, NOW + 1000):
        rig.take("eyes/v1/_clock", f'{{"time":"{_text(time_ms)}"}}'.encode())
    ticks = [(one.partition, to_ms(one.data.time)) for one in rig.writer.written if isinstance(one.data, Tick)]
    assert ticks == [(2, NOW), (1, NOW + 1000), (2, NOW + 1000)]


def test_a_feeds_clock_waits_while_nobody_knows_who_owns_what() -> None:
    rig = Rig(feed=True)
    rig.ticker.own(frozenset())
    rig.ticker.wait_for_owner(True)
    mids = [rig.take(CLOCK_TOPIC, f'{{"time":"2026-03-02T00:0{minute}:00Z"}}'.encode()) for minute in (1, 2)]
    assert rig.writer.written == []
    assert rig.ledger.release().mids == []
    rig.ticker.own(frozenset({1, 2}))
    rig.ticker.wait_for_owner(False)
    ticks = [(one.partition, one.data.time.minute) for one in rig.writer.written if isinstance(one.data, Tick)]
    assert ticks == [(1, 1), (2, 1), (1, 2), (2, 2)]
    assert rig.ledger.release().mids == []
    rig.writer.confirm_all()
    assert rig.ledger.release().mids == mids


def test_a_clock_that_led_to_nothing_is_heard_again() -> None:
    rig = Rig(feed=True)
    rig.ticker.own(frozenset({1}))
    rig.take(CLOCK_TOPIC, FIRST_MINUTE)
    rig.take(CLOCK_TOPIC, FIRST_MINUTE)
    assert len(rig.writer.of(Tick)) == 1
    rig.ledger.forget()
    rig.ticker.reset()
    rig.take(CLOCK_TOPIC, FIRST_MINUTE)
    assert len(rig.writer.of(Tick)) == 2


@pytest.mark.parametrize("field", ["sent_ms", "confirmed_ms"])
@pytest.mark.parametrize("value", [-1, 10**18])
def test_a_probe_with_an_impossible_time_is_no_probe(field: str, value: int) -> None:
    rig = Rig()
    probe = {"stack": "test/", "start": "s1", "number": 1, "sent_ms": 5, "confirmed_ms": 5} | {field: value}
    rig.take(PROBE_ROOT + "shard", json.dumps(probe).encode())
    rig.take(PROBE_ROOT + "other", json.dumps(probe).encode())
    assert [one.reason for one in rig.writer.of(Quarantined)] == [Reason.SCHEMA, Reason.SCHEMA]


def test_a_clock_message_that_comes_again_waits_for_the_ticks_of_its_first_delivery() -> None:
    rig = Rig(feed=True)
    rig.ticker.own(frozenset({PARTITION}))
    rig.take(CLOCK_TOPIC, FIRST_MINUTE, mid=1)
    rig.ledger.new_epoch()
    rig.take(CLOCK_TOPIC, FIRST_MINUTE, mid=1, dup=True)
    assert rig.ledger.release().mids == []
    rig.writer.confirm_all()
    assert rig.ledger.release().mids == [1]
    assert len(rig.writer.of(Tick)) == 1


def test_it_waits_for_the_tick_for_cases_too() -> None:
    rig = Rig(feed=True)
    rig.ticker.own(frozenset({LEADER_PARTITION}))
    rig.take(CLOCK_TOPIC, FIRST_MINUTE, mid=1)
    rig.ledger.new_epoch()
    rig.take(CLOCK_TOPIC, FIRST_MINUTE, mid=1, dup=True)
    for one in rig.writer.written:
        one.confirmed(0)
    assert rig.ledger.release().mids == []
    for one in rig.writer.coarse:
        one.confirmed(0)
    assert rig.ledger.release().mids == [1]


def test_one_that_comes_again_while_nobody_knows_who_owns_what_waits_too() -> None:
    rig = Rig(feed=True)
    rig.ticker.own(frozenset({PARTITION}))
    rig.ticker.wait_for_owner(True)
    rig.take(CLOCK_TOPIC, FIRST_MINUTE, mid=1)
    rig.ledger.new_epoch()
    rig.take(CLOCK_TOPIC, FIRST_MINUTE, mid=1, dup=True)
    rig.take(CLOCK_TOPIC, FIRST_MINUTE, mid=2)
    rig.ticker.wait_for_owner(False)
    assert rig.ledger.release().mids == []
    rig.writer.confirm_all()
    assert rig.ledger.release().mids == [1, 2]
    assert len(rig.writer.of(Tick)) == 1


def test_nobody_waits_for_a_retired_shard_until_it_takes_that_back(rig: Rig) -> None:
    rig.take(PROBE_ROOT + "gone", encode_probe(Probe("test/", "g", 1, NOW, confirmed_ms=NOW)))
    rig.registry.note(RETIRED_KEY + "gone", stands=True, wall_ms=NOW)
    rig.registry.note(RETIRED_KEY + "shard", stands=True, wall_ms=NOW)  # we ourselves: by mistake
    rig.take(PROBE, encode_probe(Probe("test/", "s1", 1, NOW)))
    said = rig.ticker._tick(NOW)
    assert (said.received_to, said.retired) == ({"shard": NOW}, ("gone",))
    rig.registry.note(RETIRED_KEY + "gone", stands=False, wall_ms=NOW)
    rig.take(PROBE_ROOT + "gone", encode_probe(Probe("test/", "g", 2, NOW, confirmed_ms=NOW + 1)))
    said = rig.ticker._tick(NOW)
    assert (said.received_to, said.retired) == ({"shard": NOW, "gone": NOW + 1}, ())


def test_a_tick_of_every_minute_also_goes_where_cases_learn_the_time() -> None:
    rig = Rig(feed=True)
    rig.ticker.own(frozenset({LEADER_PARTITION, 3}))
    minute = 30_000_000
    rig.ticker.resume({}, minute * COARSE_MS)
    times = [minute * COARSE_MS + ms for ms in (1, 59_999, 60_001, 119_999, 300_000)]
    mids = [rig.take(CLOCK_TOPIC, f'{{"time":"{_text(time_ms)}"}}'.encode()) for time_ms in times]
    assert [(one.partition, to_ms(one.data.time)) for one in rig.writer.coarse] == [(0, times[2]), (0, times[4])]
    for one in rig.writer.written:
        for ticket in one.tickets:
            rig.ledger.confirm(ticket)
    assert rig.ledger.release().mids == mids[:2]  # the third clock message waits for its tick there
    for one in rig.writer.coarse:
        for ticket in one.tickets:
            rig.ledger.confirm(ticket)
    assert rig.ledger.release().mids == mids[2:]


def test_only_the_leader_writes_the_time_for_cases(rig: Rig) -> None:
    rig.ticker.own(frozenset({LEADER_PARTITION + 1}))
    rig.ticker.step(1.0, NOW)
    rig.ticker.step(2.0, NOW + 1000)
    assert rig.writer.of(Tick)
    assert not rig.writer.coarse
