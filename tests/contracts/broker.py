"""What ingest counts on at an MQTT broker; run on the one in memory and on Mosquitto, so that they are alike."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.mqtt import Client

IF_NEW = SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
ALWAYS = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE


class BrokerRig(Protocol):
    """A broker for one test."""

    root: str
    """Topics below it are this test's."""
    client_id: str

    def client(self, deliver: Callable[..., None]) -> Client:
        """A client under :attr:`client_id` that may read and write :attr:`root`; not connected."""

    def address(self) -> tuple[str, int]:
        """Where it connects to."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Another client publishes; the broker has it on return."""

    def turn(self) -> None:
        """Let a moment pass."""

    def patience(self) -> Iterator[None]:
        """As many turns as anything here may take."""


class Got(NamedTuple):
    """One message as it was delivered."""

    mid: int
    dup: bool
    payload: bytes


class Ear:
    """A client and what it heard, connection after connection."""

    def __init__(self, rig: BrokerRig) -> None:
        self.got: list[Got] = []
        self.session_present: bool | None = None
        self.subscribed = 0
        self._rig = rig
        self.client = rig.client(self._deliver)
        self.client.on_connect = lambda _c, _u, flags, reason, _p: self._connected(flags.session_present, reason)
        self.client.on_subscribe = lambda *_: self._count()
        self.client.on_unsubscribe = lambda *_: self._count()

    def connect(self, receive_maximum: int = 100) -> None:
        """Keeping the session, as ingest does."""
        self.session_present = None
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 600
        properties.ReceiveMaximum = receive_maximum
        self.client.connect(*self._rig.address(), keepalive=60, clean_start=False, properties=properties)
        self.until(lambda: self.session_present is not None)

    def subscribe(self, topic: str, retain_handling: int = IF_NEW) -> None:
        """Until it is granted."""
        before = self.subscribed
        self.client.subscribe(topic, options=SubscribeOptions(qos=1, retainHandling=retain_handling))
        self.until(lambda: self.subscribed > before)

    def unsubscribe(self, topic: str) -> None:
        """Until it is granted."""
        before = self.subscribed
        self.client.unsubscribe(topic)
        self.until(lambda: self.subscribed > before)

    def acknowledge(self, *mids: int) -> None:
        """Until the broker has it."""
        self.client.acknowledge(list(mids))
        self.settle()

    def settle(self) -> None:
        """Until everything the broker had for us by now has come: it answers in order."""
        before = self.subscribed
        self.client.unsubscribe(self._rig.root + "nothing")
        self.until(lambda: self.subscribed > before)

    def cut(self) -> None:
        """The connection is gone, without a word."""
        sock = self.client.socket()
        assert sock is not None
        sock.close()
        self.client._sock = None

    def until(self, what: Callable[[], bool]) -> None:
        """Turn until this is so."""
        for _ in self._rig.patience():
            if what():
                return
            self.turn()
        raise AssertionError("it did not happen")

    def turn(self) -> None:
        """Let a moment pass, and take what came."""
        self._rig.turn()
        if self.client.socket() is not None:
            self.client.loop_write()
        if self.client.socket() is not None:
            self.client.pump()

    def payloads(self) -> list[bytes]:
        """What was heard, in order."""
        return [one.payload for one in self.got]

    def _deliver(self, mid: int, *, dup: bool, topic: bytes, payload: bytes, size: int) -> None:
        self.got.append(Got(mid, dup, payload))

    def _connected(self, present: bool, reason: object) -> None:
        assert not getattr(reason, "is_failure", False), reason
        self.session_present = present

    def _count(self) -> None:
        self.subscribed += 1


@contextmanager
def listening(rig: BrokerRig, receive_maximum: int = 100) -> Iterator[Ear]:
    """One that is subscribed to everything of the test."""
    ear = Ear(rig)
    ear.connect(receive_maximum)
    ear.subscribe(rig.root + "#")
    try:
        yield ear
    finally:
        if ear.client.socket() is not None:
            ear.cut()
        rig.turn()


