"""Time in the log on a wall clock, by none, one and three ingests, and how far each shard has received.

What must hold: every partition has one ticker at a time and its times never go back, whoever dies; a shard that is cut
off or has a backlog before it does not claim to have received it; and ``/healthz`` and ``/metrics`` say what is so.
"""

import itertools
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import City, Ingest, Row, facility, reading, rows_of, tick_times
from ingest_tap import Tap

from ingest.health import PROBE_S
from schemas.clock import Tick
from schemas.envelope import CloudEvent
from schemas.partitioning import partition_of
from schemas.topics import EVENTS
from tests.waiting import eventually

pytestmark = pytest.mark.servers

ALL = frozenset(range(EVENTS.partitions))


@pytest.fixture
def city(stack: Any) -> City:
    return City.on(stack)


@pytest.fixture
def tap(stack: Any) -> Iterator[Tap]:
    with Tap(stack.settings.mqtt.host, stack.settings.mqtt.port) as tap:
        yield tap


def owned(ingest: Ingest) -> frozenset[int]:
    """The partitions whose ticks this process last said it writes."""
    said = ingest.lines("ticker_assigned")
    return frozenset(said[-1]["partitions"]) if said else frozenset()


def tickers(city: City) -> dict[int, list[str]]:
    """Who ticked each partition, one name for each spell."""
    names = {number: [tick.ticker for tick in ticks] for number, ticks in city.ticks().items()}
    return {number: [name for name, _ in itertools.groupby(ticked)] for number, ticked in names.items()}


def ticked_since(city: City, since_ms: int) -> dict[str, set[int]]:
    """Which partitions each ticker has ticked since then."""
    found: dict[str, set[int]] = {}
    for number, ticks in city.ticks().items():
        for tick, time_ms in zip(ticks, tick_times(ticks), strict=True):
            if time_ms >= since_ms:
                found.setdefault(tick.ticker, set()).add(number)
    return found


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def assert_time_never_goes_back(city: City) -> None:
    for number, ticks in city.ticks().items():
        times = tick_times(ticks)
        assert times == sorted(times), number
        for before, after in itertools.pairwise(ticks):
            for shard, received_to in before.received_to.items():
                if before.ticker == after.ticker:
                    assert after.received_to[shard] >= received_to


def test_one_ticker_a_partition_with_none_one_and_three_ingests(city: City, tmp_path: Path) -> None:
    shards = [f"{name}-{city.site}" for name in ("one", "two", "three")]
    one, two, three = (city.ingest(tmp_path, shard) for shard in shards)
    city.make_session(shards[0])
    city.say("nobody", [reading()])
    assert all(ticks == [] for ticks in city.ticks().values())  # nobody runs, so time stands still

    with one:
        eventually(lambda: ticked_since(city, 0).get(shards[0]) == ALL)
        assert tickers(city) == {number: [shards[0]] for number in ALL}
        with two, three:
            eventually(lambda: sorted(map(len, map(owned, (one, two, three)))) == [4, 4, 4])
            assert owned(one) | owned(two) | owned(three) == ALL
            settled_ms = now_ms()
            shares = {shard: set(owned(ingest)) for shard, ingest in zip(shards, (one, two, three), strict=True)}
            eventually(lambda: ticked_since(city, settled_ms + 1_000) == shares)
            assert [ingest.metric("eyes_ingest_tick_partitions") for ingest in (one, two, three)] == [4, 4, 4]
            two.kill()
            died_ms = now_ms()
            eventually(lambda: owned(one) | owned(three) == ALL)
            assert not owned(one) & owned(three)
            eventually(lambda: set().union(*ticked_since(city, died_ms + 3_000).values()) == ALL)
            assert ticked_since(city, died_ms + 3_000).keys() == {shards[0], shards[2]}
            two.start()
            eventually(lambda: sorted(map(len, map(owned, (one, two, three)))) == [4, 4, 4])
            back_ms = now_ms()
            eventually(lambda: set().union(*ticked_since(city, back_ms + 1_000).values()) == ALL)
        # those two are killed together; the first is left with everything
        eventually(lambda: owned(one) == ALL)
        alone_ms = now_ms()
        eventually(lambda: ticked_since(city, alone_ms + 1_000) == {shards[0]: set(ALL)})
    for number, spells in tickers(city).items():
        # spells, not a medley: nobody's ticks stand among another's
        assert len(spells) <= 5, (number, spells)
    assert_time_never_goes_back(city)


