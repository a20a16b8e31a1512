"""What must not change what is new: records, doubles, slight disorder, the week, who else is there."""

import random

import pytest
from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from metamorphic_kit import Found, Row, batches, by_time, disordered, doubled, found, several, told
from street_kit import facility

from processors.detectors.novelty import NoveltyDetector
from schemas.facility import Facility, FacilityClass

STEP_S = 300.0
READINGS, CHANGED = 130, 80
HASTE = {"novelty.learn_d": 0.0, "novelty.learn_readings": 60.0}
SHIFTS = {"air-1": 30.0, "air-2": 0.0, "air-3": -40.0}
WEEK_S = 7 * 86_400.0
CAREFUL = settings(RELAXED, max_examples=8)


def stations() -> list[Facility]:
    return [facility(name, FacilityClass.AIR_STATION, rules=HASTE) for name in SHIFTS]


def story(begin: int = CHANGED, end: int = CHANGED + 25) -> list[Row]:
    """Three stations; two are off for two hours, one up and one down."""
    chance = random.Random(7)
    rows = [
        (name, "temperature", 20.0 + chance.gauss(0.0, 0.5) + (by if begin <= n < end else 0.0), n * STEP_S + offset)
        for offset, (name, by) in enumerate(SHIFTS.items())
        for n in range(READINGS)
    ]
    return by_time(rows)


STORY = story()
SINCE = [f"{CHANGED * STEP_S + offset:g}" for offset in (0, 2)]
PLAIN: Found = [
    (f"air-{number} temperature", since, "novelty", step)
    for number, since in zip((1, 3), SINCE, strict=True)
    for step in ("cleared", "raised")
]


def test_the_story_is_told() -> None:
    assert found(told(NoveltyDetector, stations(), STORY)) == PLAIN


@given(batches(), st.sampled_from([60.0, 300.0, 900.0]))
@CAREFUL
def test_records_and_ticks_change_nothing(records: list[int], tick_s: float) -> None:
    assert found(told(NoveltyDetector, stations(), STORY, records=records, tick_s=tick_s)) == PLAIN


@given(several(3 * READINGS))
@CAREFUL
def test_what_is_delivered_twice_counts_once(which: list[int]) -> None:
    assert found(told(NoveltyDetector, stations(), doubled(STORY, which))) == PLAIN


@given(several(3 * READINGS))
@CAREFUL
def test_neighbours_that_change_places_change_nothing(which: list[int]) -> None:
    """The neighbours are of other series; within one, a reading that comes too late is passed over."""
    assert found(told(NoveltyDetector, stations(), disordered(STORY, which))) == PLAIN


@given(st.sampled_from([CHANGED - 1, CHANGED + 1, CHANGED + 4, CHANGED + 30]))
@CAREFUL
def test_a_reading_that_comes_after_the_next_of_its_series_ends_and_begins_nothing(number: int) -> None:
    rows = list(STORY)
    moved = rows.pop(3 * number)
    rows.insert(3 * number + 5, moved)
    steps = found(told(NoveltyDetector, stations(), rows))
    assert [(subject, step) for subject, _, _, step in steps] == [(one[0], one[3]) for one in PLAIN]


@pytest.mark.parametrize("weeks", [1, 3])
def test_whole_weeks_later_it_is_the_same(weeks: int) -> None:
    later_s = weeks * WEEK_S
    assert found(told(NoveltyDetector, stations(), STORY, later_s=later_s), later_s) == PLAIN


@given(st.permutations(stations()))
@CAREFUL
def test_who_was_registered_first_changes_nothing(facilities: list[Facility]) -> None:
    assert found(told(NoveltyDetector, facilities, STORY)) == PLAIN


@given(st.sampled_from([0.1, 1.0, 10.0]), st.sampled_from([0.0, 15.0]))
@CAREFUL
def test_another_unit_changes_nothing(scale: float, shift: float) -> None:
    rows = [(device, name, scale * value + shift, at_s) for device, name, value, at_s in STORY]
    assert found(told(NoveltyDetector, stations(), rows)) == PLAIN
