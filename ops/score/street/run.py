"""One run: a city, what was found in it, and how that compares with the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.score.street.amiss import amiss
from ops.score.street.drive import TICK_MS, Driven, Driver, Report
from ops.score.street.expecting import Expecting, expecting
from ops.score.street.matching import Matched, match
from ops.score.street.result import KindScore, kinds_of, scored
from ops.score.street.total import Figures, Settings, total
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
    def figures(self) -> Figures:
        """What is left when the city is forgotten."""
        driven = self.driven
        counts = {
            "messages": driven.messages,
            "events": driven.events,
            "refused": driven.refused,
            "unregistered": driven.unknown,
            "poison": driven.poison,
        }
        novelties = sum(one.kind is AnomalyKind.NOVELTY for one in driven.found)
        facilities, days = len(self.city.facilities), self.city.days
        odd = tuple(one.of(self.city.seed) for one in amiss(self.truths, self.matched, driven.findings))
        return Figures(facilities, days, self.kinds, self.expecting, novelties, driven.cpu_s, counts, odd)


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


def score(settings: Settings, report: Report | None = None) -> Figures:
    """One city after the other, by as many seeds, and what comes of all of them."""
    families = None if settings.families is None else frozenset(settings.families)
    cities: list[Figures] = []
    for number, seed in enumerate(settings.seeds, 1):
        city = City(seed, settings.facilities, settings.days, settings.noise, only=families)
        where = "" if len(settings.seeds) == 1 else f"seed {seed}, {number} of {len(settings.seeds)}: "
        said = None if report is None else lambda line, tell=report, where=where: tell(f"{where}{line}")
        cities.append(score_city(city, said, tick_ms=round(settings.tick_s * 1000)).figures)
    return total(cities)
