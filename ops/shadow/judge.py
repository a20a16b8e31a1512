"""A trial held against the live detector: what differs, and what its promotion would do. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

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
    """Match what is open as the folds do: by zone, kind and subject."""
    ours = {_matter(life): life for life in _open(said.on_trial)}
    theirs = {_matter(life): life for life in _open(said.published)}
    return Succession(
        adopted=tuple(life for matter, life in theirs.items() if matter in ours),
        cleared=tuple(life for matter, life in theirs.items() if matter not in ours),
        raised=tuple(life for matter, life in ours.items() if matter not in theirs),
    )


def _open(steps: Iterable[Step]) -> list[Life]:
    return [life for life in lives(steps) if life.cleared_ms is None]


def _matter(life: Life) -> tuple[str, str, str]:
    return life.zone, life.kind, life.subject
