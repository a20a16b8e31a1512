"""A city's messages through the ears of ingest and the folds of all detectors and correlators, on a clock of its own.

Between the two folds stands no sequencer: what one tick makes the first fold say, the second hears before that tick.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ops.score.street.calendar import calendar_of
from ops.score.street.ears import SHARD, Ears
from ops.score.street.matching import Found
from ops.simulate.city.city import City
from ops.simulate.model import HOUR_MS
from processors import correlators
from processors.detectors import ALL
from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector, Said
from schemas.anomaly import Anomaly, Transition
from schemas.carrier import DeviceCarried
from schemas.clock import Tick
from schemas.envelope import Data
from schemas.model import from_ms
from schemas.registry import FacilityRegistered

TICK_MS: Final = 1_000
LATENESS_MS: Final = 24 * HOUR_MS

Report = Callable[[str], None]


@dataclass(slots=True)
class Driven:
    """What came out, and what it cost."""

    findings: list[Anomaly] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    """Every finding that was raised, at the tick by which it was known."""
    messages: int = 0
    events: int = 0
    """Readings, camera events and registrations that were folded; the ticks are not counted."""
    cpu_s: float = 0.0
    """Of the composed fold alone."""
    refused: int = 0
    unknown: int = 0
    poison: int = 0


class Driver:
    """Feeds one fold; everything of one tick is folded before the tick, as the log has it."""

    def __init__(self, city: City, detectors: Sequence[Detector[Any]] = ALL, tick_ms: int = TICK_MS) -> None:
        """``tick_ms``: how often the clock is told; in production every second."""
        self._tick_ms = tick_ms
        self._city = city
        self._ears = Ears(city.facilities)
        self._fold = PartitionFold(detectors, LATENESS_MS)
        self._correlators = PartitionFold(correlators.ALL, correlators.LATENESS_MS)
        self._now_ms = city.start_ms
        self._out = Driven()

    def run(self, report: Report | None = None) -> Driven:
        """The whole city from its first to its last message.

        Args:
            report: told every hour of the city how far it is.
        """
        out = self._out
        self._tick()
        configured: list[Data] = [*self._city.zones, calendar_of(self._city)]
        registered = (FacilityRegistered(facility=one) for one in self._city.facilities)
        self._take([*configured, *registered, *self._city.works])
        hour_ms = self._now_ms + HOUR_MS
        for message in self._city.messages():
            self._advance(message.at_ms)
            self._ears.hear(message)
            out.messages += 1
            if report is not None and message.at_ms >= hour_ms:
                hour_ms += HOUR_MS
                done = (self._now_ms - self._city.start_ms) / HOUR_MS
                report(f"{done:.0f} of {self._city.days * 24} h, {out.messages:,} messages, {len(out.found)} findings")
        self._advance(self._city.end_ms)  # what goes wrong is over an hour before
        counts = self._fold.take_counts()
        out.poison = sum(counts.poison.values()) + sum(self._correlators.take_counts().poison.values())
        out.refused, out.unknown = self._ears.refused, self._ears.unknown
        return out

    def _advance(self, until_ms: int) -> None:
        """Every tick up to then; before each, what arrived."""
        while self._now_ms + self._tick_ms <= until_ms:
            self._now_ms += self._tick_ms
            self._take(self._ears.taken())
            self._tick()

    def _tick(self) -> None:
        now_ms = self._now_ms
        tick = Tick(
            time=from_ms(now_ms), generation=1, cadence_ms=self._tick_ms, ticker=SHARD, received_to={SHARD: now_ms}
        )
        self._take([tick])

    def _take(self, events: Sequence[Data]) -> None:
        if not events:
            return
        before_s = time.process_time()
        outputs = self._fold.fold(event for event in events if not isinstance(event, DeviceCarried))
        self._out.cpu_s += time.process_time() - before_s
        self._out.events += sum(_size(event) for event in events)
        found = [output for output in outputs if isinstance(output, Anomaly)]
        heard = [event for event in events if isinstance(event, DeviceCarried | Tick)]
        for output in (*outputs, *self._correlators.fold([*found, *heard])):
            self._hear(output)

    def _hear(self, output: Said) -> None:
        if isinstance(output, Anomaly):
            self._out.findings.append(output)
            if output.transition is Transition.RAISED:
                where = output.facility or output.subject
                self._out.found.append(Found(output.kind, where, self._now_ms, str(output.id)))


def _size(event: Data) -> int:
    if isinstance(event, Tick | DeviceCarried):
        return 0
    identity = getattr(event, "identity", None)
    return len(identity) if isinstance(identity, list) else 1
