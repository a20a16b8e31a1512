"""The feeder's MQTT session: a bounded window, order kept over reconnects, barriers, refusals. paho is played by us."""

from types import SimpleNamespace
from typing import Any

import pytest
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ops.feed import session as sessions
from ops.feed.session import FeedSession
from runtime.errors import FatalError
from runtime.settings import MqttSettings

GOOD = ReasonCode(PacketTypes.PUBACK, "Success")
UNHEARD = ReasonCode(PacketTypes.PUBACK, "No matching subscribers")
REFUSED = ReasonCode(PacketTypes.PUBACK, "Not authorized")
LOST = ReasonCode(PacketTypes.DISCONNECT, "Unspecified error")


class FakeClient:
    """Takes publications; the test acknowledges them."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str, bytes]] = []
        self.rc = MQTTErrorCode.MQTT_ERR_SUCCESS
        self.mid = 0

    def publish(self, topic: str, payload: bytes, qos: int) -> Any:
        assert qos == 1
        self.mid = self.mid % 5 + 1  # packet ids come again soon
        self.sent.append((self.mid, topic, payload))
        return SimpleNamespace(rc=self.rc, mid=self.mid)


class Rig:
    def __init__(self, window: int = 3, **more: Any) -> None:
        self.session = FeedSession(MqttSettings(), client_id="t", window=window, **more)
        self.client = FakeClient()
        self.session._client = self.client  # type: ignore[assignment]
        self.session._wait = self._nobody_answers  # type: ignore[method-assign]
        self.connect()

    @staticmethod
    def _nobody_answers(_wait_s: float) -> None:
        raise AssertionError("waits for ever")

    def connect(self, receive_maximum: int | None = None) -> None:
        flags, properties = SimpleNamespace(session_present=True), SimpleNamespace()
        if receive_maximum:
            properties.ReceiveMaximum = receive_maximum
        any_client: Any = self.client
        self.session._on_connect(any_client, None, flags, GOOD, properties)

    def lose(self) -> None:
        any_client: Any = self.client
        self.session._on_disconnect(any_client, None, None, LOST, None)

    def ack(self, *mids: int, reason: ReasonCode = GOOD) -> None:
        any_client: Any = self.client
        for mid in mids:
            self.session._on_publish(any_client, None, mid, reason, None)

    @property
    def topics(self) -> list[str]:
        return [topic for _, topic, _ in self.client.sent]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def acknowledge_while_waiting(rig: Rig, monkeypatch: pytest.MonkeyPatch, steps: list[Any]) -> None:
    """Instead of sleeping, do the next step: what paho's thread would do meanwhile."""

    def wait(_wait_s: float) -> None:
        assert steps, "waits for ever"
        steps.pop(0)()

    monkeypatch.setattr(rig.session, "_wait", wait)


def test_the_window_is_never_exceeded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    acknowledge_while_waiting(rig, monkeypatch, [lambda: (seen.append(rig.session.in_flight), rig.ack(1))] * 2)
    for number in range(3):
        rig.session.publish(f"t/{number}", b"")
    rig.session.publish("t/3", b"")
    assert seen == [3]
    assert rig.topics == ["t/0", "t/1", "t/2", "t/3"]


def test_the_broker_may_ask_for_a_smaller_window(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.connect(receive_maximum=1)
    seen = []
    acknowledge_while_waiting(rig, monkeypatch, [lambda: (seen.append(rig.session.in_flight), rig.ack(1))])
    rig.session.publish("t/0", b"")
    rig.session.publish("t/1", b"")
    assert seen == [1]


def test_a_barrier_waits_for_everything_before_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.session.publish("t/0", b"")
    rig.session.publish("t/1", b"")
    sent: list[list[str]] = []
    steps = [lambda: (sent.append(rig.topics), rig.ack(2)), lambda: (sent.append(rig.topics), rig.ack(1))]
    acknowledge_while_waiting(rig, monkeypatch, steps)
    rig.session.barrier("clock", b"1")
    assert sent == [["t/0", "t/1"]] * 2
    assert rig.topics == ["t/0", "t/1", "clock"]


def test_drain_waits_for_every_acknowledgement(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.session.barrier("clock", b"1")
    rig.session.publish("t/0", b"")
    acknowledge_while_waiting(rig, monkeypatch, [lambda: rig.ack(1), lambda: rig.ack(2)])
    rig.session.drain()
    assert (rig.session.in_flight, rig.session.acknowledged, rig.session.published) == (0, 2, 2)


def test_after_a_lost_connection_nothing_new_overtakes_what_is_sent_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.session.publish("t/0", b"")
    rig.session.publish("t/1", b"")
    rig.lose()
    overtaken = []
    steps = [
        rig.connect,
        lambda: (overtaken.append(len(rig.client.sent)), rig.ack(1)),
        lambda: (overtaken.append(len(rig.client.sent)), rig.ack(2)),
    ]
    acknowledge_while_waiting(rig, monkeypatch, steps)
    rig.session.publish("t/2", b"")
    assert overtaken == [2, 2]
    assert rig.topics == ["t/0", "t/1", "t/2"]
    assert rig.session.reconnects == 1


def test_a_publication_made_while_away_is_pahos_to_send_again(rig: Rig) -> None:
    rig.client.rc = MQTTErrorCode.MQTT_ERR_NO_CONN
    rig.session.publish("t/0", b"")
    assert rig.session.in_flight == 1


def test_a_publication_paho_does_not_take_is_an_error(rig: Rig) -> None:
    rig.client.rc = MQTTErrorCode.MQTT_ERR_QUEUE_SIZE
    with pytest.raises(FatalError, match="publishing to t/0"):
        rig.session.publish("t/0", b"")


def test_a_refusal_names_topic_and_reason(rig: Rig) -> None:
    rig.session.publish("t/0", b"")
    rig.ack(1, reason=REFUSED)
    with pytest.raises(FatalError, match=r"t/0.*Not authorized"):
        rig.session.pump()


def test_outcomes_are_told_by_number_in_the_order_they_come() -> None:
    heard: list[tuple[int, str, bool]] = []
    rig = Rig(on_outcome=lambda number, topic, reason: heard.append((number, topic, reason.is_failure)))
    rig.session.publish("t/0", b"")
    rig.session.publish("t/1", b"")
    rig.ack(2, reason=REFUSED)
    rig.ack(1)
    rig.session.pump()
    assert heard == [(1, "t/1", True), (0, "t/0", False)]


def test_messages_nobody_subscribed_to_are_counted(rig: Rig) -> None:
    rig.session.publish("t/0", b"")
    rig.ack(1, reason=UNHEARD)
    rig.session.pump()
    assert (rig.session.unheard, rig.session.acknowledged) == (1, 1)


def test_an_acknowledgement_of_nothing_is_of_no_consequence(rig: Rig) -> None:
    rig.ack(4)
    rig.session.pump()
    assert rig.session.acknowledged == 0


def test_a_broker_that_stays_away_is_an_error(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(sessions, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(rig.session, "_wait", lambda wait_s: now.__setitem__(0, now[0] + wait_s))
    rig.session.publish("t/0", b"")
    with pytest.raises(FatalError, match="1 in flight"):
        rig.session.drain()
    assert now[0] > sessions.AWAY_S
