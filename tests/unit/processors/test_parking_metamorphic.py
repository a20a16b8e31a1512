"""What must never change what is found: when it happened, who stands first in a list, how messages travelled."""

from collections.abc import Callable
from typing import Any, NamedTuple

from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from street_kit import bay, kerb

from processors.detectors.parking import ParkingDetector
from processors.engine.driver import START, PipelineTestDriver
from schemas.camera import TrackPhase
from schemas.facility import Facility
from schemas.model import from_ms, to_ms
from tests.examples import examples

TICK_S = 10
KERBS = ("kerb-1", "kerb-2", "kerb-3")
BAYS = ("bay-1", "bay-2")
WEEK_MS = 7 * 86_400_000


class Message(NamedTuple):
    """What is said at a time (ms after the beginning); ``value`` of a sensor, else of a track."""

    at_ms: int
    facility: str
    value: float | None = None
    track: str = ""
    phase: TrackPhase = TrackPhase.UPDATE
    still_s: float | None = None
    present: bool = True
    lost: bool = False
    box: tuple[float, float, float, float] = (0.0, 0.0, 9.0, 9.0)


Story = list[Message]
DWELLS = st.one_of(st.integers(20, 600), st.integers(165, 200))  # also such as end while a word is waited for


@st.composite
def vehicles(draw: st.DrawFn, facility: str) -> Story:
    """One after the other in a stretch of kerb, under ids that may change."""
    found: Story = []
    at_s, number = draw(st.integers(1, 60)), 0
    for _ in range(draw(st.integers(1, 4))):
        begin_s, end_s = at_s, at_s + draw(DWELLS)
        lost_s = draw(st.one_of(st.none(), st.integers(begin_s + 15, begin_s + 260)))
        left = draw(st.sampled_from([0.0, 20.0]))
        box = (left, 0.0, left + 9.0, 9.0)
        for first_s, last_s in _spans(begin_s, end_s, lost_s):
            track = f"{facility}/{number}"
            number += 1
            said = Message(first_s * 1000, facility, track=track, phase=TrackPhase.NEW, box=box)
            found.append(said)
            found += [
                said._replace(at_ms=at * 1000, phase=TrackPhase.UPDATE, still_s=10.0 if at == first_s + 10 else 60.0)
                for at in range(first_s + 10, last_s, 60)
            ]
            if last_s == end_s:
                found.append(said._replace(at_ms=last_s * 1000, phase=TrackPhase.UPDATE, present=False))
                last_s += 4  # noqa: PLW2901 - it ends a little later
            found.append(said._replace(at_ms=last_s * 1000, phase=TrackPhase.END, present=False, lost=last_s < end_s))
        at_s = end_s + draw(st.integers(10, 400))
    return found


def _spans(begin_s: int, end_s: int, lost_s: int | None) -> list[tuple[int, int]]:
    if lost_s is None or lost_s + 20 > end_s:
        return [(begin_s, end_s)]
    return [(begin_s, lost_s), (lost_s + 3, end_s)]


@st.composite
def stays(draw: st.DrawFn, facility: str) -> Story:
    """Comings and goings in a bay."""
    found: Story = []
    at_s = draw(st.integers(1, 200))
    for _ in range(draw(st.integers(1, 3))):
        end_s = at_s + draw(st.one_of(st.integers(10, 1500), st.integers(580, 620)))
        found += [Message(at * 1000, facility, 1.0) for at in range(at_s, end_s, 300)]
        found.append(Message(end_s * 1000, facility, 0.0))
        at_s = end_s + draw(st.integers(60, 600))
    return found


@st.composite
def stories(draw: st.DrawFn) -> Story:
    parts = [draw(vehicles(name)) for name in KERBS] + [draw(stays(name)) for name in BAYS]
    return sorted((message for part in parts for message in part), key=lambda one: one.at_ms)


def facilities() -> list[Facility]:
    activities = dict(zip(KERBS, ("no_stopping", "no_stopping", "no_stopping"), strict=True))
    return [
        *(kerb(name, activity) for name, activity in activities.items()),
        *(bay(name, max_stay_s=600.0) for name in BAYS),
    ]