def numbers(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


class BrokerContract:
    """To be inherited by a test class whose fixture ``rig`` gives a :class:`BrokerRig`."""

    def test_messages_come_in_order_each_under_an_id_of_its_own(self, rig: BrokerRig) -> None:
        with listening(rig) as ear:
            assert ear.session_present is False
            for one in numbers(5):
                rig.publish(rig.root + "a", one)
            ear.settle()
            assert ear.payloads() == numbers(5)
            assert len({one.mid for one in ear.got}) == 5
            assert not any(one.dup or one.mid == 0 for one in ear.got)

    def test_what_was_not_acknowledged_comes_again_first_in_order_and_under_its_id(self, rig: BrokerRig) -> None:
        with listening(rig) as ear:
            for one in numbers(4):
                rig.publish(rig.root + "a", one)
            ear.settle()
            first, *rest = ear.got
            ear.acknowledge(first.mid)
            ear.cut()
            ear.got.clear()
            rig.turn()
            rig.publish(rig.root + "a", b"4")
            ear.connect()
            assert ear.session_present is True
            ear.settle()
            assert ear.got[:3] == [one._replace(dup=True) for one in rest]
            assert ear.payloads()[3:] == [b"4"]
            assert ear.got[3].mid not in {one.mid for one in rest}

    def test_it_comes_again_in_every_connection_until_it_is_acknowledged(self, rig: BrokerRig) -> None:
        with listening(rig) as ear:
            rig.publish(rig.root + "a", b"x")
            ear.settle()
            (first,) = ear.got
            for _ in range(2):
                ear.cut()
                ear.got.clear()
                ear.connect()
                ear.settle()
                assert ear.got == [first._replace(dup=True)]
            ear.acknowledge(first.mid)
            ear.cut()
            ear.got.clear()
            ear.connect()
            ear.settle()
            assert ear.got == []

    def test_no_more_is_in_flight_than_was_asked_for(self, rig: BrokerRig) -> None:
        with listening(rig, receive_maximum=2) as ear:
            for one in numbers(4):
                rig.publish(rig.root + "a", one)
            ear.settle()
            assert ear.payloads() == numbers(2)
            ear.acknowledge(ear.got[0].mid)
            assert ear.payloads() == numbers(3)
            ear.acknowledge(ear.got[1].mid, ear.got[2].mid)
            assert ear.payloads() == numbers(4)

    def test_what_is_published_while_nobody_is_connected_waits(self, rig: BrokerRig) -> None:
        with listening(rig) as ear:
            ear.settle()
            ear.client.disconnect()
            ear.until(lambda: ear.client.socket() is None)
            for one in numbers(3):
                rig.publish(rig.root + "a", one)
            ear.connect()
            ear.settle()
            assert ear.payloads() == numbers(3)

    def test_a_second_connection_under_the_same_name_ends_the_first_and_is_given_what_it_had(
        self, rig: BrokerRig
    ) -> None:
        with listening(rig) as older, listening(rig) as younger:
            assert younger.session_present is True
            older.until(lambda: older.client.socket() is None)
            rig.publish(rig.root + "a", b"x")
            younger.settle()
            assert (older.payloads(), younger.payloads()) == ([], [b"x"])

    def test_a_subscription_is_the_sessions_and_ends_when_it_says_so(self, rig: BrokerRig) -> None:
        with listening(rig) as ear:
            ear.cut()
            ear.connect()
            rig.publish(rig.root + "a", b"x")
            ear.settle()
            assert ear.payloads() == [b"x"]
            ear.unsubscribe(rig.root + "#")
            rig.publish(rig.root + "a", b"y")
            ear.settle()
            assert ear.payloads() == [b"x"]

    @pytest.mark.parametrize(("handling", "times"), [(IF_NEW, 1), (ALWAYS, 2)])
    def test_what_is_retained_comes_with_a_subscription(self, rig: BrokerRig, handling: int, times: int) -> None:
        with listening(rig) as ear:
            ear.unsubscribe(rig.root + "#")
            ear.client.publish(rig.root + "kept", b"x", qos=1, retain=True)
            ear.settle()
            ear.subscribe(rig.root + "kept", handling)
            ear.subscribe(rig.root + "kept", handling)
            ear.settle()
            assert ear.payloads() == [b"x"] * times
            ear.client.publish(rig.root + "kept", b"", qos=1, retain=True)
            ear.settle()
