"""Nothing may be missing, unexplained or in another order; repetitions are harmless."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ops.verify.compare import SHOWN, Expected, Outcome, compare


def expected(*values: bytes) -> list[Expected]:
    """Each said by the event of the same number."""
    return [Expected(offset, value) for offset, value in enumerate(values)]


def test_the_same_in_the_same_order_is_good() -> None:
    outcome = compare(expected(b"a", b"b"), [b"a", b"b"], 2, ordered=True)
    assert outcome == Outcome(expected=2, published=2)
    assert outcome.good


def test_what_is_missing_is_said_unless_it_was_not_committed_yet() -> None:
    outcome = compare(expected(b"a", b"b", b"c"), [b"a"], 2, ordered=True)
    assert (outcome.missing, outcome.expected, outcome.good) == (1, 2, False)
    assert [tuple(one) for one in outcome.first] == [("missing", b"b")]


def test_what_was_published_since_the_offset_was_read_is_explained() -> None:
    assert compare(expected(b"a", b"b"), [b"a", b"b"], 1, ordered=True).good


def test_what_no_event_explains_is_said() -> None:
    outcome = compare(expected(b"a"), [b"a", b"x", b"x"], 1, ordered=True)
    assert (outcome.unexplained, outcome.good) == (2, False)
    assert [tuple(one) for one in outcome.first] == [("unexplained", b"x")]


def test_repetitions_are_counted_and_harmless() -> None:
    outcome = compare(expected(b"a", b"b"), [b"a", b"b", b"a", b"b"], 2, ordered=True)
    assert (outcome.repeated, outcome.out_of_order, outcome.good) == (2, 0, True)


def test_another_order_is_said_where_order_matters() -> None:
    assert compare(expected(b"a", b"b"), [b"b", b"a"], 2, ordered=True).out_of_order == 1
    assert compare(expected(b"a", b"b"), [b"b", b"a"], 2, ordered=False).good


def test_the_one_out_of_order_is_shown() -> None:
    outcome = compare(expected(b"a", b"b", b"c"), [b"a", b"c", b"b"], 3, ordered=True)
    assert [tuple(one) for one in outcome.first] == [("out of order", b"b")]


def test_what_differs_first_by_event_time_is_shown_first_whatever_its_partition() -> None:
    late, early = b'{"time":"2026-07-06T09:00:00.000Z"}', b'{"time":"2026-07-06T08:00:00.000Z"}'
    outcome = compare(expected(late), [], 1, ordered=True) + compare([], [early], 1, ordered=True)
    assert [(one.what, one.value) for one in outcome.first] == [("unexplained", early), ("missing", late)]
    assert outcome.first[0].at == "2026-07-06T08:00:00.000Z"
    both = compare(expected(late, early), [], 2, ordered=True)
    assert [one.value for one in both.first] == [early, late]


def test_only_what_is_wanted_is_looked_at() -> None:
    outcome = compare(expected(b"a", b"b"), [b"b", b"x"], 2, ordered=True, wanted=lambda value: value == b"b")
    assert outcome == Outcome(expected=1, published=1)


def test_outcomes_add_up_and_show_only_the_first() -> None:
    one = compare(expected(*(b"%d" % n for n in range(4))), [], 4, ordered=True)
    both = one + one
    assert (both.missing, both.expected, len(both.first)) == (8, 8, SHOWN)


@given(
    st.lists(st.binary(min_size=1, max_size=2), unique=True, max_size=12), st.randoms(use_true_random=False), st.data()
)
def test_one_change_to_what_was_published_is_always_seen(
    values: list[bytes], luck: random.Random, data: st.DataObject
) -> None:
    published = list(values)
    assert compare(expected(*values), published, len(values), ordered=True).good
    change = data.draw(st.sampled_from(["drop", "invent", "swap"]))
    if change == "drop" and published:
        published.pop(luck.randrange(len(published)))
    elif change == "swap" and len(published) > 1:
        at = luck.randrange(len(published) - 1)
        published[at], published[at + 1] = published[at + 1], published[at]
    else:
        published.insert(luck.randrange(len(published) + 1), b"invented")
    assert not compare(expected(*values), published, len(values), ordered=True).good
