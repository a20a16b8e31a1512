"""Plain sentences, a table that fits, and JSON with everything."""

import io
import json

import pytest
from replay_lives import MIN, OPEN, life
from rich.console import Console

from ops.replay.compare import Difference, compare
from ops.replay.lives import Life
from ops.replay.question import Question
from ops.replay.replay import Outcome
from ops.replay.report import as_json, sentence, show
from processors.detectors.cover import CoverDetector
from schemas.anomaly import Severity
from schemas.whatif import WhatIf

LIVE = f"cover@{CoverDetector.version}"
WHAT = "Cover c-1 tilted 17 deg"


def only(before: list[Life], after: list[Life]) -> Difference:
    (difference,) = compare(before, after).differences
    return difference


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([], [life(0)], f"would be found: {WHAT} (still open)"),
        ([life(0, MIN)], [], f"would not be found: {WHAT} (until 1970-01-01 00:01:00)"),
        ([life(5 * MIN)], [life(0)], f"would be found 5 min earlier: {WHAT}"),
        ([life(0)], [life(MIN)], f"would be found 60 s later: {WHAT}"),
        ([life(0)], [life(0, cause="y", kind=OPEN)], f"would be cover_open, not cover_tilted: {WHAT}"),
        ([life(0)], [life(0, severity=Severity.MINOR)], f"would be minor, not major: {WHAT}"),
        ([life(0, MIN)], [life(0, 4 * MIN)], f"would be over 3 min later: {WHAT}"),
        ([life(0, 4 * MIN)], [life(0, MIN)], f"would be over 3 min earlier: {WHAT}"),
        ([life(0, MIN)], [life(0)], f"would still be open, was over at 1970-01-01 00:01:00: {WHAT}"),
        ([life(0)], [life(0, MIN)], f"would be over at 1970-01-01 00:01:00, is still open: {WHAT}"),
    ],
)
def test_each_difference_is_a_sentence(before: list[Life], after: list[Life], said: str) -> None:
    assert sentence(only(before, after)) == said


def outcome(before: list[Life], after: list[Life], **other: int) -> Outcome:
    what_if = WhatIf.read({"override": [{"zone": "segment:9", "policy": {"tilt_deg": 1}}]})
    return Outcome(
        question=Question(CoverDetector(), what_if, None, 60 * MIN, 0),
        comparison=compare(before, after),
        versions={1: 2, 2: 5},
        matched=(0,),
        failed=other.get("failed", 0),
        failures=("cover 2 in z: ValueError: x",),
        unreadable=other.get("unreadable", 0),
        records=10,
        events=20,
    )


def shown(what: Outcome, limit: int = 20, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    show(what, console, limit=limit)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_table_fits_a_terminal_and_rare_columns_stand_there_only_when_there_is_something() -> None:
    text = shown(outcome([life(5 * MIN)], [life(0)]))
    table = [line for line in text.splitlines() if line.startswith("│")]
    assert max(map(len, table)) <= 80
    wide = shown(outcome([life(5 * MIN)], [life(0)]), width=200)
    assert "other kind" not in wide
    assert "5 min / 5 min" in wide
    assert "other kind" in shown(outcome([life(0)], [life(0, cause="y", kind=OPEN)]), width=200)


def test_what_weakens_the_figures_is_said() -> None:
    text = shown(outcome([], [life(0, settled=False)], failed=4, unreadable=1), width=200)
    for warning in (
        "override 1 (zone = segment:9) speaks of nothing that was ever registered",
        "the detector failed at 4 events",
        "cover 2 in z: ValueError: x",
        "1 records of the log are no events of this version",
        "1 findings follow from what the running detectors had not folded yet",
        "version 1: 2 steps, version 2: 5 steps",
    ):
        assert warning in text


def test_no_difference_is_said_too() -> None:
    assert f"{LIVE} would have found the same." in shown(outcome([life(0)], [life(0)]))


def test_only_the_first_differences_are_shown_and_the_number_of_the_others() -> None:
    many = [life(at * MIN, at * MIN, cause=str(at)) for at in range(5)]
    text = shown(outcome(many, []), limit=2, width=200)
    assert text.count("would not be found") == 2
    assert "and 3 more" in text


def test_json_holds_everything() -> None:
    told = json.loads(json.dumps(as_json(outcome([life(MIN)], [life(0)]), seconds=2.0, events_per_s=10.4)))
    assert told["different"] is True
    assert told["to"] == "1970-01-01T01:00:00.000Z"
    figures = told["kinds"]["cover_tilted"]
    assert (figures["earlier"], figures["earlier_median_s"], figures["earlier_p95_s"], figures["later"]) == (
        1,
        60,
        60,
        0,
    )
    (difference,) = told["differences"]
    assert (difference["change"], difference["later_by_s"]) == ("earlier", -60)
    assert difference["before"]["raised"] == "1970-01-01T00:01:00.000Z"
    assert difference["after"]["cleared"] is None
    assert (told["detector"], told["matched"], told["events_per_s"]) == (LIVE, [0], 10)
