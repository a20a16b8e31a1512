"""A trial held against the live detector: what differs, and what its promotion would do. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from ops.replay.compare import Comparison, compare
from ops.replay.lives import Life, Step, lives, versions
from ops.shadow.said import Said
from schemas.model import to_ms
from schemas.shadow import TrialRecord


@dataclass(frozen=True)
class Diff:
    """What differs in a range of event time, in milliseconds."""

    record: TrialRecord
    begin_ms: int
    end_ms: int
    comparison: Comparison
    versions: dict[int, int]
    """Published steps in the range by the version that said them."""
    unreadable: int


def diff(record: TrialRecord, said: Said, begin_ms: int, end_ms: int) -> Diff:
    """Compare both sides in that part of the range in which there was a trial."""
    since_ms = to_ms(record.since)
    begin_ms = max(begin_ms, since_ms)
    if record.until is not None:  # what the live one goes on to say nobody could say any more
        end_ms = min(end_ms, to_ms(record.until))
        said = Said(_before(said.published, end_ms), _before(said.on_trial, end_ms), said.unreadable)
    comparison = compare(
        lives(said.published), lives(said.on_trial), begin_ms=begin_ms, end_ms=end_ms, heard_ms=since_ms
    )
    return Diff(record, begin_ms, end_ms, comparison, versions(said.published, begin_ms, end_ms), said.unreadable)


def _before(steps: Iterable[Step], end_ms: int) -> list[Step]:
    return [step for step in steps if step.at_ms < end_ms]


@dataclass(frozen=True)
class Succession:
    """What operators will see of a promotion, by what is open now."""

    adopted: tuple[Life, ...]
    """Go on under the ids they have."""
    cleared: tuple[Life, ...]
    """The one on trial does not find them."""
    raised: tuple[Life, ...]
    """Only the one on trial finds them."""


def succession(said: Said) -> Succession:
    """Match what is open as the folds do: by zone, kind and subject, of several the oldest first."""
    ours: dict[tuple[str, str, str], deque[Life]] = {}
    for life in sorted(_open(said.on_trial), key=_age):
        ours.setdefault(_matter(life), deque()).append(life)
    adopted, cleared = [], []
    for life in sorted(_open(said.published), key=_age):
        if same := ours.get(_matter(life)):
            same.popleft()
            adopted.append(life)
        else:
            cleared.append(life)
    raised = sorted((life for rest in ours.values() for life in rest), key=_age)
    return Succession(tuple(adopted), tuple(cleared), tuple(raised))


def _age(life: Life) -> tuple[int, UUID]:
    return life.since_ms, life.finding


def _open(steps: Iterable[Step]) -> list[Life]:
    return [life for life in lives(steps) if life.cleared_ms is None]


def _matter(life: Life) -> tuple[str, str, str]:
    return life.zone, life.kind, life.subject
