"""One run: a city, what was found in it, and how that compares with the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.score.street.drive import TICK_MS, Driven, Driver, Report
from ops.score.street.expecting import Expecting, expecting
from ops.score.street.matching import Matched, match
from ops.score.street.result import KindScore, false_alarms, kinds_of, scored
from ops.simulate.city.city import City
from ops.simulate.city.truth import Truth
from processors import correlators
from processors.detectors import ALL
from processors.engine.contract import Detector
from schemas.anomaly import AnomalyKind


@dataclass(frozen=True, slots=True)
class StreetScore:
    """All figures of a run."""

    city: City
    driven: Driven
    truths: list[Truth]
    matched: Matched
    kinds: Mapping[AnomalyKind, KindScore]
    expecting: Expecting

    @property
    def false_alarms(self) -> float:
        """Per 1,000 facilities and day."""
        return false_alarms(self.kinds, len(self.city.facilities), self.city.days)

    def as_json(self) -> dict[str, Any]:
        """The result for programs."""
        city, driven = self.city, self.driven
        return {
            "seed": city.seed,
            "facilities": len(city.facilities),
            "days": city.days,
            "noise": city.noise,
            "kinds": {kind.value: one.as_json() for kind, one in self.kinds.items()},
            "false_alarms_per_1000_facilities_per_day": round(self.false_alarms, 4),
            "expected": self.expecting.as_json(),
            "messages": driven.messages,
            "events": driven.events,
            "cpu_s": round(driven.cpu_s, 3),
            "cpu_s_per_million_events": round(driven.cpu_s / max(1, driven.events) * 1e6, 2),
            "refused": driven.refused,
            "unregistered": driven.unknown,
            "poison": driven.poison,
        }


def score_city(
    city: City, report: Report | None = None, detectors: Sequence[Detector[Any]] = ALL, tick_ms: int = TICK_MS
) -> StreetScore:
    """Drive a city through ingest and detectors and hold what they say against the truth."""
    driven = Driver(city, detectors, tick_ms).run(report)
    truths = list(city.truth())
    matched = match(truths, driven.found)
    kinds = scored(truths, matched, kinds_of((*detectors, *correlators.ALL)))
    known_ms = {one.id: one.raised_ms for one in driven.found}
    marks = expecting(city.works, driven.findings, known_ms)
    return StreetScore(city, driven, truths, matched, kinds, marks)
