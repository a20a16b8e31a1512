"""``eyes ingest`` between real servers: what the broker may forget, and when.

What must hold: a message is acknowledged only after Kafka has it, in the order of receipt; what is published while
ingest is away, killed or cut off arrives once in effect; an end in order leaves nothing behind; and of two processes
under one client id only the younger lives.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import City, Ingest, facility, reading
from ingest_tap import Tap

from ops.cli.member import EXIT_FENCED
from schemas.quarantine import Quarantined, Reason
from schemas.topics import EVENTS, QUARANTINE
from tests.servers import TestStack, running_stack
from tests.waiting import eventually

pytestmark = pytest.mark.servers


def city_on(stack: Any) -> City:
    city = City.on(stack)
    city.register(facility("F1", "dev"), facility("F2", "other", zone="dma:2"))
    return city


@pytest.fixture
def city(stack: Any) -> City:
    return city_on(stack)


@pytest.fixture
def tap(stack: Any) -> Iterator[Tap]:
    with Tap(stack.settings.mqtt.host, stack.settings.mqtt.port) as tap:
        yield tap


@pytest.fixture
def frozen() -> Iterator[TestStack]:
    """A stack of this test's own: it freezes Kafka."""
    with running_stack("frozen") as stack:
        try:
            yield stack
        finally:
            stack.stack.kill("kafka", signal.SIGCONT)


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [reading(seq=number) for number in range(first, first + count)]


def names(count: int, first: int = 0) -> list[str]:
    return [f"a::{number}" for number in range(first, first + count)]


def test_nothing_is_acknowledged_while_kafka_does_not_answer(frozen: TestStack, tmp_path: Path) -> None:
    city = city_on(frozen)
    with Tap(frozen.settings.mqtt.host, frozen.settings.mqtt.port) as tap, city.ingest(tmp_path, **tap.env) as ingest:
        city.say("dev", numbered(5))
        eventually(lambda: city.identities() == names(5) and ingest.settled)
        frozen.stack.kill("kafka", signal.SIGSTOP)
        before = len(tap.acknowledged())
        topics = [city.topic("dev"), city.topic("other"), city.topic("nobody"), city.topic("dev", "nonsense")]
        city.publish(*((topics[number % 4], reading(seq=number)) for number in range(5, 205)))
        eventually(lambda: ingest.metric("eyes_ingest_messages_total") >= 205)
        eventually(lambda: ingest.metric("eyes_ingest_in_flight") >= 200)
        delivered = [one.mid for one in tap.packets if not one.upward and one.kind == 3 and one.mid]
        # a probe that was on its way may still have been acknowledged, none of the 200 may
        assert not set(tap.acknowledged()[before:]) & {one.mid for one in tap.delivered()[5:]}
        frozen.stack.kill("kafka", signal.SIGCONT)
        eventually(lambda: ingest.settled)
        eventually(lambda: len(tap.acknowledged()) >= before + 200)
        # in the order of receipt, probes among them; one may have come since we looked
        acknowledged = tap.acknowledged()
        assert acknowledged[: len(delivered)] == delivered
        assert len(city.rows()) == 5 + 100


def test_what_is_published_while_ingest_is_away_arrives_once(city: City, tmp_path: Path) -> None:
    with city.ingest(tmp_path) as ingest:
        city.say("dev", numbered(10))
        eventually(lambda: len(city.rows()) == 10)
        assert ingest.stop() == 0
        city.say("dev", numbered(500, 10))
        ingest.start()
        assert ingest.lines("mqtt_connected")[-1]["session_present"] is True
        eventually(lambda: len(city.rows()) >= 510 and ingest.settled)
        assert ingest.metric("eyes_ingest_session_present") == 1
    assert city.identities() == names(510)  # an end in order leaves nothing to be delivered twice


def test_a_kill_under_load_loses_nothing(city: City, tmp_path: Path) -> None:
    ingest = city.ingest(tmp_path)
    with ingest, city.publisher() as publisher:
        for round_ in range(2):
            sent = [publisher.publish(city.topic("dev"), one, qos=1) for one in numbered(2_000, round_ * 2_000)]
            eventually(lambda first=round_ * 2_000: len(city.rows()) > first, every_s=0)
            ingest.kill()
            ingest.start()
            for one in sent:
                one.wait_for_publish(30)
        eventually(lambda: set(city.identities()) == set(names(4_000)) and ingest.settled)
    # what was delivered twice is known by its number; each number came in order
    first_seen = list(dict.fromkeys(city.identities()))
    assert first_seen == names(4_000)


