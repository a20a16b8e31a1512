"""Derived readings of a replay against those that were published: each is the same, another, gained or lost."""

import io
import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ops.replay.compare import compare
from ops.replay.question import Question
from ops.replay.readings import KEPT, Compared, Ledger, readings_of
from ops.replay.replay import Outcome
from ops.replay.report import as_json, show
from processors.detectors.counters import CountersDetector
from processors.engine.contract import Reading
from schemas.columns import BatchColumns, SeriesColumns
from schemas.facility import FacilityClass
from schemas.identity import Derivation, derived
from schemas.whatif import WhatIf

SERIES = SeriesColumns("wm", "flow", "m3/h", "m", FacilityClass.FLOW_METER, "dma:1")


def flow(end_ms: int, value: float) -> Reading:
    identity = derived(Derivation(end_ms, end_ms - 1000, "pulse_count", ""))
    return Reading(SERIES, end_ms, value, identity, 0, end_ms, "s")


def asked(begin_ms: int | None = None, end_ms: int | None = None) -> Question:
    return Question(CountersDetector(), WhatIf(), begin_ms, end_ms, 0)


def ledger(
    before: dict[int, float], after: dict[int, float], question: Question | None = None, *, settled: bool = True
) -> Compared:
    book = Ledger(question or asked())
    for end_ms, value in before.items():
        book.publish(flow(end_ms, value))
        book.publish(flow(end_ms, value))  # what came twice is one
    for end_ms, value in after.items():
        book.replay(flow(end_ms, value), settled=settled)
    return book.result()


VALUES = st.dictionaries(st.integers(0, 30), st.sampled_from([0.0, 1.5]))


@given(VALUES, VALUES)
def test_each_is_counted_once_on_the_side_it_is_of(before: dict[int, float], after: dict[int, float]) -> None:
    found = ledger(before, after)
    both = before.keys() & after.keys()
    assert (found.published, found.replayed) == (len(before), len(after))
    assert found.same == sum(before[end] == after[end] for end in both)
    assert found.changed == len(both) - found.same
    assert (found.gained, found.lost) == (len(after) - len(both), len(before) - len(both))
    assert found.different == (before != after)
    assert len(found.first) == found.changed + found.gained + found.lost
    ways = Counter((one.before is None, one.after is None) for one in found.first)
    assert ways == Counter(
        {(False, False): found.changed, (True, False): found.gained, (False, True): found.lost}
    )  # zero counts are equal to none
    assert [one.time_ms for one in found.first] == sorted(one.time_ms for one in found.first)


def test_what_lies_outside_of_the_range_is_not_looked_at() -> None:
    found = ledger({9: 1.0, 10: 1.0, 19: 1.0, 20: 1.0}, {10: 1.0, 20: 2.0}, asked(10, 20))
    assert (found.published, found.replayed, found.same, found.lost, found.changed) == (2, 1, 1, 1, 0)


def test_what_the_running_detectors_had_no_time_for_is_not_gained() -> None:
    found = ledger({1: 1.0}, {1: 1.0, 2: 2.0}, settled=False)
    assert (found.same, found.gained, found.undecided, found.different) == (1, 0, 1, False)


def test_of_many_differences_the_first_are_kept_and_all_counted() -> None:
    found = ledger({}, dict.fromkeys(range(KEPT + 5), 1.0)) + ledger(dict.fromkeys(range(7), 1.0), {})
    assert (found.gained, found.lost, len(found.first)) == (KEPT + 5, 7, KEPT)


def test_a_batch_gives_its_readings_again() -> None:
    batch = BatchColumns("s", [SERIES], [0, 0], [5, 9], [1.0, 2.0], ["d:5:1:x", "d:9:5:x"], [0, 1], [6, 10])
    assert [tuple(one)[1:] for one in readings_of(batch)] == [
        (5, 1.0, "d:5:1:x", 0, 6, "s"),
        (9, 2.0, "d:9:5:x", 1, 10, "s"),
    ]


def outcome(readings: Compared) -> Outcome:
    return Outcome(asked(), compare([], []), {}, (), 0, (), 0, records=1, events=2, readings=readings)


def shown(readings: Compared, limit: int = 20) -> str:
    console = Console(file=io.StringIO(), width=200)
    show(outcome(readings), console, limit=limit)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_each_difference_is_a_sentence() -> None:
    text = shown(ledger({1: 1.0, 2: 2.0, 3: 1.0}, {1: 1.0, 2: 2.5, 4: 4.0}))
    for said in (
        "would be 2.5, not 2: wm/flow/d:2:-998:pulse_count",
        "would not be derived: wm/flow/d:3:-997:pulse_count = 1",
        "would be derived: wm/flow/d:4:-996:pulse_count = 4",
    ):
        assert said in text
    assert "derived the same" not in text
    assert "and 2 more" in shown(ledger({1: 1.0, 2: 2.0, 3: 1.0}, {}), limit=1)


def test_no_difference_is_said_too_and_what_is_undecided() -> None:
    text = shown(ledger({1: 1.0}, {1: 1.0, 2: 2.0}, settled=False))
    assert f"counters@{CountersDetector.version} would have derived the same." in text
    assert "1 readings follow from what the running detectors had not folded yet" in text


def test_json_holds_them() -> None:
    told = json.loads(json.dumps(as_json(outcome(ledger({1: 1.0}, {2: 2.0})), seconds=1.0, events_per_s=2.0)))
    assert told["different"] is True
    assert (told["readings"]["gained"], told["readings"]["lost"]) == (1, 1)
    assert [one["before"] for one in told["readings"]["differences"]] == [1.0, None]
