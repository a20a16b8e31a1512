"""What was said of findings, step by step, and the life that the steps of one finding make. Pure."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.model import to_ms


class Step(msgspec.Struct, frozen=True):
    """One step of a finding: raised, updated or cleared."""

    finding: UUID
    transition: Transition
    kind: AnomalyKind
    severity: Severity
    zone: str
    subject: str
    since_ms: int
    at_ms: int
    summary: str
    version: int
    settled: bool = True
    """Whether the folds had committed its cause, so that it would have been published had they said it too."""

    @classmethod
    def of(cls, anomaly: Anomaly, *, settled: bool = True) -> "Step":
        """What is compared of an event."""
        return cls(
            finding=anomaly.id,
            transition=anomaly.transition,
            kind=anomaly.kind,
            severity=anomaly.severity,
            zone=anomaly.zone,
            subject=anomaly.subject,
            since_ms=to_ms(anomaly.since),
            at_ms=to_ms(anomaly.at),
            summary=anomaly.summary,
            version=anomaly.detector_version,
            settled=settled,
        )


class Life(msgspec.Struct, frozen=True):
    """A finding from its first step to its last; all times are event time in milliseconds."""

    finding: UUID
    kind: AnomalyKind
    severity: Severity
    """The last that was said."""
    zone: str
    subject: str
    since_ms: int
    raised_ms: int
    cleared_ms: int | None
    summary: str
    """Of its first step."""
    said_ms: tuple[int, ...]
    """When something was said of it."""
    settled: bool
    """Of its first step; see :class:`Step`."""
    end_settled: bool
    """Of its last."""

    @property
    def begins_ms(self) -> int:
        """When the matter began."""
        return min(self.since_ms, self.raised_ms)

    def overlaps(self, other: "Life") -> bool:
        """Whether there was a moment of both."""
        return not (_before(self.cleared_ms, other.begins_ms) or _before(other.cleared_ms, self.begins_ms))


def _before(end_ms: int | None, begin_ms: int) -> bool:
    return end_ms is not None and end_ms < begin_ms


def lives(steps: Iterable[Step]) -> list[Life]:
    """The findings in the order of their first steps; steps that stand there twice count once."""
    by_finding: dict[UUID, list[Step]] = {}
    for step in steps:
        by_finding.setdefault(step.finding, []).append(step)
    return [_life(said) for said in by_finding.values()]


def _life(said: list[Step]) -> Life:
    first, last = said[0], said[-1]
    return Life(
        finding=first.finding,
        kind=first.kind,
        severity=last.severity,
        zone=first.zone,
        subject=first.subject,
        since_ms=first.since_ms,
        raised_ms=first.at_ms,
        cleared_ms=last.at_ms if last.transition is Transition.CLEARED else None,
        summary=first.summary,
        said_ms=tuple(sorted({step.at_ms for step in said})),
        settled=first.settled,
        end_settled=last.settled,
    )


def versions(steps: Iterable[Step], begin_ms: int | None, end_ms: int | None) -> dict[int, int]:
    """How many steps in the range each version said."""
    counts: dict[int, int] = {}
    for step in steps:
        if (begin_ms or 0) <= step.at_ms and (end_ms is None or step.at_ms < end_ms):
            counts[step.version] = counts.get(step.version, 0) + 1
    return dict(sorted(counts.items()))
