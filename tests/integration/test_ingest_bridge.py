"""The bridge and its client, in this process, against the real broker.

What must hold: packets are read as the broker really writes them, by private names of paho that no type checker
watches; acknowledgements leave in the order of receipt and only on the connection they belong to; and however the
connection ends, what was not acknowledged comes again.
"""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ingest_kit import City, session_of
from ingest_tap import Tap

from ingest import metrics
from ingest.bridge import Bridge
from ingest.ledger import AckLedger
from ingest.messages import Inbound
from runtime.settings import Settings
from tests.waiting import eventually

pytestmark = pytest.mark.servers


class Line:
    """A bridge with somebody who turns it and takes what comes; what is confirmed is up to the test."""

    def __init__(self, settings: Settings) -> None:
        self.ledger = AckLedger()
        self.bridge = Bridge(settings, self.ledger)
        self.taken: list[Inbound] = []
        self.confirming = False
        self._subscribed = False

    def turn(self) -> None:
        """One turn of the service's loop, as far as it concerns the broker."""
        self.bridge.poll(0.02)
        while self.bridge.inbound:
            inbound = self.bridge.inbound.popleft()
            self.taken.append(inbound)
            if self.confirming:
                self.ledger.confirm(inbound.ticket)
        self.bridge.acknowledge(self.ledger.release().mids)

    def until(self, what: Any, timeout_s: float = 240.0) -> None:
        """Turn until this is true."""
        eventually(lambda: self.turn() or what(), timeout_s, every_s=0)

    def open(self) -> None:
        """Until the subscription stands: a message of our own has come back."""
        self.until(lambda: self.bridge.connected)
        self.bridge.publish("eyes/v1/_probe/line", b"here")
        self.until(lambda: any(one.payload == b"here" for one in self.taken))
        for one in self.taken:
            self.ledger.confirm(one.ticket)
        self.turn()
        self.taken.clear()

    def close(self) -> None:
        """Leave in order."""
        self.bridge.stop()
        self.bridge._wake_r.close()
        self.bridge._wake_w.close()

    @property
    def payloads(self) -> list[bytes]:
        return [one.payload for one in self.taken]


@pytest.fixture
def city(stack: Any) -> City:
    """Of the city only site and client id are needed here: no topics in Kafka."""
    return City(stack, stack.settings.kafka)


@pytest.fixture
def tap(stack: Any) -> Iterator[Tap]:
    with Tap(stack.settings.mqtt.host, stack.settings.mqtt.port) as tap:
        yield tap


def line_of(city: City, tap: Tap, **ingest: Any) -> Line:
    settings = city.settings(**ingest)
    way = settings.mqtt.model_copy(update={"port": tap.port, "keepalive_s": 2})
    return Line(settings.model_copy(update={"mqtt": way}))


@pytest.fixture
def line(city: City, tap: Tap) -> Iterator[Line]:
    line = line_of(city, tap)
    line.open()
    yield line
    line.close()


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


def test_messages_of_every_size_come_whole_and_in_order(city: City, tap: Tap, line: Line) -> None:
    limit = line.bridge._settings.ingest.message_max_kib * 1024
    sizes = [0, 1, 115, 116, 127, 128, 16_383, 16_384, limit, limit + 1, 900_000, 3]
    line.confirming = True
    city.say("dev", [b"%d:" % size + b"x" * size for size in sizes])
    line.until(lambda: len(line.taken) == len(sizes))
    for size, one in zip(sizes, line.taken, strict=True):
        whole = b"%d:" % size + b"x" * size
        assert one.topic.decode() == city.topic("dev")
        assert one.size == len(whole)
        assert whole.startswith(one.payload)
        assert one.payload == whole
    eventually(lambda: tap.acknowledged(1)[-len(sizes) :] == [one.mid for one in line.taken])


def test_acknowledgements_leave_in_the_order_of_receipt(city: City, tap: Tap, line: Line) -> None:
    city.say("dev", numbered(20))
    line.until(lambda: len(line.taken) == 20)
    before = len(tap.acknowledged())
    for one in reversed(line.taken[1:]):
        line.ledger.confirm(one.ticket)
        line.turn()
    assert len(tap.acknowledged()) == before  # all but the first are confirmed, and none may go
    line.ledger.confirm(line.taken[0].ticket)
    line.until(lambda: len(tap.acknowledged()) == before + 20)
    assert tap.acknowledged()[before:] == [one.mid for one in line.taken]


def test_what_was_not_acknowledged_comes_again_after_a_cut(city: City, tap: Tap, line: Line) -> None:
    city.say("dev", numbered(30))
    line.until(lambda: len(line.taken) == 30)
    first, line.taken = line.taken, []
    for one in first[:10]:
        line.ledger.confirm(one.ticket)
    line.until(lambda: len(tap.acknowledged()) == 11)  # and the first is the probe's
    tap.cut()
    line.until(lambda: len(line.taken) >= 20)
    for one in first[10:]:  # Kafka's late word on what the old connection brought
        line.ledger.confirm(one.ticket)
    line.turn()
    assert tap.acknowledged(2) == []
    assert line.ledger.stale == 20
    assert all(one.dup for one in line.taken)
    assert line.payloads == numbered(20, 10)
    tap.cut()  # nothing of it was acknowledged by mistake: it comes a third time
    line.taken.clear()
    line.confirming = True
    line.until(lambda: len(line.taken) == 20)
    assert line.payloads == numbered(20, 10)
    eventually(lambda: len(tap.acknowledged(3)) == 20)