def test_a_ticker_that_was_frozen_gives_its_partitions_up(city: City, tmp_path: Path) -> None:
    shards = [f"{name}-{city.site}" for name in ("one", "two")]
    one, two = (city.ingest(tmp_path, shard) for shard in shards)
    with one, two:
        eventually(lambda: [len(owned(one)), len(owned(two))] == [6, 6])
        one.signal(signal.SIGSTOP)
        eventually(lambda: owned(two) == ALL)
        one.signal(signal.SIGCONT)
        eventually(lambda: len(owned(one)) == 6 and len(owned(two)) == 6)
        awake_ms = now_ms()
        shares = {shards[0]: set(owned(one)), shards[1]: set(owned(two))}
        eventually(lambda: ticked_since(city, awake_ms + 2_000) == shares)
        eventually(lambda: one.health()["healthy"])
    # Awake again it may write a tick before it learns that it was replaced; folds take the newest time.
    for number, ticks in city.ticks().items():
        for shard in shards:
            times = tick_times([tick for tick in ticks if tick.ticker == shard])
            assert times == sorted(times), (number, shard)


def test_who_has_not_received_does_not_say_so(city: City, tap: Tap, tmp_path: Path) -> None:
    """Two shards, each with a device in every partition's zones; one is cut off again and again."""
    zones = {partition_of(f"dma:{n}", EVENTS.partitions): f"dma:{n}" for n in range(200)}
    assert set(zones) == ALL
    city.register(*(facility(f"F{n}-{shard}", f"{shard}-{n}", zones[n]) for n in ALL for shard in ("cut", "whole")))
    cut, whole = (f"{shard}-{city.site}" for shard in ("cut", "whole"))
    accepted: dict[tuple[str, str], int] = {}
    seqs = itertools.count()

    def say(root: str) -> None:
        """A reading of every device of this shard; remembers when the broker had taken all of them."""
        messages = {f"{root}-{number}": next(seqs) for number in ALL}
        topics = {device: f"eyes/v1/{city.site}.{root}/{device}/observations" for device in messages}
        city.publish(*((topics[device], reading(seq=seq)) for device, seq in messages.items()))
        taken_ms = now_ms()
        accepted.update({(device, f"a::{seq}"): taken_ms for device, seq in messages.items()})

    def ingest(root: str, **env: str) -> Ingest:
        filters = {"EYES_INGEST__TOPIC_FILTERS": f'["eyes/v1/{city.site}.{root}/#"]'}
        return city.ingest(tmp_path, f"{root}-{city.site}", **filters, **env)

    with ingest("cut", **tap.env), ingest("whole"):
        eventually(lambda: all(t and {cut, whole} <= t[-1].received_to.keys() for t in city.ticks().values()))
        for _ in range(3):
            tap.cut(down=True)
            cut_ms = now_ms()
            for _ in range(5):
                say("cut")
                say("whole")
            # time goes on everywhere, the other's frontier where it ticks, and of the cut one nobody claims to know
            eventually(lambda since=cut_ms: all(tick_times(t)[-1] > since + 2_000 for t in city.ticks().values()))
            eventually(lambda since=cut_ms: received_to(city, whole, by=whole) > since + 2_000)
            assert max(ticks[-1].received_to[cut] for ticks in city.ticks().values()) < cut_ms
            tap.down = False
            eventually(lambda since=cut_ms: received_to(city, cut) > since + 2_000)
            say("cut")
        eventually(lambda: {(row.device, row.identity) for row in city.rows()} >= accepted.keys())
        said_ms = now_ms()
        eventually(lambda: min(received_to(city, cut), received_to(city, whole)) > said_ms)
    assert_frontiers_hold(city.events(EVENTS), accepted)
    assert_time_never_goes_back(city)


def received_to(city: City, shard: str, by: str | None = None) -> int:
    """How far the newest ticks (of this ticker) say that the shard has received, where they say least."""
    newest = [ticks[-1] for ticks in city.ticks().values()]
    return min(tick.received_to[shard] for tick in newest if by in {None, tick.ticker})


