"""The constants of the novelty detector: one set for every series, frozen after it was chosen (docs/decisions/0027)."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Tuning:
    """How fast what is learnt, and what counts as unheard of. Spans are in readings, rates in shares per reading."""

    spike_span: float = 16.0  # readings that make the level a spike stands out from
    level_span: float = 336.0  # readings that make the level a shift stands out from
    drift_span: float = 36.0  # readings over which a departure from the season must last
    roughness_span: float = 24.0  # readings over which changes from reading to reading are averaged
    slow_rate: float = 1.0 / 800.0  # of the overall level and of the usual sizes of things
    season_rate: float = 0.025  # of an hour's level, once it was seen often
    hour_readings: int = 12  # readings of an hour of the day before that hour has a level of its own
    week_readings: int = 5  # the same of an hour of the week; where many fall into an hour, in its first week already
    spread_share: float = (
        1.0 / 3.0
    )  # of the overall spread, added to an hour's own: no hour is judged by its calm alone
    roughness_floor: float = 0.05  # of the usual roughness: silence is quiet, not infinitely quiet
    hour_drift_weight: float = 0.3  # of every other aspect's 1
    roughness_weight: float = 0.5
    forget: float = 5e-5  # what an envelope shrinks by per reading: records are outlived after some 20,000 readings
    begin: int = 20  # readings before envelopes are drawn
    judge: int = 31  # readings before anything is judged by them
    age_power: float = 0.3  # a record among n readings is the less expected the more they are
    age_unit: float = 1_000.0  # readings at which age neither adds nor takes
    unheard: float = 0.08  # surprise that makes a score of one half: a record beaten by 8 % of all that was ever seen
    rest: int = 36  # readings after an alarm in which nothing new is said

    rates: tuple[float, ...] = field(init=False, repr=False, compare=False)
    """Shares per reading of the levels for spike, level, drift and roughness, and of the slow one."""
    grown: float = field(init=False, repr=False, compare=False)
    """Readings after which none of these levels is a mean of all so far any more."""
    steady: float = field(init=False, repr=False, compare=False)
    """The same of an hour's level, in readings of the hour."""

    def __post_init__(self) -> None:
        """Work out once what every reading needs."""
        spans = (self.spike_span, self.level_span, self.drift_span, self.roughness_span)
        object.__setattr__(self, "rates", (*(1.0 / one for one in spans), self.slow_rate))
        object.__setattr__(self, "grown", max(*spans, 1.0 / self.slow_rate))
        object.__setattr__(self, "steady", 1.0 / self.season_rate)

    def rates_of(self, count: int) -> tuple[float, ...]:
        """:attr:`rates` after so many readings: a mean of all so far, as long as that forgets faster."""
        young = 1.0 / (count + 1)
        return tuple(max(rate, young) for rate in self.rates)


FROZEN: Final = Tuning()
"""What the detector runs with."""
