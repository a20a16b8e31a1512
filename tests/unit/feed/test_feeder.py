"""The feeder: publications at their time, the clock behind them, an end in order. Session and wall are ours."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.feed import run as feeding
from ops.feed.publication import Publication
from ops.feed.records import SentFile
from ops.feed.run import CLOCK_TOPIC, LONGEST_STEP_S, FeedOptions, FeedReport
from ops.simulate.model import Incident
from runtime.errors import FatalError
from runtime.lifecycle import Shutdown
from runtime.settings import Settings
from schemas.anomaly import AnomalyKind
from schemas.model import format_rfc3339, from_ms, to_ms

START = 1_783_267_200_000
STEP_S = 60.0


class Wall:
    """A monotonic clock that goes on only where the feeder waits."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


class FakeSession:
    """Remembers what was published and at what wall time; acknowledges after ``lag`` further publications."""

    def __init__(self, wall: Wall, lag: int = 0) -> None:
        self.wall, self.lag = wall, lag
        self.log: list[tuple[str, bytes, float]] = []
        self.acknowledged = self.published = self.in_flight = self.unheard = self.reconnects = 0
        self.waiting: list[tuple[int, str, bytes]] = []
        self.drained_at: list[int] = []

    def publish(self, topic: str, payload: bytes) -> None:
        self._send(topic, payload)
        self._acknowledge(self.published - self.lag)

    def barrier(self, topic: str, payload: bytes) -> None:
        self.waiting.append((self.published, topic, payload))
        self._lift()
        while len(self.waiting) >= 2:
            self._acknowledge(self.acknowledged + 1)

    def drain(self) -> None:
        while self.waiting or self.acknowledged < self.published:
            self._acknowledge(self.published)
        self.drained_at.append(len(self.log))

    def pump(self, wait_s: float = 0.0) -> None:
        self.wall.now_s += wait_s

    def _send(self, topic: str, payload: bytes) -> None:
        self.log.append((topic, payload, self.wall.now_s))
        self.published += 1

    def _acknowledge(self, number: int) -> None:
        self.acknowledged = max(self.acknowledged, number)
        self._lift()

    def _lift(self) -> None:
        while self.waiting and self.waiting[0][0] <= self.acknowledged:
            _, topic, payload = self.waiting.pop(0)
            self._send(topic, payload)

    @property
    def readings(self) -> list[tuple[int, float]]:
        """Feed milliseconds and wall seconds of what was published, clocks left out."""
        return [(int(payload), at) for topic, payload, at in self.log if topic != CLOCK_TOPIC]

    @property
    def clocks(self) -> list[int]:
        return [clock_ms(payload) for topic, payload, _ in self.log if topic == CLOCK_TOPIC]


def clock_ms(payload: bytes) -> int:
    from datetime import datetime

    return to_ms(datetime.fromisoformat(json.loads(payload)["time"]))


class Recording:
    """Publications at these feed seconds; the payload is the feed time."""

    start_ms = START

    def __init__(
        self, *seconds: float, held: tuple[float, ...] = (), on: Callable[[int], None] = lambda _: None
    ) -> None:
        self.seconds, self.held, self.on = seconds, held, on

    def publications(self) -> Iterator[Publication]:
        for number, second in enumerate(self.seconds):
            self.on(number)
            yield self._publication(second)

    def leftovers(self) -> Iterator[Publication]:
        return map(self._publication, self.held)

    def incidents(self, until_ms: int) -> list[Incident]:
        one = Incident(AnomalyKind.COVER_OPEN, "c", "grid:1", START, START + 1000, START + 2000)
        never = Incident(AnomalyKind.COVER_OPEN, "d", "grid:1", START, START + 1000, START + 10**9)
        return [i for i in (one, never) if i.start_ms <= until_ms]

    @staticmethod
    def _publication(second: float) -> Publication:
        due_ms = START + round(second * 1000)
        return Publication(due_ms, "eyes/v1/s/d/observations", str(due_ms).encode(), ({"kind": "reading"},))


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    monkeypatch.setattr(feeding, "time", wall)
    return wall


def feed(source: Recording, session: FakeSession, shutdown: Shutdown | None = None, **options: Any) -> FeedReport:
    options = {"clock_step_s": STEP_S, **options}
    given: Any = session
    with SentFile(options.get("sent")) as sent:
        return feeding._Feeder(
            source, FeedOptions(**options), given, sent, shutdown=shutdown or Shutdown(), on_status=None
        ).run()


@pytest.mark.parametrize("lag", [0, 1, 7, 1_000])
def test_a_clock_goes_out_only_when_all_before_it_is_acknowledged_and_never_far_behind(wall: Wall, lag: int) -> None:
    session = FakeSession(wall, lag)
    acknowledged_at_clock = []
    send = session._send

    def spy(topic: str, payload: bytes) -> None:
        if topic == CLOCK_TOPIC:
            # the n-th thing published is acknowledged when `acknowledged` says n
            acknowledged_at_clock.append((clock_ms(payload), session.acknowledged))
        send(topic, payload)

    session._send = spy  # type: ignore[method-assign]
    source = Recording(*(second / 10 for second in range(7, 6_000, 7)))
    feed(source, session, speed=0)

    for clock, acknowledged in acknowledged_at_clock:
        before = [i for i, (topic, body, _) in enumerate(session.log) if topic != CLOCK_TOPIC and int(body) <= clock]
        assert not before or before[-1] < acknowledged
    assert session.clocks == sorted(set(session.clocks))
    clock = START
    for topic, payload, _ in session.log:
        if topic == CLOCK_TOPIC:
            clock = clock_ms(payload)
        else:
            # two steps at most: with the longest step allowed, ingest would still believe the reading's time
            assert int(payload) <= clock + 2 * STEP_S * 1000
    assert 2 * LONGEST_STEP_S < 300


