"""Findings and the truth, one to one: right is what the rule allows, and no other pairing would have found more."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ops.score.street.matching import GRACE_MS, Found, Matched, Verdict, match, may_be
from ops.score.street.result import false_alarms, scored
from ops.simulate.city.truth import Truth
from schemas.anomaly import AnomalyKind

MINUTE = 60_000
OPEN, TILTED = AnomalyKind.COVER_OPEN, AnomalyKind.COVER_TILTED
STUCK = AnomalyKind.DEVICE_STUCK


def truth(start: int, end: int, facility: str = "c", kind: AnomalyKind = OPEN, **more: object) -> Truth:
    return Truth(kind, facility, start * MINUTE, end * MINUTE, **more)  # type: ignore[arg-type]


def found(at: int, facility: str = "c", kind: AnomalyKind = OPEN, name: str = "") -> Found:
    return Found(kind, facility, at * MINUTE, name or f"{kind}-{facility}-{at}")


def verdicts(matched: Matched) -> list[str]:
    return [one.verdict.value for one in matched.judged]


def test_raised_within_the_matter_or_half_an_hour_after_is_right() -> None:
    for at, expected in ((9, "false"), (10, "right"), (20, "right"), (50, "right"), (51, "false")):
        assert verdicts(match([truth(10, 20)], [found(at)])) == [expected], at


def test_another_facility_or_kind_is_another_matter() -> None:
    matched = match([truth(10, 20)], [found(15, "d"), found(15, kind=TILTED)])
    assert verdicts(matched) == ["false", "false"]
    assert [one.facility for one in matched.missed] == ["c"]


def test_one_matter_is_found_once() -> None:
    assert verdicts(match([truth(10, 20)], [found(12), found(15)])) == ["right", "again"]


def test_two_matters_close_together_are_each_found() -> None:
    matched = match([truth(10, 20), truth(30, 40)], [found(32), found(35)])
    assert verdicts(matched) == ["right", "right"]  # the first one may still be that of the earlier matter
    assert not matched.missed


def test_a_near_miss_that_is_raised_is_false() -> None:
    matched = match([truth(10, 20, near_miss=True)], [found(15)])
    assert verdicts(matched) == ["near_miss"]
    assert not matched.missed


def test_what_nobody_could_see_is_neither_missed_nor_false() -> None:
    hidden = truth(10, 20, visible=False)
    assert not match([hidden], []).missed
    assert verdicts(match([hidden], [found(15)])) == ["apart"]


def test_a_true_statement_of_another_kind_is_no_false_alarm() -> None:
    opened = truth(10, 20, also=(TILTED,), also_on=("d",))
    matched = match([opened], [found(12, kind=TILTED), found(12, "d", TILTED), found(12, "e", TILTED)])
    assert Counter(verdicts(matched)) == {"also": 2, "false": 1}


def test_a_device_that_is_stuck_may_be_said_to_be_by_each_of_its_series() -> None:
    frozen = truth(10, 20, kind=STUCK)
    assert verdicts(match([frozen], [found(12, kind=STUCK), found(13, kind=STUCK)])) == ["right", "also"]


def test_the_figures() -> None:
    truths = [truth(10, 20), truth(100, 120), truth(200, 220, near_miss=True), truth(300, 310, visible=False)]
    matched = match(truths, [found(11), found(210), found(500)])
    kinds = scored(truths, matched, frozenset({OPEN}))
    score = kinds[OPEN]
    assert (score.truth, score.found, score.false, score.unseen) == (2, 1, 2, 1)
    assert (score.near_misses, score.near_false) == (1, 1)
    assert (score.recall, score.precision) == (0.5, 1 / 3)
    assert score.as_json()["delay_p50_s"] == 60.0
    assert false_alarms(kinds, facilities=500, days=2) == 2.0


def test_without_truth_or_findings_there_is_no_figure() -> None:
    score = scored([truth(1, 2)], match([truth(1, 2)], []), frozenset())[OPEN]
    assert (score.recall, score.precision, score.delay_s(0.5), score.detected) == (0.0, None, None, False)


spans = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=6, unique=True)
times = st.lists(st.integers(0, 400), max_size=7)


def largest(truths: list[Truth], findings: list[Found]) -> int:
    """How many pairs there can be at most: augmenting paths."""
    taken: dict[int, int] = {}

    def place(at: int, seen: set[int]) -> bool:
        for i, one in enumerate(truths):
            if i in seen or not may_be(one, findings[at].raised_ms):
                continue
            seen.add(i)
            if i not in taken or place(taken[i], seen):
                taken[i] = at
                return True
        return False

    return sum(place(at, set()) for at in range(len(findings)))


@given(spans, times)
def test_no_other_pairing_finds_more(spans: list[tuple[int, int]], times: list[int]) -> None:
    truths = [truth(at, at + length) for at, length in spans]
    findings = [found(at, name=str(i)) for i, at in enumerate(times)]
    matched = match(truths, findings)
    right = [one for one in matched.judged if one.verdict is Verdict.RIGHT]
    assert len(right) == largest(truths, findings)
    assert len(matched.missed) == len(truths) - len(right)
    assert len({one.truth.id for one in right if one.truth}) == len(right)
    for one in right:
        assert one.truth is not None
        assert one.truth.start_ms <= one.found.raised_ms <= one.truth.end_ms + GRACE_MS


@given(spans, times, st.randoms())
def test_the_order_of_lines_changes_nothing(spans: list[tuple[int, int]], times: list[int], random: object) -> None:
    truths = [truth(at, at + length) for at, length in spans]
    findings = [found(at, name=str(i)) for i, at in enumerate(times)]
    before = match(truths, findings)
    random.shuffle(truths)  # type: ignore[attr-defined]
    random.shuffle(findings)  # type: ignore[attr-defined]
    after = match(truths, findings)
    assert after.judged == before.judged
    assert after.missed == before.missed
