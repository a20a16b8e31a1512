"""The figures of one city or of several together, and by which settings they came about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from ops.score.street.amiss import Amiss
from ops.score.street.drive import TICK_MS
from ops.score.street.expecting import Expecting
from ops.score.street.result import KindScore, false_alarms, rounded, summed
from schemas.anomaly import AnomalyKind
from schemas.rules import RULES

LEARN_DAYS: Final = next(one.default for one in RULES["novelty"].parameters if one.name == "learn_d")
"""Before, novelty says nothing of a series."""
_COUNTS: Final = ("messages", "events", "refused", "unregistered", "poison")


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for."""

    seeds: Sequence[int]
    facilities: int
    """Of each city, at least."""
    days: int = 2
    noise: float = 1.0
    families: Sequence[str] | None = None
    """None: all that there are."""
    tick_s: float = TICK_MS / 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a city that was lived through; ``counts`` are those of messages and events."""

    facilities: int
    days: int
    kinds: Mapping[AnomalyKind, KindScore]
    expecting: Expecting
    novelties: int
    """Findings of novelty. What they are is nowhere planted, so all are false."""
    cpu_s: float
    counts: Mapping[str, int]
    amiss: Sequence[Amiss] = ()
    """False findings and what was missed, one by one."""

    @property
    def false_alarms(self) -> float:
        """Per 1,000 facilities and day."""
        return false_alarms(self.kinds, self.facilities, self.days)

    @property
    def novelty_days(self) -> float:
        """Facilities times days on which novelty had learnt long enough to say anything."""
        return self.facilities * max(0.0, self.days - LEARN_DAYS)

    @property
    def novelties_per_1000(self) -> float | None:
        """Findings of novelty per 1,000 facilities and day; None where it never had learnt enough."""
        return 1000 * self.novelties / self.novelty_days if self.novelty_days else None

    def as_json(self) -> dict[str, Any]:
        """The result for programs."""
        return {
            "facilities": self.facilities,
            "days": self.days,
            "kinds": {kind.value: one.as_json() for kind, one in self.kinds.items()},
            "false_alarms_per_1000_facilities_per_day": round(self.false_alarms, 4),
            "novelty": {
                "findings": self.novelties,
                "facility_days": round(self.novelty_days, 1),
                "per_1000_facilities_per_day": rounded(self.novelties_per_1000),
            },
            "expected": self.expecting.as_json(),
            **{name: self.counts[name] for name in _COUNTS},
            "cpu_s": round(self.cpu_s, 3),
            "cpu_s_per_million_events": round(self.cpu_s_per_million, 2),
        }

    @property
    def cpu_s_per_million(self) -> float:
        """Of the composed fold."""
        return self.cpu_s / max(1, self.counts["events"]) * 1e6


def total(cities: Sequence[Figures]) -> Figures:
    """The figures of cities of equal length as if they were one: truths and delays are put together.

    Raises:
        ValueError: there is none, or they did not last equally long.
    """
    days = {one.days for one in cities}
    if len(days) != 1:
        raise ValueError(f"{len(cities)} cities, of {sorted(days)} days")
    counts = Counter[str]()
    for one in cities:
        counts.update(one.counts)
    return Figures(
        sum(one.facilities for one in cities),
        days.pop(),
        summed([one.kinds for one in cities]),
        Expecting(
            sum(one.expecting.within for one in cities),
            sum(one.expecting.marked for one in cities),
            sum(one.expecting.wrongly for one in cities),
        ),
        sum(one.novelties for one in cities),
        sum(one.cpu_s for one in cities),
        counts,
        [odd for one in cities for odd in one.amiss],
    )


def as_json(figures: Figures, settings: Settings, *, explain: bool = False) -> dict[str, Any]:
    """Both, for programs; with ``explain`` also what was false and what was missed."""
    odd = {"amiss": [one.as_json() for one in figures.amiss]} if explain else {}
    return {"settings": asdict(settings), **figures.as_json(), **odd}
