"""What one detector has open in one zone, kept by the engine so that a successor can take it over."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from schemas.anomaly import Anomaly, Transition

SUPERSEDED: Final = "superseded"
WORKS_OVER: Final = "works are over"


class OpeningsState(msgspec.Struct, frozen=True, array_like=True):
    """In a snapshot."""

    raised: list[bytes]  # as JSON, in the order of the ids
    known_as: dict[str, str]


class Openings:
    """Findings that were raised and not cleared, and the ids under which the world knows them.

    A successor names what it finds by its own causes. What it took over keeps the id under which it was raised.
    """

    __slots__ = ("_known_as", "_raised")

    def __init__(self, state: OpeningsState | None = None) -> None:
        """Begin with nothing open, or with what :attr:`state` gave."""
        raised = [Anomaly.model_validate_json(one) for one in state.raised] if state else []
        self._raised = {one.id: one for one in raised}  # by the detector's own id
        self._known_as = {UUID(own): UUID(known) for own, known in state.known_as.items()} if state else {}

    @property
    def state(self) -> OpeningsState | None:
        """For a snapshot: equal for equal knowledge; None where nothing is open."""
        if not self._raised:
            return None
        raised = [self._raised[own].model_dump_json().encode() for own in sorted(self._raised)]
        return OpeningsState(raised, {str(own): str(known) for own, known in self._known_as.items()})

    def as_known(self) -> list[Anomaly]:
        """What is open, as the world was told when it was raised, at the time of its newest step."""
        return [one.model_copy(update={"id": self._known_as.get(own, own)}) for own, one in self._raised.items()]

    def said(self, finding: Anomaly) -> Anomaly:
        """Take note of a step; gives it as the world is told."""
        own = finding.id
        known = self._known_as.get(own, own)
        before = self._raised.get(own)
        if finding.transition is not Transition.RAISED and before is not None:
            # Steps never go back in time: that works are over was said at their end, whatever was heard by then.
            finding = finding.model_copy(update={"expected": before.expected, "at": max(before.at, finding.at)})
        match finding.transition:
            case Transition.RAISED:
                self._raised[own] = finding
            case Transition.CLEARED:
                self._raised.pop(own, None)
                self._known_as.pop(own, None)
            case Transition.UPDATED if before is not None and before.expected:
                self._raised[own] = finding.model_copy(update={"transition": Transition.RAISED})
            case Transition.UPDATED if before is not None:
                self._raised[own] = before.model_copy(update={"at": finding.at})
            case Transition.UPDATED:
                pass  # of something that was not raised: not ours to mend
        return finding if known == own else finding.model_copy(update={"id": known})

    @property
    def expected(self) -> list[Anomaly]:
        """What is open and explained by works, by the detector's own ids and in their order."""
        return [self._raised[own] for own in sorted(self._raised) if self._raised[own].expected]

    def unexplained(self, finding: Anomaly, at: datetime, works: str | None) -> Anomaly:
        """A step of one of :attr:`expected`: since then its works explain it no longer, but others may; as told."""
        now = finding.model_copy(update={"expected": works, "at": max(finding.at, at)})
        self._raised[finding.id] = now
        return now.model_copy(
            update={
                "id": self._known_as.get(finding.id, finding.id),
                "transition": Transition.UPDATED,
                "arrival_time": None,
                "evidence": (),
                "reason": f"{finding.expected}: {WORKS_OVER}",
            }
        )

    def succeed(self, old: "Openings", steps: "Steps") -> Iterator[Anomaly]:
        """Take the place of ``old``: gives what the world must be told, so that it knows just what is open here.

        What both have open of one kind and subject is one matter: it goes on under the id it was raised with. Where
        there are several of a kind and subject, the oldest are the same.
        """
        ours: dict[tuple[str, str], deque[Anomaly]] = {}
        for one in sorted(self._raised.values(), key=_age):
            ours.setdefault((one.kind, one.subject), deque()).append(one)
        for before in sorted(old.as_known(), key=_age):
            matters = ours.get((before.kind, before.subject))
            if not matters:
                yield steps.superseded(before)
            elif (now := matters.popleft()).id != before.id:
                self._known_as[now.id] = before.id
        for now in sorted((one for rest in ours.values() for one in rest), key=_age):
            yield steps.raised(now)


def _age(finding: Anomaly) -> tuple[datetime, UUID]:
    return finding.since, finding.id


class Steps:
    """How the two steps read that a succession makes."""

    def __init__(self, version: int, at: datetime) -> None:
        """``at``: the time of the log. Steps of one finding never go back in time: readers keep the newest."""
        self._version = version
        self._at = at

    def superseded(self, before: Anomaly) -> Anomaly:
        """A finding of the old version that the new one does not make."""
        return before.model_copy(
            update={
                "transition": Transition.CLEARED,
                "at": max(self._at, before.at),  # a reading may be ahead of the newest tick
                "arrival_time": None,
                "summary": f"Version {self._version} of {before.detector} does not find this: {before.summary}"[:512],
                "numbers": {},
                "evidence": (),
                "reason": SUPERSEDED,
                "detector_version": self._version,
            }
        )

    @staticmethod
    def raised(now: Anomaly) -> Anomaly:
        """A finding of the new version that the world has not heard of, at the time at which it was found on trial.

        Not now: what a late reading clears next would stand before its beginning.
        """
        return now.model_copy(update={"arrival_time": None})