def test_the_clock_begins_at_the_start_and_ends_at_the_last_reading(wall: Wall) -> None:
    session = FakeSession(wall)
    report = feed(Recording(1, 61, 150), session, speed=0)
    assert session.clocks == [START + s * 1000 for s in (0, 60, 120, 150)]
    assert report.clock_ms == START + 150_000
    assert (report.messages, report.sent) == (7, 3)


def test_a_long_pause_of_the_source_still_ticks(wall: Wall) -> None:
    session = FakeSession(wall)
    feed(Recording(1, 601), session, speed=0)
    assert session.clocks == [START + s * 1000 for s in (*range(0, 601, 60), 601)]


def test_without_clock_none_is_said(wall: Wall) -> None:
    session = FakeSession(wall)
    feed(Recording(1, 61, 150), session, speed=0, with_clock=False)
    assert session.clocks == []
    assert len(session.readings) == 3


@pytest.mark.parametrize("speed", [1.0, 60.0, 2880.0])
def test_each_message_leaves_at_its_feed_time(wall: Wall, speed: float) -> None:
    session = FakeSession(wall)
    began = wall.now_s
    feed(Recording(0, 30, 90, 600, 601), session, speed=speed)
    for due_ms, at_s in session.readings:
        due_s = began + (due_ms - START) / 1000 / speed
        assert due_s - feeding.SOON_S <= at_s <= due_s + 1e-6


def test_at_speed_zero_nobody_waits(wall: Wall) -> None:
    session = FakeSession(wall)
    began = wall.now_s
    feed(Recording(*range(0, 86_400, 600)), session, speed=0)
    assert wall.now_s == began


def test_feed_for_ends_at_that_feed_time(wall: Wall) -> None:
    session = FakeSession(wall)
    report = feed(Recording(*range(0, 3_600, 10)), session, speed=0, feed_for_s=95)
    assert session.readings[-1][0] == START + 90_000
    assert report.clock_ms == START + 95_000


def test_for_ends_with_the_clock_step_that_is_under_way(wall: Wall) -> None:
    session = FakeSession(wall)
    report = feed(Recording(*range(0, 36_000, 10)), session, speed=60.0, for_s=2.5)
    assert report.clock_ms == START + 180_000  # 150 s of feed time were reached; the step ends at 180
    assert session.readings[-1][0] == START + 180_000


def test_for_ends_at_once_where_the_step_would_take_long(wall: Wall) -> None:
    session = FakeSession(wall)
    report = feed(Recording(*range(0, 3_600, 10)), session, speed=1.0, for_s=25)
    assert session.readings[-1][0] <= START + 30_000
    assert report.clock_ms == session.readings[-1][0]


def test_a_request_to_end_is_heard_and_what_was_held_back_still_goes_out(wall: Wall) -> None:
    session, shutdown = FakeSession(wall, lag=3), Shutdown()
    source = Recording(
        *range(0, 36_000, 10), held=(62.0, 65.0), on=lambda number: shutdown.request() if number == 5 else None
    )
    report = feed(source, session, shutdown, speed=0)
    sent = [due for due, _ in session.readings]
    assert sent[:6] == [START + s * 1000 for s in range(0, 60, 10)]
    assert sent[-2:] == [START + 62_000, START + 65_000]
    assert len(sent) < 12
    assert session.log[-1][0] == CLOCK_TOPIC
    assert session.acknowledged == session.published == report.messages


def test_everything_written_down_was_published_and_the_other_way_round(wall: Wall, tmp_path: Path) -> None:
    session, sent = FakeSession(wall), tmp_path / "sent.ndjson"
    report = feed(Recording(1, 2, 3, held=(4.0,)), session, speed=0, sent=sent)
    lines = [json.loads(line) for line in sent.read_text().splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3, 4]
    assert report.sent == len(session.readings) == 4


def test_a_line_is_written_before_its_message_leaves(wall: Wall, tmp_path: Path) -> None:
    class Away(FakeSession):
        def publish(self, topic: str, payload: bytes) -> None:
            raise FatalError("the broker stayed away")

    sent = tmp_path / "sent.ndjson"
    with pytest.raises(FatalError, match="stayed away"):
        feed(Recording(1), Away(wall), speed=0, sent=sent)
    assert sent.read_text() == '{"n":1,"kind":"reading"}\n'


def test_truth_and_status_are_left_behind(wall: Wall, tmp_path: Path) -> None:
    truth, status = tmp_path / "truth.ndjson", tmp_path / "status.json"
    feed(Recording(1, 3), FakeSession(wall), speed=0, truth=truth, status=status)
    planted = [json.loads(line) for line in truth.read_text().splitlines()]
    assert [(one["subject"], one.get("undecided", False)) for one in planted] == [("c", False), ("d", True)]
    told = json.loads(status.read_text())
    assert told["clock"] == format_rfc3339(from_ms(START + 3000))
    assert told["messages"] == told["acknowledged"]
    assert not status.with_suffix(".new").exists()


def test_the_truth_goes_to_a_descriptor_that_was_opened_for_it(wall: Wall) -> None:
    import os

    read, write = os.pipe()
    feed(Recording(1), FakeSession(wall), speed=0, truth_fd=write)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert json.loads(pipe.readline())["kind"] == "cover_open"


@pytest.mark.parametrize("step_s", [0.0, -1.0, LONGEST_STEP_S + 1])
def test_a_clock_step_that_cannot_work_is_refused_before_anybody_connects(step_s: float) -> None:
    with pytest.raises(FatalError, match="clock step"):
        feeding.run_feed(Recording(), Settings.model_construct(), FeedOptions(clock_step_s=step_s))