def test_late_confirmations_never_acknowledge_messages_of_a_new_session(city: City, tap: Tap, line: Line) -> None:
    """The broker counts packet ids from 1 again: an acknowledgement of the old 1 would delete the new 1 unread."""
    city.say("dev", numbered(10))
    line.until(lambda: len(line.taken) == 10)
    old, line.taken = line.taken, []
    tap.cut(down=True)
    line.until(lambda: not line.bridge.connected)
    city.drop_session()
    tap.down = False
    line.until(lambda: line.bridge.connected)
    assert metrics.SESSION_PRESENT._value.get() == 0
    city_is_heard(line)
    city.say("dev", numbered(10, 100))
    line.until(lambda: len(line.taken) == 10)
    assert {one.mid for one in line.taken} & {one.mid for one in old}
    for one in old:
        line.ledger.confirm(one.ticket)
    line.turn()
    line.taken.clear()
    tap.cut()
    line.until(lambda: len(line.taken) == 10)
    assert line.payloads == numbered(10, 100)
    assert line.ledger.stale == 10


def city_is_heard(line: Line) -> None:
    """Until the new session has its subscription."""
    line.bridge.publish("eyes/v1/_probe/line", b"again")
    line.until(lambda: b"again" in line.payloads)
    for one in line.taken:
        line.ledger.confirm(one.ticket)
    line.turn()
    line.taken.clear()


def test_a_full_ledger_stops_the_reading_and_keeps_the_connection(city: City, tap: Tap) -> None:
    """Kafka away for long: our own bound holds, whatever the broker would still send, and keepalives go on."""
    line = line_of(city, tap, in_flight_max=50, receive_maximum=500)
    line.open()
    city.say("dev", numbered(400))
    line.until(lambda: line.bridge.paused)
    assert len(line.ledger) == 50
    silence_s = 2.5 * line.bridge._settings.mqtt.keepalive_s  # the broker gives up after 1.5
    until = time.monotonic() + silence_s
    line.until(lambda: time.monotonic() > until)
    assert len(line.ledger) == 50
    assert tap.connections == 1
    line.confirming = True
    for one in line.taken:
        line.ledger.confirm(one.ticket)
    line.until(lambda: len(line.taken) == 400)
    assert line.payloads == numbered(400)
    assert tap.connections == 1
    line.close()


def test_a_broker_that_is_not_there_is_waited_for(city: City, tap: Tap) -> None:
    tap.down = True
    line = line_of(city, tap)
    for _ in range(20):
        line.turn()
    assert not line.bridge.connected
    tap.down = False
    line.open()
    line.close()


def test_a_listener_that_says_nothing_is_left_again(city: City, tap: Tap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.bridge._CONNACK_TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings = city.settings()
        way = settings.mqtt.model_copy(update={"port": mute.getsockname()[1]})
        line = Line(settings.model_copy(update={"mqtt": way}))
        mute.settimeout(0.01)
        accepted: list[socket.socket] = []
        line.until(lambda: accept(mute, accepted) and len(accepted) == 2)
        assert hung_up(accepted[0])
        assert not line.bridge.connected
        for one in accepted:
            one.close()
        line.bridge.drop()
        line.close()


def accept(listener: socket.socket, into: list[socket.socket]) -> bool:
    try:
        into.append(listener.accept()[0])
    except TimeoutError:
        return False
    return True


def hung_up(connection: socket.socket) -> bool:
    """Whether the other side has closed it: behind the CONNECT stands the end."""
    connection.settimeout(5.0)
    while connection.recv(1 << 16):
        pass
    return True


def test_a_farewell_sends_the_acknowledgements_given_and_keeps_the_session(city: City, tap: Tap, line: Line) -> None:
    city.say("dev", numbered(50))
    line.until(lambda: len(line.taken) == 50)
    for one in line.taken[:25]:
        line.ledger.confirm(one.ticket)
    line.bridge.acknowledge(line.ledger.release().mids)
    line.bridge.stop()
    eventually(lambda: len(tap.acknowledged()) == 26)
    city.say("dev", numbered(5, 50))
    again = line_of(city, tap)
    again.confirming = True
    again.until(lambda: len(again.taken) == 30)
    assert again.payloads == numbered(30, 25)
    again.close()


def test_another_under_our_client_id_takes_the_connection_and_nothing_else(city: City, line: Line) -> None:
    """The broker lets only one be connected; which of the two processes may live, Kafka's group decides."""
    city.say("dev", numbered(5))
    line.until(lambda: len(line.taken) == 5)
    line.taken.clear()
    with session_of(city.stack.mqtt("ingest"), city.shard):
        line.until(lambda: not line.bridge.connected)
    line.until(lambda: len(line.taken) == 5)
    assert line.payloads == numbered(5)
