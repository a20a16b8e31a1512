"""Findings made by hand, a sentence each."""

from typing import Any
from uuid import UUID

from ops.replay.lives import Life, Step, lives
from schemas.anomaly import AnomalyKind, Severity, Transition
from schemas.identity import event_id

MIN = 60_000
OPEN, TILTED = AnomalyKind.COVER_OPEN, AnomalyKind.COVER_TILTED


def step(at_ms: int, transition: Transition = Transition.RAISED, *, cause: str = "x", **other: Any) -> Step:
    """Said at that time of the one cover of a street; ``cause`` makes the id."""
    said: dict[str, Any] = {
        "finding": event_id(cause),
        "transition": transition,
        "kind": TILTED,
        "severity": Severity.MAJOR,
        "zone": "segment:1",
        "subject": "c-1",
        "since_ms": at_ms,
        "at_ms": at_ms,
        "summary": "Cover c-1 tilted 17 deg",
        "version": 1,
    }
    return Step(**said | other)


def life(raised_ms: int, cleared_ms: int | None = None, *, cause: str = "x", **other: Any) -> Life:
    """Raised at one time and cleared at another."""
    steps = [step(raised_ms, cause=cause, **other)]
    if cleared_ms is not None:
        steps.append(step(cleared_ms, Transition.CLEARED, cause=cause, **other))
    (made,) = lives(steps)
    return made


def ids(*causes: str) -> list[UUID]:
    return [event_id(cause) for cause in causes]
