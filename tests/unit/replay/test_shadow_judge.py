"""What a trial is held against, and what its promotion would do: by findings made by hand."""

import io
import json
from datetime import datetime

import pytest
from replay_lives import MIN, OPEN, ids, step
from rich.console import Console

from ops.shadow.judge import Diff, Succession, diff, succession
from ops.shadow.report import diff_as_json, show_diff, show_succession
from ops.shadow.said import Said
from schemas.anomaly import Transition
from schemas.model import from_ms
from schemas.shadow import ShadowBegun, TrialRecord, Verdict

CLEARED = Transition.CLEARED
SINCE = 10 * MIN
DAY = 1440 * MIN


def trial(until_ms: int | None = None) -> TrialRecord:
    begun = ShadowBegun(shadow="cover@4", detector="cover", version=4)
    verdict = None if until_ms is None else Verdict.ENDED
    until: datetime | None = None if until_ms is None else from_ms(until_ms)
    return TrialRecord(begun=begun, since=from_ms(SINCE), verdict=verdict, until=until)


def changes(found: Diff) -> list[str]:
    return [one.change.value for one in found.comparison.differences]


def test_what_was_raised_before_the_trial_is_not_held_against_it() -> None:
    said = Said(
        [step(5 * MIN), step(30 * MIN, CLEARED)], [step(12 * MIN, cause="y"), step(30 * MIN, CLEARED, cause="y")]
    )
    found = diff(trial(), said, 0, DAY)
    assert changes(found) == []
    assert found.comparison.older == 1
    assert found.begin_ms == SINCE
    said.published = [step(11 * MIN), *said.published[1:]]
    assert changes(diff(trial(), said, 0, DAY)) == ["later"]


def test_only_the_range_is_looked_at() -> None:
    said = Said([step(20 * MIN)], [])
    assert changes(diff(trial(), said, 0, DAY)) == ["lost"]
    assert changes(diff(trial(), said, 0, 20 * MIN)) == []


def test_what_the_live_one_says_after_the_trial_is_over_nobody_misses() -> None:
    both = [step(20 * MIN)]
    said = Said([*both, step(50 * MIN, CLEARED), step(55 * MIN, cause="z")], both)
    assert sorted(changes(diff(trial(), said, 0, DAY))) == ["ended otherwise", "lost"]
    found = diff(trial(until_ms=40 * MIN), said, 0, DAY)
    assert changes(found) == []
    assert found.end_ms == 40 * MIN


def test_what_is_too_new_to_be_published_is_not_called_gained() -> None:
    found = diff(trial(), Said([], [step(20 * MIN, settled=False), step(21 * MIN, cause="y")]), 0, DAY)
    assert changes(found) == ["gained"]
    assert found.comparison.undecided == 1


@pytest.fixture
def half() -> Succession:
    published = [
        step(0, subject="both", cause="1"),
        step(0, subject="old", cause="2"),
        step(0, subject="kind", cause="3"),
        step(0, subject="over", cause="4"),
        step(MIN, CLEARED, subject="over", cause="4"),
        step(0, subject="zone", cause="5"),
    ]
    on_trial = [
        step(MIN, subject="both", cause="6"),
        step(MIN, subject="kind", cause="7", kind=OPEN),
        step(MIN, subject="over", cause="8"),
        step(MIN, subject="gone", cause="9"),
        step(2 * MIN, CLEARED, subject="gone", cause="9"),
        step(0, subject="zone", cause="10", zone="segment:2"),
    ]
    return succession(Said(published, on_trial))


def test_open_findings_are_matched_by_zone_kind_and_subject(half: Succession) -> None:
    assert [life.finding for life in half.adopted] == ids("1")
    assert sorted(life.finding for life in half.cleared) == sorted(ids("2", "3", "5"))
    assert sorted(life.finding for life in half.raised) == sorted(ids("7", "8", "10"))


def test_of_several_of_one_subject_the_oldest_are_the_same() -> None:
    published = [step(2 * MIN, cause="young"), step(0, cause="old")]
    found = succession(Said(published, [step(MIN, cause="one")]))
    assert [life.finding for life in found.adopted] == ids("old")
    assert [life.finding for life in found.cleared] == ids("young")


def test_a_promotion_is_shown_before_it_is_made(half: Succession) -> None:
    console = Console(file=io.StringIO(), width=120)
    show_succession(half, trial(), console, limit=2)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    flat = " ".join(text.split())
    assert "│ manhole cover tilted │ 1 │ 3 │ 2 │" in flat
    assert "│ manhole cover open │ 0 │ 0 │ 1 │" in flat
    assert "│ all │ 1 │ 3 │ 3 │" in flat
    assert text.count("would be cleared  ") == text.count("would be raised  ") == 2
    assert "... and 1 more that would be raised" in text


def test_what_weakens_the_figures_is_said() -> None:
    said = Said([step(5 * MIN), step(30 * MIN, CLEARED)], [step(20 * MIN, cause="y", subject="c", settled=False)], 2)
    console = Console(file=io.StringIO(), width=120)
    found = diff(trial(), said, 0, DAY)
    show_diff(found, console, limit=5)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1 findings were raised before the trial began" in text
    assert "1 findings are too new" in text
    assert "2 records are no findings" in text
    assert "cover@4 found the same" in text
    told = json.loads(json.dumps(diff_as_json(found)))
    assert (told["older"], told["undecided"], told["different"], told["shadow"]) == (1, 1, False, "cover@4")
