"""How far a trial is by what was written down of it, and what may be done next."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ops.shadow.begin import intended
from ops.shadow.finish import to_finish
from ops.shadow.record import Stage, Trials, is_same, policies, stage
from ops.shadow.report import left_to_do, trials_as_json
from processors.detectors.cover import CoverDetector
from runtime.errors import FatalError
from schemas.envelope import CloudEvent, decode, encode
from schemas.shadow import ShadowBegun, TrialRecord, Verdict
from schemas.topics import EVENTS
from schemas.whatif import WhatIf

NOW = datetime.fromisoformat("2026-07-06T00:00:00Z")
LIVE = f"cover@{CoverDetector.version}"
EVERYWHERE = {str(number): 7 for number in range(EVENTS.partitions)}
SOME = {"0": 7, "3": 7}
TOLD = tuple(range(EVENTS.partitions))
STRICT = WhatIf.read({"override": [{"zone": "segment:1", "policy": {"tilt_deg": 5.0}}]})


def record(shadow: str = LIVE, what_if: WhatIf | None = None, hours: int = 0, **more: Any) -> TrialRecord:
    begun = ShadowBegun(shadow=shadow, detector="cover", version=CoverDetector.version, what_if=what_if or WhatIf())
    return TrialRecord(begun=begun, since=NOW + timedelta(hours=hours), **more)


def running(shadow: str = LIVE, **more: Any) -> TrialRecord:
    return record(shadow, begun_at=EVERYWHERE, told=TOLD, **more)


def over(shadow: str = LIVE, verdict: Verdict = Verdict.ENDED, **more: Any) -> TrialRecord:
    return running(shadow, verdict=verdict, until=NOW, over_at=EVERYWHERE, **more)


@pytest.mark.parametrize(
    ("one", "expected", "hint"),
    [
        (record(), Stage.BEGINNING, "not begun in partition 0, 1, 2, 3"),
        (record(begun_at=SOME), Stage.BEGINNING, "not begun in partition 1, 2, 4"),
        (record(begun_at=EVERYWHERE, told=(0, 1)), Stage.BEGINNING, "the registry in partition 2, 3"),
        (running(), Stage.RUNNING, None),
        (running(verdict=Verdict.PROMOTED, until=NOW), Stage.PROMOTING, f"eyes shadow promote {LIVE}"),
        (running(verdict=Verdict.ENDED, until=NOW, over_at=SOME), Stage.ENDING, f"eyes shadow end {LIVE}"),
        (over(verdict=Verdict.PROMOTED), Stage.PROMOTED, None),
        (over(), Stage.ENDED, None),
    ],
)
def test_a_stage_follows_from_what_was_acknowledged(one: TrialRecord, expected: Stage, hint: str | None) -> None:
    assert stage(one) is expected
    assert [hint in line for line in left_to_do(one) if hint] == [True] * bool(hint)
    assert decode(encode(CloudEvent("1", "/x", NOW, one))).data == one


def test_folded_in_counts_partitions_that_passed_the_newest_word() -> None:
    committed = {number: 8 if number < 5 else 7 for number in range(EVENTS.partitions)}
    (told,) = trials_as_json(Trials((running(),)), committed)
    assert (told["foldedIn"], told["stage"]) == (5, "running")


def test_the_first_of_two_that_began_at_one_moment_is_the_one() -> None:
    trials = Trials((record("first", hours=1), record("second")))
    assert trials.current is trials.records[0]


def test_a_name_is_used_once_and_made_where_none_is_given() -> None:
    trials = Trials((over(), over(f"{LIVE}-2"), over("mine")))
    assert intended(trials, CoverDetector(), WhatIf(), None).shadow == f"{LIVE}-3"
    assert intended(Trials(), CoverDetector(), WhatIf(), None).shadow == LIVE
    assert intended(trials, CoverDetector(), STRICT, "other").what_if == STRICT
    with pytest.raises(FatalError, match="there was a trial called 'mine'"):
        intended(trials, CoverDetector(), WhatIf(), "mine")


def test_one_trial_at_a_time_and_only_the_same_command_goes_on() -> None:
    half = Trials((record(what_if=STRICT, begun_at=SOME),))
    assert is_same(intended(half, CoverDetector(), STRICT, None), half.records[0].begun)
    assert is_same(intended(half, CoverDetector(), STRICT, LIVE), half.records[0].begun)
    for what_if, name in ((WhatIf(), None), (STRICT, "other")):
        with pytest.raises(FatalError, match="was not begun to the end"):
            intended(half, CoverDetector(), what_if, name)
    with pytest.raises(FatalError, match="is running already"):
        intended(Trials((running(),)), CoverDetector(), WhatIf(), None)
    with pytest.raises(FatalError, match="is running, and one trial at a time"):
        intended(Trials((running(),)), CoverDetector(), STRICT, None)


def test_the_policies_that_were_written_down_make_a_trial_another() -> None:
    nulled = WhatIf.read({"override": [{"zone": "segment:1", "policy": {"tilt_deg": 5.0, "grace_s": None}}]})
    assert not is_same(record(what_if=STRICT).begun, record(what_if=nulled).begun)
    assert policies(nulled) == ["grace_s = the default of its class, tilt_deg = 5.0 where zone = segment:1"]


def test_what_may_not_be_promoted_or_ended_says_why() -> None:
    half = Trials((running(verdict=Verdict.PROMOTED, until=NOW, over_at=SOME),))
    assert to_finish(half, LIVE, Verdict.PROMOTED) is half.records[0]
    with pytest.raises(FatalError, match=rf"promoted in 2 of 12 partitions.*eyes shadow promote {LIVE}"):
        to_finish(half, LIVE, Verdict.ENDED)
    with pytest.raises(FatalError, match="was ended at 2026-07-06 00:00:00 UTC already"):
        to_finish(Trials((over(),)), LIVE, Verdict.PROMOTED)
    begun = Trials((record(begun_at=SOME),))
    assert to_finish(begun, LIVE, Verdict.ENDED) is begun.records[0]
    with pytest.raises(FatalError, match="was not begun to the end"):
        to_finish(begun, LIVE, Verdict.PROMOTED)
    with pytest.raises(FatalError, match=f"no trial is called 'x'; there are: {LIVE}"):
        to_finish(begun, "x", Verdict.ENDED)


def test_by_which_trial_a_version_is_live() -> None:
    trials = Trials((over("late", Verdict.PROMOTED, hours=2), over("early", Verdict.PROMOTED), over("newest", hours=3)))
    promoted = trials.promoted("cover")
    assert promoted is not None
    assert promoted.shadow == "late"
    assert trials.promoted("leak") is None
    assert trials.named(None).begun.shadow == "newest"