def test_redelivered_after_a_kill_between_kafka_and_the_acknowledgement(city: City, tap: Tap, tmp_path: Path) -> None:
    """The worst moment: Kafka has it, the broker does not know. Every tier must recognise its own again."""
    same = reading(7.0)
    messages = [reading(1.0, seq=1, boot="b"), reading(2.0, time="2026-01-02T03:04:05Z"), same, same, b"{", b"{"]
    city.make_session()
    with city.ingest(tmp_path, **tap.env) as ingest:
        tap.lose_acks = True
        city.say("dev", messages)
        city.say("stranger", [reading(9.0, seq=1)])
        eventually(lambda: len(city.rows()) == 4 and len(city.of(QUARANTINE, Quarantined)) == 2)
        eventually(lambda: len(tap.acknowledged()) >= 7)
        before = city.rows()
        ingest.kill()
        tap.lose_acks = False
        ingest.start()
        eventually(lambda: ingest.settled and ingest.metric("eyes_ingest_messages_total") >= 7)
        assert {one.dup for one in tap.delivered(2)} == {True}
        assert [one.topic for one in tap.delivered(2)] == [city.topic("dev")] * 6 + [city.topic("stranger")]
        assert ingest.metric("eyes_ingest_redelivered_total") == 4
    again = city.rows()
    assert len({row.identity for row in before}) == 4  # two equal ones without number or time are two
    assert Counter(row.identity for row in again) == Counter({row.identity: 2 for row in before})
    for row in again:  # and copies agree in everything that is stored, the time we gave included
        assert [(row.value, row.time_ms, row.quality)] == [
            (one.value, one.time_ms, one.quality) for one in before if one.identity == row.identity
        ]
    refused = city.of(QUARANTINE, Quarantined)
    assert Counter(Counter(one.id for one in refused).values()) == {2: 2}
    assert {one.reason for one in refused} == {Reason.MALFORMED_JSON}


def test_a_cut_connection_loses_nothing_and_acknowledges_nothing_late(city: City, tap: Tap, tmp_path: Path) -> None:
    with city.ingest(tmp_path, **tap.env) as ingest, city.publisher() as publisher:
        for round_ in range(4):
            for one in numbered(1_000, round_ * 1_000):
                publisher.publish(city.topic("dev"), one, qos=1)
            eventually(lambda number=round_ + 1: tap.delivered(number), every_s=0)  # in the connection to be cut
            tap.cut()
        eventually(lambda: ingest.metric("eyes_ingest_reconnects_total") == 4)
        eventually(lambda: set(city.identities()) == set(names(4_000)) and ingest.settled)
        eventually(lambda: len(tap.acknowledged(tap.connections)) >= len(tap.delivered(tap.connections)))
        for number in range(1, tap.connections + 1):  # no acknowledgement of what this connection did not bring
            brought = [one.mid for one in tap.packets if one[:3] == (number, False, 3) and one.mid]
            assert tap.acknowledged(number) == brought[: len(tap.acknowledged(number))]
        assert ingest.health()["healthy"]
    assert list(dict.fromkeys(city.identities())) == names(4_000)


def test_sigterm_ends_in_order_under_load(city: City, tap: Tap, tmp_path: Path) -> None:
    with city.ingest(tmp_path, **tap.env) as ingest, city.publisher() as publisher:
        sent = [publisher.publish(city.topic("dev"), one, qos=1) for one in numbered(3_000)]
        eventually(lambda: len(city.rows()) > 100, every_s=0)
        assert ingest.stop() == 0
        for one in sent:
            one.wait_for_publish(30)
        assert ingest.lines("ingest_ends")[-1]["unacknowledged"] == 0
        brought = [one.mid for one in tap.packets if one[:3] == (1, False, 3) and one.mid]
        acknowledged = tap.acknowledged(1)
        assert acknowledged == brought[: len(acknowledged)]
        in_kafka = city.identities()
        assert len(tap.delivered(1)[: len(in_kafka)]) == len(in_kafka)
        # all Kafka has is acknowledged: nothing of it comes again
        ingest.start()
        eventually(lambda: len(city.rows()) >= 3_000 and ingest.settled)
    assert city.identities() == names(3_000)


def test_sigterm_while_waiting_for_kafka_ends_at_once(city: City, tmp_path: Path) -> None:
    ingest = city.ingest(tmp_path, EYES_KAFKA__BOOTSTRAP="127.0.0.1:1")
    with ingest.start(wait=False):
        eventually(lambda: ingest.lines("kafka_waits"))
        assert ingest.stop() == 0


def test_of_two_under_one_client_id_the_younger_lives(city: City, tmp_path: Path) -> None:
    older = city.ingest(tmp_path)
    (tmp_path / "twin").mkdir()
    younger = Ingest(city, tmp_path / "twin", city.shard, {})
    with older, younger.start(wait=False), city.publisher() as publisher:
        eventually(lambda: younger.lines("mqtt_connected"))
        sent = [publisher.publish(city.topic("dev"), one, qos=1) for one in numbered(1_000)]
        assert older.process
        eventually(lambda: older.process.poll() is not None)
        assert older.process.poll() == EXIT_FENCED
        assert older.lines("ticker_fenced")
        for one in sent:
            one.wait_for_publish(30)
        eventually(lambda: set(city.identities()) == set(names(1_000)))
        eventually(lambda: younger.settled and younger.metric("eyes_ingest_tick_partitions") == EVENTS.partitions)
        assert younger.process
        assert younger.process.poll() is None
