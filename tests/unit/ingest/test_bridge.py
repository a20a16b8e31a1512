from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ingest.bridge import _BACKOFF_S, _STABLE_S, Bridge
from ingest.ledger import AckLedger
from runtime.settings import Settings
from runtime.timing import Timing


class Clock(Timing):
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic_s(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bridge(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = Settings.model_construct(**{n: f.default for n, f in Settings.model_fields.items()})
    bridge = Bridge(settings, AckLedger(), clock)
    monkeypatch.setattr(bridge._client, "connect", lambda *_, **__: None)
    yield bridge
    bridge._wake_r.close()
    bridge._wake_w.close()


def wait_s(bridge: Bridge, clock: Clock) -> float:
    return round(bridge._next_attempt_s - clock.now_s, 3)


def test_every_failed_attempt_is_waited_for_longer(bridge: Bridge, clock: Clock) -> None:
    waits = []
    for _ in range(len(_BACKOFF_S) + 2):
        bridge._connect()
        waits.append(wait_s(bridge, clock))
    assert waits == [*_BACKOFF_S, _BACKOFF_S[-1], _BACKOFF_S[-1]]


def test_a_connection_that_lives_briefly_counts_once(bridge: Bridge, clock: Clock) -> None:
    waits = []
    for _ in range(4):
        bridge._connect()
        bridge.connected = True
        bridge._ended("cut")
        waits.append(wait_s(bridge, clock))
    assert waits == list(_BACKOFF_S[:4])


def test_a_connection_that_lived_begins_anew(bridge: Bridge, clock: Clock) -> None:
    for _ in range(5):
        bridge._connect()
    bridge.connected = True
    clock.now_s += _STABLE_S + 1
    bridge._ended("cut")
    assert wait_s(bridge, clock) == _BACKOFF_S[0]


def suback(bridge: Bridge, *reasons: int) -> None:
    codes = [ReasonCode(PacketTypes.SUBACK, identifier=reason) for reason in reasons]
    bridge._on_subscribe(bridge._client, None, 1, codes, None)


def test_a_refused_subscription_is_said_and_never_taken_for_one(bridge: Bridge) -> None:
    bridge._wanted = bridge._asked = ["a/#", "b/#"]
    suback(bridge, 1, 0x87, 1)
    assert (bridge.subscribed, bridge.refused) == (False, "b/#: Not authorized")
    suback(bridge, 1, 1, 1)
    assert (bridge.subscribed, bridge.refused) == (True, "")


def test_where_the_broker_lets_it_keep_no_word_it_sends_none(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    monkeypatch.setattr(bridge._client, "publish", lambda _topic, payload, **_: sent.append(payload))
    bridge.connected, bridge._wanted, bridge._asked = True, ["a/#"], ["a/#"]
    suback(bridge, 1, 0x87)
    assert bridge.subscribed
    bridge.remember_filters()
    assert sent == []
    suback(bridge, 1, 1)
    bridge.remember_filters()
    bridge.remember_filters()
    assert sent == [b'["a/#"]']


@pytest.mark.parametrize("payload", [b"", b"{}", b'["a/#", 1]', b"\xff"])
def test_word_that_is_not_ours_unsubscribes_nothing(
    bridge: Bridge, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[list[str]] = []
    monkeypatch.setattr(bridge._client, "unsubscribe", gone.append)
    bridge._wanted = ["a/#"]
    bridge.recall_filters(payload)
    assert gone == []
    bridge.recall_filters(b'["a/#", "b/#"]')
    assert gone == [["b/#"]]
