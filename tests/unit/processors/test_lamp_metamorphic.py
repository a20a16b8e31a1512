"""Lamps: the order of words, their records, copies and other nights change nothing."""

from typing import Any

from fold_kit import RELAXED
from hypothesis import given, settings
from hypothesis import strategies as st
from lamp_kit import HOUR, feeder, lamp
from metamorphic_kit import Row, batches, by_time, disordered, doubled, found, holds, several, told

from processors.detectors.lamp import LampDetector
from schemas.facility import Facility
from tests.examples import examples

DAY_S = 86_400.0
LAMPS = (feeder(), *(lamp(f"lamp-{n}") for n in range(4)))


def runs(device: str, values: list[float], every_s: float) -> st.SearchStrategy[list[Row]]:
    """Of at least five samples: one that is just long enough is not, when its last word comes too late."""
    run = st.tuples(st.sampled_from(values), st.integers(5, 9))
    return st.lists(run, min_size=1, max_size=5).map(lambda some: holds(device, "power", every_s, *some))


STORIES = st.tuples(*(runs(f"lamp-{n}", [0.0, 20.0, 30.0, 60.0, 118.0, 160.0], 600.0 + 40 * n) for n in range(4))).map(
    lambda some: [(*row[:3], row[3] + 11.5 * HOUR) for row in by_time(row for rows in some for row in rows)]
)


@settings(RELAXED, max_examples=examples(20))
@given(STORIES, st.permutations(LAMPS), batches())
def test_another_order_and_other_records_find_the_same(
    rows: list[Row], lamps: list[Facility], records: list[int]
) -> None:
    plain = found(told(LampDetector, LAMPS, rows))
    assert found(told(LampDetector, lamps, rows)) == plain
    assert found(told(LampDetector, LAMPS, rows, records=records)) == plain


@settings(RELAXED, max_examples=examples(20))
@given(STORIES, several(), several())
def test_copies_and_slight_disorder_find_the_same(rows: list[Row], twice: list[int], swapped: list[int]) -> None:
    plain: Any = found(told(LampDetector, LAMPS, rows))
    assert found(told(LampDetector, LAMPS, doubled(rows, twice))) == plain
    # Which of two lamps spoke first may decide whether their feeder is dark (docs/processors/lamp.md, its limits).
    alone: Any = found(told(LampDetector, LAMPS[1:], rows))
    assert found(told(LampDetector, LAMPS[1:], disordered(rows, swapped))) == alone


@settings(RELAXED, max_examples=examples(20))
@given(STORIES, st.sampled_from([1, 40, 182, 365]))
def test_the_same_hours_of_another_night_find_the_same(rows: list[Row], days: int) -> None:
    later_s = days * DAY_S
    night = [row for row in rows if 12.5 * HOUR < row[3] < 20.5 * HOUR]  # on every day of the year
    plain = found(told(LampDetector, LAMPS, night, tick_s=HOUR))
    assert found(told(LampDetector, LAMPS, night, later_s=later_s, tick_s=6 * HOUR), later_s) == plain
