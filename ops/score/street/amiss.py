"""What was falsely said and what was missed, one by one, with what else was the matter there (``--explain``)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ops.score.street.matching import Matched, Verdict
from ops.simulate.city.truth import Truth
from ops.simulate.model import HOUR_MS
from schemas.anomaly import Anomaly, Transition
from schemas.model import format_rfc3339, from_ms

WRONG: Final = (Verdict.FALSE, Verdict.NEAR_MISS, Verdict.AGAIN)
"""What counts as a false finding."""
MISSED: Final = "missed"
AROUND_MS: Final = 2 * HOUR_MS
"""What ended so long before, or began so long after, may have had to do with it."""


@dataclass(frozen=True, slots=True)
class Amiss:
    """A false finding, or a matter that was not found; times in ms of the city's clock."""

    what: str
    """A verdict, or that it was missed."""
    kind: str
    facility: str
    from_ms: int
    """When it was raised; of what was missed, when it began."""
    to_ms: int | None
    """When what was missed was over."""
    summary: str
    """The finding's own words; of what was missed, its size."""
    meanwhile: tuple[str, ...]
    """What the truth says of the facility at that time, as lines."""
    seed: int | None = None

    def of(self, seed: int) -> "Amiss":
        """The same, of a city of this seed."""
        return replace(self, seed=seed)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "seed": self.seed,
            "what": self.what,
            "kind": self.kind,
            "facility": self.facility,
            "from": format_rfc3339(from_ms(self.from_ms)),
            "to": None if self.to_ms is None else format_rfc3339(from_ms(self.to_ms)),
            "summary": self.summary,
            "meanwhile": list(self.meanwhile),
        }


def amiss(truths: Iterable[Truth], matched: Matched, findings: Iterable[Anomaly]) -> tuple[Amiss, ...]:
    """All false findings and all matters that were missed, in the order of their times."""
    there: dict[str, list[Truth]] = defaultdict(list)
    for truth in truths:
        for facility in dict.fromkeys((truth.facility, *truth.also_on)):
            there[facility].append(truth)
    words = {str(one.id): one.summary for one in findings if one.transition is Transition.RAISED}
    found: list[Amiss] = []
    for finding, verdict, _ in matched.judged:
        if verdict in WRONG:
            at_ms = finding.raised_ms
            around, said = _around(there, finding.facility, at_ms, at_ms), words.get(finding.id, "")
            found.append(
                Amiss(verdict.value, finding.kind.value, finding.facility, finding.raised_ms, None, said, around)
            )
    for truth in matched.missed:
        around = _around(there, truth.facility, truth.start_ms, truth.end_ms, truth)
        size = "" if truth.size is None else f"size {truth.size:.4g}{', near its threshold' * truth.near}"
        found.append(Amiss(MISSED, truth.kind.value, truth.facility, truth.start_ms, truth.end_ms, size, around))
    return tuple(sorted(found, key=lambda one: (one.from_ms, one.kind, one.facility)))


def _around(
    there: Mapping[str, list[Truth]], facility: str, from_ms_: int, to_ms: int, but: Truth | None = None
) -> tuple[str, ...]:
    near = [
        one
        for one in there.get(facility, ())
        if one is not but and one.start_ms - AROUND_MS <= to_ms and from_ms_ <= one.end_ms + AROUND_MS
    ]
    return tuple(_line(one) for one in sorted(near, key=lambda one: (one.start_ms, one.end_ms, one.kind.value)))


def _line(truth: Truth) -> str:
    """As ``bay_blocked 09:12:04-09:31:40 (near-miss)``, by the hours of the city's truth file, which are UTC."""
    marks = [
        name
        for name, holds in (("near-miss", truth.near_miss), ("apart", truth.apart), ("unseen", not truth.visible))
        if holds
    ]
    start, end = (f"{from_ms(one):%d. %H:%M:%S}" for one in (truth.start_ms, truth.end_ms))
    noted = f" ({', '.join(marks)})" if marks else ""
    return f"{truth.kind.value} {start} - {end}{noted}"
