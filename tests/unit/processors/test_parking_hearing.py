"""In which minutes a camera spoke."""

from hypothesis import given
from hypothesis import strategies as st

from processors.detectors.parking.hearing import note, would_have_said
from processors.detectors.parking.rules import NAMES
from processors.detectors.parking.state import State
from processors.detectors.rulebook import Rulebook

MINUTE = 60_000
times = st.lists(st.integers(0, 200 * MINUTE), min_size=1, max_size=20)


def heard(*times_ms: int) -> State:
    state = State("segment:1", Rulebook(NAMES))
    for time_ms in times_ms:
        note(state, "cam", time_ms)
    return state


@given(times, st.randoms(use_true_random=False))
def test_the_order_of_words_does_not_matter(times_ms: list[int], random: object) -> None:
    shuffled = list(times_ms)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert heard(*times_ms).cameras["cam"].row() == heard(*shuffled).cameras["cam"].row()


@given(times, st.integers(0, 40), st.integers(2, 20))
def test_it_is_what_the_words_themselves_say(times_ms: list[int], first: int, minutes: int) -> None:
    newest = max(times_ms) // MINUTE
    since = max(newest - first, 0)
    now = since + minutes
    said = {time_ms // MINUTE for time_ms in times_ms}
    expected = max(times_ms) >= since * MINUTE and any(minute in said for minute in range(since, now - 1))
    assert would_have_said(heard(*times_ms), "cam", since * MINUTE, now * MINUTE) is expected


def test_who_was_never_heard_says_nothing() -> None:
    assert not would_have_said(heard(), "cam", 0, 10 * MINUTE)


def test_a_word_before_the_dispute_counts_for_nothing() -> None:
    assert not would_have_said(heard(10 * MINUTE + 100), "cam", 10 * MINUTE + 200, 15 * MINUTE)


def test_a_word_of_the_last_minute_says_little() -> None:
    assert not would_have_said(heard(14 * MINUTE), "cam", 10 * MINUTE, 15 * MINUTE)
    assert would_have_said(heard(13 * MINUTE), "cam", 10 * MINUTE, 15 * MINUTE)


def test_where_a_dispute_is_as_short_as_that_a_word_in_its_first_minute_is_enough() -> None:
    assert would_have_said(heard(10 * MINUTE + 5), "cam", 10 * MINUTE, 11 * MINUTE)


def test_a_long_pause_forgets_what_was_before() -> None:
    assert not would_have_said(heard(0, 500 * MINUTE), "cam", 1, 500 * MINUTE)