def assert_frontiers_hold(events: list[tuple[int, CloudEvent]], accepted: dict[tuple[str, str], int]) -> None:
    """No tick says that a shard has received up to a time while a reading taken before then stands behind the tick."""
    firsts: dict[tuple[str, str], Row] = {}
    for row in rows_of(events):
        firsts.setdefault((row.device, row.identity), row)
    assert firsts.keys() == accepted.keys()
    claims: dict[tuple[int, str], list[tuple[int, int]]] = {}
    positions = dict.fromkeys(ALL, -1)
    for partition, event in events:
        positions[partition] += 1
        if isinstance(event.data, Tick):
            for shard, received_to in event.data.received_to.items():
                claims.setdefault((partition, shard), []).append((positions[partition], received_to))
    for key, row in firsts.items():
        before = [received_to for position, received_to in claims[row.partition, row.shard] if position < row.position]
        assert max(before, default=0) <= accepted[key], key


def test_health_and_metrics_say_what_is_so(city: City, tap: Tap, tmp_path: Path) -> None:
    city.register(facility("F1", "dev"))
    with city.ingest(tmp_path, **tap.env) as ingest:
        said = ingest.health()
        assert (said["status"], said["healthy"], said["stage"]) == (200, True, "running")
        good = [reading(number, seq=number) for number in range(40)]
        times = ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
        others = [reading(1.0), *(reading(2.0, time=one) for one in times), b"{"]
        city.say("dev", [*good, *others, b"[]"])
        city.say("nobody", [reading(1.0)])
        eventually(lambda: len(city.rows()) == 43)
        eventually(lambda: ingest.metric("eyes_ingest_readings_total") == 43 and ingest.settled)
        messages, size = 40 + 6, sum(map(len, [*good, *others, b"[]", reading(1.0)]))
        probes = [one for one in tap.packets if not one.upward and "/_probe/" in one.topic]
        taken = ingest.metric("eyes_ingest_messages_total")
        assert messages + 1 <= taken <= messages + len(probes) + 5  # its own probes, and those of others, count too
        assert ingest.metric("eyes_ingest_bytes_total") > size
        exact = {
            ("eyes_ingest_readings_total", ""): 43,
            ("eyes_ingest_identity_total", 'tier="a"'): 40,
            ("eyes_ingest_identity_total", 'tier="b"'): 2,
            ("eyes_ingest_identity_total", 'tier="c"'): 1,
            ("eyes_ingest_implausible_time_total", 'quality="late"'): 1,
            ("eyes_ingest_implausible_time_total", 'quality="future"'): 1,
            ("eyes_quarantined_total", 'reason="malformed_json"'): 1,
            ("eyes_quarantined_total", ""): 1,
            ("eyes_unregistered_total", ""): 1,
            ("eyes_ingest_redelivered_total", ""): 0,
            ("eyes_ingest_connected", ""): 1,
            ("eyes_ingest_session_present", ""): 0,
            ("eyes_ingest_reconnects_total", ""): 0,
            ("eyes_ingest_tick_partitions", ""): EVENTS.partitions,
            ("eyes_ingest_batch_readings_sum", ""): 43,
        }
        assert {key: ingest.metric(*key) for key in exact} == exact
        counted = ingest.metric("eyes_ingest_ticks_total")
        assert counted <= sum(map(len, city.ticks().values()))
        assert abs(ingest.metric("eyes_ingest_received_to_seconds") - time.time()) < 30
        tap.cut(down=True)  # a broker that is away is no fault that a restart would mend
        said = eventually(lambda: (report := ingest.health())["waitingFor"] and report)
        assert (said["status"], said["waitingFor"]) == (200, ["mqtt"])
        assert ingest.metric("eyes_ingest_connected") == 0
        tap.down = False
        eventually(lambda: ingest.health()["waitingFor"] == [])
        assert ingest.metric("eyes_ingest_session_present") == 1
        assert ingest.metric("eyes_ingest_reconnects_total") == 1


@pytest.mark.parametrize("mode", ["wall", "feed"])
def test_the_probe_comes_back_in_both_clocks(city: City, tmp_path: Path, mode: str) -> None:
    """On a feed's clock a tick may stand for minutes of the city: the probe must not wait for it, nor for a feeder."""
    with city.ingest(tmp_path, EYES_CLOCK__MODE=mode, EYES_CLOCK__TICK_S="120" if mode == "feed" else "1") as ingest:
        first = eventually(lambda: ingest.health()["probeAgeS"])
        eventually(lambda: ingest.health()["probeAgeS"] < first)  # it came once more
        assert ingest.health()["healthy"]
    assert PROBE_S > 10  # the limit of health is far beyond that
