"""Each way in which findings can differ, made by hand; and what holds of any findings."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_lives import MIN, OPEN, TILTED, ids, life, step

from ops.replay.compare import Change, Comparison, Row, compare, median_ms, p95_ms
from ops.replay.lives import Life, lives
from schemas.anomaly import AnomalyKind, Severity, Transition
from tests.examples import examples


def changes(comparison: Comparison) -> list[str]:
    return [one.change.value for one in comparison.differences]


def counted(row: Row) -> dict[str, int]:
    """Without what is 0."""
    return {change.value: number for change, number in row.changes.items() if number}


def test_the_same_findings_do_not_differ() -> None:
    both = [life(0, MIN), life(5 * MIN, cause="y")]
    comparison = compare(both, both)
    assert comparison.differences == ()
    (row,) = comparison.rows.values()
    assert (row.published, row.replayed, row.same, counted(row)) == (2, 2, 2, {})


def test_one_that_is_new_is_gained() -> None:
    comparison = compare([], [life(0)])
    assert changes(comparison) == ["gained"]
    assert comparison.differences[0].before is None
    assert counted(comparison.rows[TILTED]) == {"gained": 1}
    assert (comparison.rows[TILTED].published, comparison.rows[TILTED].replayed) == (0, 1)


def test_one_that_is_gone_is_lost() -> None:
    comparison = compare([life(0)], [])
    assert changes(comparison) == ["lost"]
    assert comparison.differences[0].after is None


@pytest.mark.parametrize(("raised_ms", "change"), [(3 * MIN, "earlier"), (9 * MIN, "later")])
def test_the_same_finding_at_another_time(raised_ms: int, change: str) -> None:
    comparison = compare([life(5 * MIN, 20 * MIN)], [life(raised_ms, 20 * MIN)])
    assert changes(comparison) == [change]
    assert comparison.differences[0].by_ms == raised_ms - 5 * MIN
    row = comparison.rows[TILTED]
    assert (row.earlier_ms, row.later_ms) == (([2 * MIN], []) if change == "earlier" else ([], [4 * MIN]))
    assert row.same == 0


def test_another_cause_makes_another_id_and_still_the_same_finding() -> None:
    comparison = compare([life(5 * MIN, 20 * MIN)], [life(9 * MIN, 20 * MIN, cause="y")])
    assert changes(comparison) == ["later"]


@pytest.mark.parametrize("other", [{"zone": "segment:2"}, {"subject": "c-2"}])
def test_another_place_is_another_finding(other: dict[str, Any]) -> None:
    assert changes(compare([life(0)], [life(0, cause="y", **other)])) == ["lost", "gained"]


def test_what_never_was_at_one_time_is_another_finding() -> None:
    assert changes(compare([life(0, MIN)], [life(2 * MIN, 3 * MIN, cause="y")])) == ["lost", "gained"]
    assert changes(compare([life(2 * MIN, 3 * MIN)], [life(0, MIN, cause="y")])) == ["gained", "lost"]


def test_a_matter_begins_before_it_is_found() -> None:
    late = life(2 * MIN, 3 * MIN, cause="y", since_ms=MIN // 2)
    assert changes(compare([life(0, MIN)], [late])) == ["later", "ended otherwise"]


def test_another_kind_at_the_same_place_and_time() -> None:
    comparison = compare([life(0, MIN)], [life(0, MIN, cause="y", kind=OPEN, severity=Severity.CRITICAL)])
    assert changes(comparison) == ["other kind"]
    assert list(comparison.rows) == [TILTED]  # under what was published


def test_the_same_kind_goes_before_another() -> None:
    tilted, opened = life(0, 5 * MIN, cause="a"), life(5 * MIN, 9 * MIN, cause="b", kind=OPEN)
    comparison = compare([tilted, opened], [life(0, 9 * MIN, cause="c", kind=OPEN)])
    assert [(one.change, one.life.kind) for one in comparison.differences] == [
        (Change.LOST, TILTED),
        (Change.EARLIER, OPEN),
    ]


def test_another_severity() -> None:
    assert changes(compare([life(0)], [life(0, severity=Severity.MINOR)])) == ["other severity"]


@pytest.mark.parametrize(("before", "after"), [(MIN, 2 * MIN), (None, MIN), (MIN, None)])
def test_another_end(before: int | None, after: int | None) -> None:
    assert changes(compare([life(0, before)], [life(0, after)])) == ["ended otherwise"]


def test_a_finding_may_differ_in_several_ways_and_is_then_not_the_same() -> None:
    comparison = compare([life(0, MIN)], [life(1000, 2 * MIN, severity=Severity.MINOR)])
    assert changes(comparison) == ["other severity", "later", "ended otherwise"]
    assert comparison.rows[TILTED].same == 0


def test_the_nearest_is_the_same_one() -> None:
    published = [life(0, None, cause="a"), life(10 * MIN, None, cause="b")]
    replayed = [life(9 * MIN, None, cause="c"), life(MIN, None, cause="d")]
    pairs = {
        one.before.finding: one.after.finding
        for one in compare(published, replayed).differences
        if one.before and one.after
    }
    a, b, c, d = ids("a", "b", "c", "d")
    assert pairs == {a: d, b: c}


# the range


def test_only_what_was_spoken_of_in_the_range_counts() -> None:
    published = [life(at * MIN, (at + 2) * MIN, cause=str(at), subject=f"c-{at}") for at in range(10)]
    comparison = compare(published, [], begin_ms=5 * MIN, end_ms=7 * MIN)
    # 3 and 4 are cleared in it, 5 and 6 are raised in it; 2 is cleared before, 7 is raised behind.
    assert [one.life.subject for one in comparison.differences] == ["c-3", "c-4", "c-5", "c-6"]


def test_one_that_moves_out_of_the_range_is_later_and_not_lost() -> None:
    assert changes(compare([life(5 * MIN)], [life(8 * MIN)], begin_ms=0, end_ms=6 * MIN)) == ["later"]


def test_one_that_was_open_all_the_time_does_not_count() -> None:
    assert compare([life(0, 9 * MIN)], [life(0, 9 * MIN)], begin_ms=MIN, end_ms=2 * MIN).rows == {}


# what the running detectors had not folded yet


def test_what_nobody_had_time_to_publish_is_not_gained() -> None:
    comparison = compare([], [life(0, settled=False)])
    assert (comparison.differences, comparison.undecided, comparison.rows) == ((), 1, {})


def test_an_end_that_nobody_had_time_to_publish_is_no_other_end() -> None:
    (after,) = lives([step(0), step(MIN, Transition.CLEARED, settled=False)])
    assert compare([life(0)], [after]).differences == ()
    assert changes(compare([life(0, 2 * MIN)], [after])) == ["ended otherwise"]


# lives


def test_a_life_is_made_of_its_steps_and_repetitions_change_nothing() -> None:
    steps = [
        step(2 * MIN, since_ms=MIN),
        step(3 * MIN, Transition.UPDATED, severity=Severity.CRITICAL, summary="worse"),
        step(4 * MIN, Transition.CLEARED, severity=Severity.CRITICAL, summary="over"),
    ]
    (made,) = lives(steps)
    assert (made.raised_ms, made.cleared_ms, made.begins_ms) == (2 * MIN, 4 * MIN, MIN)
    assert (made.severity, made.summary) == (Severity.CRITICAL, "Cover c-1 tilted 17 deg")
    assert lives([*steps, *steps]) == [made]
    assert lives(steps[:2])[0].cleared_ms is None


# figures


def test_figures_of_lengths() -> None:
    assert median_ms([1, 5, 3]) == 3
    assert median_ms([1, 2, 4, 9]) == 3
    assert p95_ms([7]) == 7
    assert p95_ms(list(range(1, 101))) == 95
    assert p95_ms(list(range(1, 21))) == 19


# any findings

RELAXED = settings(deadline=None, max_examples=examples(300))
_TIMES = st.integers(0, 20).map(lambda minutes: minutes * MIN)


def _any_life(cause: str, raised_ms: int, lasts_ms: int | None, subject: str, kind: AnomalyKind) -> Life:
    cleared_ms = None if lasts_ms is None else raised_ms + lasts_ms
    return life(raised_ms, cleared_ms, cause=f"{cause}{subject}{kind}", subject=subject, kind=kind)


_LIVES = st.lists(
    st.builds(
        _any_life,
        st.sampled_from("abcdef"),
        _TIMES,
        st.none() | _TIMES,
        st.sampled_from(["c-1", "c-2"]),
        st.sampled_from([TILTED, OPEN]),
    ),
    max_size=8,
    unique_by=lambda one: one.finding,
)


def total(comparison: Comparison, change: Change) -> int:
    return sum(row.changes[change] for row in comparison.rows.values())


@RELAXED
@given(_LIVES, _LIVES)
def test_every_finding_is_counted_once_and_none_is_invented(
    published: Sequence[Life], replayed: Sequence[Life]
) -> None:
    comparison = compare(published, replayed)
    rows = comparison.rows.values()
    assert sum(row.published for row in rows) == len(published)
    assert sum(row.replayed for row in rows) == len(replayed)
    gained = [one.after for one in comparison.differences if one.change is Change.GAINED]
    lost = [one.before for one in comparison.differences if one.change is Change.LOST]
    assert len(published) - len(lost) == len(replayed) - len(gained)
    for new in gained:
        assert new is not None
        assert not any(old is not None and old.subject == new.subject and old.overlaps(new) for old in lost)
    assert compare(published, published).differences == ()


@RELAXED
@given(_LIVES, _LIVES)
def test_the_other_way_round_what_was_gained_is_lost(published: Sequence[Life], replayed: Sequence[Life]) -> None:
    there, back = compare(published, replayed), compare(replayed, published)
    for change, opposite in ((Change.GAINED, Change.LOST), (Change.EARLIER, Change.LATER)):
        assert sum(r.changes[change] for r in there.rows.values()) == sum(
            r.changes[opposite] for r in back.rows.values()
        )
