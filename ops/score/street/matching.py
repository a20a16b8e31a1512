"""Which finding is which matter. Pure; the rule stands in docs/street-score.md.

A finding may be a matter of the same kind and facility when it was raised between the matter's start and half an hour
after its end. Findings are taken in the order of their times and each is given the matter that ends first among those
that it may be and nobody has: for points and intervals that is a largest possible matching (earliest deadline first).
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from ops.simulate.city.truth import Truth
from schemas.anomaly import AnomalyKind

GRACE_MS: Final = 30 * 60_000
PER_SERIES: Final = frozenset(
    {
        AnomalyKind.DEVICE_STUCK,
        AnomalyKind.DEVICE_JUMP,
        AnomalyKind.DEVICE_DRIFT,
        AnomalyKind.PROPERTY_SILENT,
    }
)
"""What is said of every series of a device, while the matter is one of the device."""


class Found(NamedTuple):
    """A finding, when it was said; times in ms of the city's clock."""

    kind: AnomalyKind
    facility: str
    raised_ms: int
    id: str = ""


class Verdict(StrEnum):
    """What a finding was."""

    RIGHT = "right"
    FALSE = "false"
    NEAR_MISS = "near_miss"  # false, and planted to be so
    APART = "apart"  # of something that nobody could have been sure of
    ALSO = "also"  # a true statement about a matter of another kind
    AGAIN = "again"  # false: of a matter that somebody had found already


class Judged(NamedTuple):
    """A finding, what it was, and of which matter."""

    found: Found
    verdict: Verdict
    truth: Truth | None


@dataclass(slots=True)
class Matched:
    """All findings judged, and all that should have been found."""

    judged: list[Judged] = field(default_factory=list)
    missed: list[Truth] = field(default_factory=list)


Place = tuple[AnomalyKind, str]


def match(truths: Iterable[Truth], findings: Iterable[Found]) -> Matched:
    """Judge all findings; what the order of either was changes nothing."""
    truths = sorted(truths, key=lambda one: (one.start_ms, one.end_ms, one.id))
    at: dict[Place, list[Truth]] = defaultdict(list)
    aside: dict[Place, list[Truth]] = defaultdict(list)
    near: dict[Place, list[Truth]] = defaultdict(list)
    for truth in truths:
        where = near if truth.near_miss else aside if truth.apart or not truth.visible else at
        where[truth.kind, truth.facility].append(truth)
        for place in _also(truth):
            aside[place].append(truth)
    said: dict[Place, list[Found]] = defaultdict(list)
    for finding in findings:
        insort(said[finding.kind, finding.facility], finding, key=lambda one: (one.raised_ms, one.id))
    result = Matched()
    taken: set[str] = set()
    for place in sorted(said):
        for finding in said[place]:
            result.judged.append(_judge(finding, at[place], aside[place], near[place], taken))
    result.missed = [one for place in sorted(at) for one in at[place] if one.id not in taken]
    return result


def may_be(truth: Truth, raised_ms: int) -> bool:
    """Whether a finding of this time may be this matter."""
    return truth.start_ms <= raised_ms <= truth.end_ms + GRACE_MS


def _judge(
    finding: Found, wanted: Sequence[Truth], aside: Sequence[Truth], near: Sequence[Truth], taken: set[str]
) -> Judged:
    fitting = [one for one in wanted if may_be(one, finding.raised_ms)]
    free = [one for one in fitting if one.id not in taken]
    if free:
        truth = min(free, key=lambda one: (one.end_ms, one.id))
        taken.add(truth.id)
        return Judged(finding, Verdict.RIGHT, truth)
    for verdict, others in ((Verdict.APART, aside), (Verdict.NEAR_MISS, near)):
        truth_ = next((one for one in others if may_be(one, finding.raised_ms)), None)
        if truth_ is not None:
            also = verdict is Verdict.APART and (truth_.kind, truth_.facility) != (finding.kind, finding.facility)
            return Judged(finding, Verdict.ALSO if also else verdict, truth_)
    if fitting:
        return Judged(finding, Verdict.ALSO if finding.kind in PER_SERIES else Verdict.AGAIN, fitting[0])
    return Judged(finding, Verdict.FALSE, None)


def _also(truth: Truth) -> list[Place]:
    facilities = dict.fromkeys((truth.facility, *truth.also_on))
    return [
        (kind, facility)
        for kind in dict.fromkeys(truth.also)
        for facility in facilities
        if (kind, facility) != (truth.kind, truth.facility)
    ]
