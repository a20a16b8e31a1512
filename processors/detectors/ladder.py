"""Of several kinds that are degrees of one matter, one finding is open: the gravest."""

from typing import NamedTuple

from processors.detectors.common import Evidence, Opened, Opening, Site, Step, Turn
from schemas.anomaly import AnomalyKind


class Matter(NamedTuple):
    """What is the case now."""

    kind: AnomalyKind
    cause: Evidence
    """The sample that began it."""
    summary: str


class Moment(NamedTuple):
    """Why it is looked at now."""

    at_ms: int
    numbers: dict[str, float]
    trigger: Evidence | None = None
    """The sample that decided; None: time or a rule did."""
    reason: str | None = None


def step_to(
    opened: Opened | None, matter: Matter | None, calm: str, site: Site, now: Moment, turn: Turn
) -> Opened | None:
    """Say what changed; gives what is open now.

    Args:
        opened: what was open.
        matter: what is the case; None: nothing.
        calm: said when nothing is.
        site: where.
        now: the evidence.
        turn: the call in which it is said.
    """
    if (None if opened is None else opened.kind) is (None if matter is None else matter.kind):
        return opened
    evidence = () if now.trigger is None else (now.trigger,)
    if opened is not None:
        summary = calm if matter is None else matter.summary
        reason = now.reason or (None if matter is None else f"became {matter.kind.value}")
        turn.clears(opened, Step(now.at_ms, summary, now.numbers, evidence, reason, now.trigger is None))
    if matter is None:
        return None
    if now.trigger != matter.cause:
        evidence = (matter.cause, *evidence)
    # What remains of a graver matter may have had a finding of its own before: a second one needs another id.
    cause: object = matter.cause.id if opened is None else f"{matter.cause.id} after {opened.id}"
    opening = Opening(site.facility, site, cause, matter.cause.time_ms)
    return turn.raises(
        matter.kind, opening, Step(now.at_ms, matter.summary, now.numbers, evidence, by_time=now.trigger is None)
    )
