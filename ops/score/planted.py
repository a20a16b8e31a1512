"""``python -m ops.score.planted``: what novelty finds of deviations planted in a simulated city.

The city is lived through once, through the ears of ingest, and the readings of every series that novelty watches are
kept. Then each series is folded by itself: four weeks as they were, and from then on for two days with something added,
either at once or rising slowly, of so many times what its readings usually depart from the usual of that hour.
"""

import argparse
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ops.score.street.drive import LATENESS_MS, Driver, Report
from ops.simulate.city.city import City
from ops.simulate.model import DAY_MS, HOUR_MS
from processors.detectors.novelty import NoveltyDetector
from processors.detectors.novelty_state import State
from processors.engine.contract import Clock, Outcome, Reading, ZoneEvent
from processors.novelty import expected
from schemas.anomaly import Anomaly, AnomalyKind, Transition
from schemas.model import to_ms

FAMILIES: Final = frozenset({"lamp", "cover", "gas", "air"})
"""Those that have series without a rule; a test sees to it that no other has."""
LEARNT_D: Final = 28
LASTS_D: Final = 2
DAYS: Final = LEARNT_D + LASTS_D + 1
TIMES: Final = (4.0, 8.0, 16.0)
TICK_MS: Final = 60_000
OVER_MS: Final = HOUR_MS // 2
"""Found so long after it was over is still found, as in the score of the street."""


class Listener(NoveltyDetector):
    """The detector itself, which also keeps what it heard of the series that it watches."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Reading]] = defaultdict(list)
        self.registry: dict[str, list[ZoneEvent]] = defaultdict(list)

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """As ever, with an ear of its own."""
        outcome = super().fold(state, events, clock)
        for event in events:
            if not isinstance(event, Reading):
                self.registry[state.zone].append(event)
            elif (key := _key(event)) in state.tracked:
                self.heard[key].append(event)
        return outcome


@dataclass(slots=True)
class Planted:
    """What became of one way of planting."""

    series: int = 0
    delays_h: list[float] = field(default_factory=list)
    """Of those that were found."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of one city: how much of it novelty watches, and what it found; by whether it rose slowly, and how far."""

    seed: int
    facilities: int
    watched: Counter[str]
    """Series, by what they measure on which class."""
    planted: dict[tuple[bool, float], Planted]


def listen(city: City, report: Report | None = None) -> Listener:
    """Live through a city and keep what novelty hears."""
    listener = Listener()
    Driver(city, [listener], TICK_MS).run(report)
    return listener


def tell(seed: int, facilities: int, report: Report | None = None, days: int = DAYS) -> Told:
    """Plant in every series of a city that was heard long enough.

    Args:
        seed: of the city.
        facilities: at least so many, of all families; those without such series are not made.
        report: told every hour of the city how far it is.
        days: of the city; what is planted begins ``LASTS_D`` + 1 days before its end.
    """
    city = City(seed, facilities, days, only=FAMILIES)
    listener = listen(city, report)
    watched = Counter(_sort(readings[0]) for readings in listener.heard.values())
    planted: dict[tuple[bool, float], Planted] = defaultdict(Planted)
    for number, (_, readings) in enumerate(sorted(listener.heard.items())):
        begin_ms = city.end_ms - (LASTS_D + 1) * DAY_MS + number % 24 * HOUR_MS
        sign = 1.0 if number % 2 else -1.0
        for how, delay_h in plant(readings, listener.registry[readings[0].series.zone], begin_ms, sign):
            planted[how].series += 1
            if delay_h is not None:
                planted[how].delays_h.append(delay_h)
    return Told(seed, facilities, watched, dict(planted))


def plant(
    readings: Sequence[Reading], registry: Sequence[ZoneEvent], begin_ms: int, sign: float
) -> Iterator[tuple[tuple[bool, float], float | None]]:
    """Each way of planting in one series, and after how many hours it was found; None: it was not."""
    detector = NoveltyDetector()
    before = [one for one in readings if one.time_ms < begin_ms]
    after = [one for one in readings if begin_ms <= one.time_ms < begin_ms + LASTS_D * DAY_MS + OVER_MS]
    state = detector.initial(readings[0].series.zone)
    detector.fold(state, [*registry, *before], _clock(begin_ms))
    known = state.tracked.get(_key(readings[0]))
    if known is None or not after:
        return
    known.suspicion = known.finding = None
    usual = expected(known.model)[1]
    learnt = detector.snapshot(state)
    for slowly in (False, True):
        for times in TIMES:
            changed = [_moved(one, begin_ms, sign * times * usual, slowly=slowly) for one in after]
            again = detector.restore(readings[0].series.zone, learnt)
            outputs = detector.fold(again, changed, _clock(begin_ms)).outputs
            yield (slowly, times), _delay_h(outputs, begin_ms)


def _moved(reading: Reading, begin_ms: int, by: float, *, slowly: bool) -> Reading:
    share = (reading.time_ms - begin_ms) / (LASTS_D * DAY_MS)
    if share >= 1.0:
        return reading
    return reading._replace(value=reading.value + by * (share if slowly else 1.0))


def _delay_h(outputs: Iterable[Any], begin_ms: int) -> float | None:
    for one in outputs:
        if isinstance(one, Anomaly) and one.kind is AnomalyKind.NOVELTY and one.transition is Transition.RAISED:
            return (to_ms(one.at) - begin_ms) / HOUR_MS
    return None


def _clock(now_ms: int) -> Clock:
    return Clock(now_ms + LATENESS_MS, {})


def _key(reading: Reading) -> str:
    return f"{reading.series.device} {reading.series.observed_property}"


def _sort(reading: Reading) -> str:
    return f"{reading.series.observed_property} of {reading.series.facility_class.value}"


def lines(told: Sequence[Told]) -> Iterator[str]:
    """The tables of the page, in Markdown."""
    yield "| series watched | " + " | ".join(f"seed {one.seed}" for one in told) + " |"
    yield "| --- |" + " --: |" * len(told)
    for what in sorted({name for one in told for name in one.watched}):
        yield f"| {what} | " + " | ".join(str(one.watched[what]) for one in told) + " |"
    yield f"| all, of {told[0].facilities} facilities | " + " | ".join(str(one.watched.total()) for one in told) + " |"
    yield ""
    yield "| planted | " + " | ".join(f"seed {one.seed}: found | median delay (h)" for one in told) + " |"
    yield "| --- |" + " --: | --: |" * len(told)
    for slowly in (False, True):
        for times in TIMES:
            name = f"{'risen slowly to' if slowly else 'at once'} {times:g} times the usual departure"
            cells = [_cells(one.planted.get((slowly, times), Planted())) for one in told]
            yield f"| {name} | " + " | ".join(cells) + " |"


def _cells(planted: Planted) -> str:
    median = f"{statistics.median(planted.delays_h):.1f}" if planted.delays_h else ""
    return f"{len(planted.delays_h)} of {planted.series} | {median}"


def main(arguments: Sequence[str]) -> int:
    """Print the tables; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.score.planted", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, nargs="+", default=[5, 7], help="of each city")
    parser.add_argument("--facilities", type=int, default=100, help="of each city, in streets of 100")
    asked = parser.parse_args(arguments)
    report = (lambda line: print(f"\r{line}  ", end="", file=sys.stderr)) if sys.stderr.isatty() else None
    told = [tell(seed, asked.facilities, report) for seed in asked.seed]
    print("\n".join(lines(told)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