Found = list[tuple[str, str, str, int, int]]


def found(
    story: Story,
    *,
    places: list[Facility] | None = None,
    later_ms: int = 0,
    send: Callable[[list[Message]], list[list[Message]]] = lambda bucket: [[one] for one in bucket],
) -> Found:
    """What is found, by time: messages between two ticks travel as ``send`` says, each list in one record."""
    driver = PipelineTestDriver(ParkingDetector(), tick_s=TICK_S, start=from_ms(to_ms(START) + later_ms))
    driver.register(*places or facilities())
    begin_ms = driver.now_ms
    tell(driver, story, send)
    return sorted(
        (one.subject, one.transition.value, one.kind.value, to_ms(one.since) - begin_ms, to_ms(one.at) - begin_ms)
        for one in driver.findings
    )


def tell(
    driver: PipelineTestDriver,
    story: Story,
    send: Callable[[list[Message]], list[list[Message]]] = lambda bucket: [[one] for one in bucket],
) -> None:
    """All of it, and an hour more."""
    begin_ms = driver.now_ms
    tick_ms = TICK_S * 1000
    buckets: dict[int, list[Message]] = {}
    for message in story:
        buckets.setdefault(message.at_ms // tick_ms, []).append(message)
    for number in sorted(buckets):
        driver.advance_to(begin_ms + number * tick_ms)
        for record in send(buckets[number]):
            _write(driver, begin_ms, record)
    driver.advance(3_600)


def _write(driver: PipelineTestDriver, begin_ms: int, record: list[Message]) -> None:
    sensed = [(one.facility, "occupied", one.value, begin_ms + one.at_ms) for one in record if one.value is not None]
    if sensed:
        driver.read_many(sensed)
    for one in record:
        if one.value is None:
            more: dict[str, Any] = {
                "phase": one.phase,
                "present": one.present,
                "box": one.box,
                "still_s": one.still_s,
                "lost": one.lost,
            }
            still = one.still_s is not None
            driver.see("cam-1", one.facility, one.track, at_ms=begin_ms + one.at_ms, stationary=still, **more)


@settings(RELAXED, max_examples=examples(25))
@given(stories(), st.integers(1, 300))
def test_weeks_later_the_same_is_found(story: Story, weeks: int) -> None:
    assert found(story, later_ms=weeks * WEEK_MS) == found(story)


@settings(RELAXED, max_examples=examples(25))
@given(stories(), st.permutations(facilities()))
def test_who_stands_first_in_the_registry_does_not_matter(story: Story, places: list[Facility]) -> None:
    assert found(story, places=places) == found(story)


@settings(RELAXED, max_examples=examples(25))
@given(stories(), st.permutations(KERBS))
def test_places_that_change_roles_change_findings_with_them(story: Story, others: list[str]) -> None:
    names = dict(zip(KERBS, others, strict=True))
    renamed = [one._replace(facility=names.get(one.facility, one.facility)) for one in story]
    expected = sorted((names.get(subject, subject), *rest) for subject, *rest in found(story))
    assert found(renamed) == expected


@settings(RELAXED, max_examples=examples(25))
@given(stories())
def test_records_may_be_cut_anywhere(story: Story) -> None:
    assert found(story, send=lambda bucket: [bucket]) == found(story)


@settings(RELAXED, max_examples=examples(25))
@given(stories(), st.randoms(use_true_random=False))
def test_messages_may_overtake_each_other_and_come_twice(story: Story, dice: Any) -> None:
    def shuffled(bucket: list[Message]) -> list[list[Message]]:
        doubled = bucket + [one for one in bucket if dice.random() < 0.2]
        dice.shuffle(doubled)
        return [[one] for one in doubled]

    assert found(story, send=shuffled) == found(story)


def test_the_stories_are_not_all_quiet() -> None:
    kinds: set[tuple[str, str]] = set()

    @settings(RELAXED, max_examples=20, derandomize=True)
    @given(stories())
    def look(story: Story) -> None:
        kinds.update((transition, kind) for _, transition, kind, _, _ in found(story))

    look()
    assert kinds == {(step, kind) for step in ("raised", "cleared") for kind in ("no_stopping", "parking_overstay")}
