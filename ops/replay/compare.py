"""Findings that were published against findings of a replay: gained, lost, earlier, later. Pure."""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ops.replay.lives import Life
from schemas.anomaly import AnomalyKind


class Change(StrEnum):
    """How a finding differs; one may differ in several ways."""

    GAINED = "gained"
    LOST = "lost"
    EARLIER = "earlier"
    LATER = "later"
    KIND = "other kind"
    SEVERITY = "other severity"
    ENDED = "ended otherwise"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which one finding differs: ``before`` as it was published, ``after`` as the replay has it."""

    change: Change
    before: Life | None
    after: Life | None

    @property
    def life(self) -> Life:
        """As it was published, or as it would be new."""
        life = self.before or self.after
        assert life is not None, "a difference is one of something"
        return life

    @property
    def by_ms(self) -> int:
        """How much later it is raised (earlier: below 0); 0 where there is but one of the two."""
        return 0 if self.before is None or self.after is None else self.after.raised_ms - self.before.raised_ms


@dataclass(slots=True)
class Row:
    """The figures of one kind of finding, under the kind that was published where both sides have one."""

    published: int = 0
    replayed: int = 0
    same: int = 0
    changes: dict[Change, int] = field(default_factory=lambda: dict.fromkeys(Change, 0))
    earlier_ms: list[int] = field(default_factory=list)
    later_ms: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs, by kind and finding by finding in the order of time."""

    rows: dict[AnomalyKind, Row]
    differences: tuple[Difference, ...]
    undecided: int
    """Findings of the replay whose causes the folds had not committed yet: whether they are new nobody can say."""
    older: int = 0
    """Findings that were published before ``heard_ms``, which nobody can hold against the other side."""


Pair = tuple[Life | None, Life | None]


def compare(
    published: Sequence[Life],
    replayed: Sequence[Life],
    *,
    begin_ms: int | None = None,
    end_ms: int | None = None,
    heard_ms: int | None = None,
) -> Comparison:
    """Hold the findings of one detector against each other.

    A finding is the same one if its id is; else if kind, zone and subject are and there was a moment of both, for the
    id moves with the cause that opened it; else if zone and subject are and there was such a moment: then it is of
    another kind.

    Args:
        published: everything that was published.
        replayed: everything that the replay says.
        begin_ms: only findings of which either side said something from then on.
        end_ms: ... and before then.
        heard_ms: only from then on the other side heard what there was to hear: what was published earlier is not
            compared.
    """

    def within(pair: Pair) -> bool:
        return any(
            (begin_ms is None or at_ms >= begin_ms) and (end_ms is None or at_ms < end_ms)
            for life in pair
            if life is not None
            for at_ms in life.said_ms
        )

    rows: dict[AnomalyKind, Row] = {}
    differences: list[Difference] = []
    undecided = older = 0
    for before, after in filter(within, _pairs(published, replayed)):
        if before is not None and heard_ms is not None and before.raised_ms < heard_ms:
            older += 1
            continue
        if before is None and after is not None and not after.settled:
            undecided += 1
            continue
        found = [Difference(change, before, after) for change in _changes(before, after)]
        _count(rows, before, after, found)
        differences += found
    differences.sort(key=lambda one: (one.life.raised_ms, one.life.zone, one.life.subject, str(one.life.finding)))
    return Comparison(dict(sorted(rows.items())), tuple(differences), undecided, older)


def _pairs(published: Sequence[Life], replayed: Sequence[Life]) -> Iterator[Pair]:
    """Each finding once, beside the one that is the same on the other side, if any."""
    by_id = {life.finding: life for life in replayed}
    twins = {life.finding: by_id[life.finding] for life in published if life.finding in by_id}
    left = [life for life in published if life.finding not in twins]
    right = [life for life in replayed if life.finding not in twins]
    for key in (_same_kind, _same_subject):
        for before, after in _nearest(left, right, key):
            twins[before.finding] = after
        taken = {life.finding for life in twins.values()}
        left = [life for life in left if life.finding not in twins]
        right = [life for life in right if life.finding not in taken]
    yield from ((life, twins.get(life.finding)) for life in published)
    yield from ((None, life) for life in right)


def _same_kind(life: Life) -> tuple[str, ...]:
    return (life.zone, life.subject, life.kind)


def _same_subject(life: Life) -> tuple[str, ...]:
    return (life.zone, life.subject)


def _nearest(
    left: Iterable[Life], right: Iterable[Life], key: Callable[[Life], tuple[str, ...]]
) -> Iterator[tuple[Life, Life]]:
    """Pairs of one key that overlap in time, each life in one at most, those raised nearest to each other first."""
    others: dict[tuple[str, ...], list[Life]] = {}
    for life in right:
        others.setdefault(key(life), []).append(life)
    candidates = [(one, other) for one in left for other in others.get(key(one), ()) if one.overlaps(other)]
    candidates.sort(key=_apart)
    taken = set()
    for one, other in candidates:
        if one.finding not in taken and other.finding not in taken:
            taken |= {one.finding, other.finding}
            yield one, other


def _apart(pair: tuple[Life, Life]) -> tuple[int, int, list[str]]:
    """How far from each other they are raised; the same whichever of the two was published."""
    one, other = pair
    ids = sorted((str(one.finding), str(other.finding)))
    return abs(one.raised_ms - other.raised_ms), min(one.raised_ms, other.raised_ms), ids


def _changes(before: Life | None, after: Life | None) -> Iterator[Change]:
    if before is None:
        yield Change.GAINED
    elif after is None:
        yield Change.LOST
    else:
        if after.kind is not before.kind:
            yield Change.KIND
        elif after.severity is not before.severity:  # another kind has a severity of its own
            yield Change.SEVERITY
        if after.raised_ms != before.raised_ms:
            yield Change.EARLIER if after.raised_ms < before.raised_ms else Change.LATER
        if after.cleared_ms != before.cleared_ms and (after.end_settled or before.cleared_ms is not None):
            yield Change.ENDED


def _count(rows: dict[AnomalyKind, Row], before: Life | None, after: Life | None, found: Iterable[Difference]) -> None:
    life = before or after
    assert life is not None, "a pair is one of something"
    row = rows.setdefault(life.kind, Row())
    row.published += before is not None
    row.replayed += after is not None
    row.same += not found
    for difference in found:
        row.changes[difference.change] += 1
        if difference.change is Change.EARLIER:
            row.earlier_ms.append(-difference.by_ms)
        elif difference.change is Change.LATER:
            row.later_ms.append(difference.by_ms)


def median_ms(lengths: Sequence[int]) -> int:
    """The middle one, or what lies between the middle two."""
    return round(statistics.median(lengths))


def p95_ms(lengths: Sequence[int]) -> int:
    """The smallest that at least 95 of 100 do not exceed."""
    return sorted(lengths)[math.ceil(len(lengths) * 0.95) - 1]
