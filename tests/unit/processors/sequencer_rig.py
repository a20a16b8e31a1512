"""The sequencer's real loop over the log in memory, and what must stand in ``city.case-inputs.v1`` afterwards."""

import itertools
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from memory_ports import MemoryGroup, MemorySink, MemorySource

from processors.sequencer.copies import Moment
from processors.sequencer.loop import PLACES, Done, Options, Sequencer
from runtime.lifecycle import Progress
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.clock import Tick
from schemas.envelope import CloudEvent, decode, encode
from schemas.facility import Place
from schemas.identity import event_id
from schemas.model import Model, from_ms
from schemas.topics import ANOMALIES, CASE_INPUTS, QUARANTINE, TICKS, Topic
from tests.memory.log import At, MemoryLog

GROUP = "sequencer"
COMMIT_S = 0.3
NOW = 1_795_000_000_000
EVERYTHING = range(len(PLACES))
THE_TIME = PLACES.number(TICKS.name, 0)


def finding(number: int, transition: Transition = Transition.RAISED, district: str | None = "411002") -> Anomaly:
    """One step of the finding of this number."""
    return Anomaly(
        id=UUID(int=number),
        transition=transition,
        kind=AnomalyKind.COVER_TILTED,
        severity=Severity.MAJOR,
        zone="grid:1",
        subject=f"F{number}",
        place=Place(lon=113.85, lat=34.03, district=district),
        since=from_ms(NOW),
        at=from_ms(NOW),
        summary="tilted",
        detector="cover",
        detector_version=1,
    )


def tick(time_ms: int, generation: int = 1) -> Tick:
    return Tick(time=from_ms(time_ms), generation=generation, cadence_ms=1000, ticker="t", received_to={})


class NumberedSource(MemorySource):
    """Partitions of several topics, numbered through."""

    def at(self, partition: int) -> At:
        topic, number = PLACES.at(partition)
        return topic.name, number


class Notes:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.done: list[Done] = []
        self.stands: dict[tuple[str, int], tuple[int | None, Moment]] = {}
        self.stops: list[tuple[str, int]] = []
        self.goes: list[tuple[str, int]] = []

    def committed(self, done: Sequence[Done], seconds: float) -> None:
        self.done += done

    def standing(self, topic: Topic, partition: int, lag: int | None, moment: Moment) -> None:
        self.stands[topic.name, partition] = lag, moment

    def stopped(self, topic: Topic, partition: int) -> None:
        self.stops.append((topic.name, partition))

    def gone(self, topic: Topic, partition: int) -> None:
        self.goes.append((topic.name, partition))


class Worker:
    """One member of the group with its own loop."""

    def __init__(self, desk: "Desk", name: str, poll_records: int, *, accept_gap: bool, sink: type[MemorySink]) -> None:
        self.source = NumberedSource(desk.group, name, desk.wait)
        self.sink = sink(f"{GROUP}-{name}", self.source)
        self.notes = Notes()
        self.loop = Sequencer(
            source=self.source,
            sink=self.sink,
            options=Options("/test/sequence", "", COMMIT_S, poll_records, accept_gap),
            observer=self.notes,
            progress=Progress(60.0),
            monotonic=lambda: desk.now_s,
        )
        self.source.subscribe(self.loop)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.loop.step()

    def settle(self) -> None:
        """Enough steps for everything in the log to be copied."""
        self.turn(80)


class Desk:
    """The inputs, their group, and what was copied."""

    def __init__(self, *assigned: int) -> None:
        """The worker ``w`` is given these places; of none, all."""
        self.now_s = 0.0
        self.log = MemoryLog()
        self.group = MemoryGroup(self.log, GROUP, "")
        self.group.assign({"w": assigned or EVERYTHING})
        self._ids = itertools.count()

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def assign(self, **places: Collection[int]) -> None:
        self.group.assign(places)

    def worker(
        self,
        name: str = "w",
        poll_records: int = 4,
        *,
        accept_gap: bool = False,
        sink: type[MemorySink] = MemorySink,
    ) -> Worker:
        """A process of the group; called again for the same name it is the successor of one that died."""
        return Worker(self, name, poll_records, accept_gap=accept_gap, sink=sink)

    def found(self, *findings: Anomaly | bytes, partition: int = 0) -> None:
        """Write findings (or bytes that are none) as the detectors do."""
        self.log.append((ANOMALIES.name, partition), *map(self._record, findings))

    def ticked(self, *ticks: Tick) -> None:
        """Write ticks as ingest does."""
        self.log.append((TICKS.name, 0), *map(self._record, ticks))

    def _record(self, data: Model | bytes) -> bytes:
        if isinstance(data, bytes):
            return data
        said = data.model_dump_json() if isinstance(data, Anomaly) else f"tick-{next(self._ids)}"
        return encode(CloudEvent(str(event_id(said)), "/test/process", from_ms(NOW), data))

    def read(self, topic: Topic, partition: int) -> list[CloudEvent]:
        return [decode(value) for value in self.log.values((topic.name, partition))]

    def copied(self, partition: int) -> list[Any]:
        """What stands in this partition of the case inputs, in order."""
        return [event.data for event in self.read(CASE_INPUTS, partition)]

    def all_copied(self) -> list[CloudEvent]:
        """Everything copied, partition by partition."""
        return [event for n in range(CASE_INPUTS.partitions) for event in self.read(CASE_INPUTS, n)]

    def refused(self) -> list[Any]:
        return [event.data for n in range(QUARANTINE.partitions) for event in self.read(QUARANTINE, n)]

    def assert_all_is_there_once_and_in_order(self) -> None:
        """Every event that was written before, under its own id, where it belongs; time only ever goes on."""
        newest = Moment(0, 0)
        expected_ticks = []
        for event in self.read(TICKS, 0):
            assert isinstance(event.data, Tick)
            if Moment.of(event.data) > newest:
                newest = Moment.of(event.data)
                expected_ticks.append(event.id)
        copied = [self.read(CASE_INPUTS, n) for n in range(CASE_INPUTS.partitions)]
        for events in copied:
            assert [event.id for event in events if isinstance(event.data, Tick)] == expected_ticks
        found = [event for events in copied for event in events if isinstance(event.data, Anomaly)]
        written = [self.read(ANOMALIES, n) for n in range(ANOMALIES.partitions)]
        assert sorted(event.id for event in found) == sorted(event.id for events in written for event in events)
        place = {event.id: n for n, event in enumerate(found)}
        for events in written:
            of_a_district: dict[str | None, list[int]] = {}
            for event in events:
                assert isinstance(event.data, Anomaly)
                of_a_district.setdefault(event.data.place.district, []).append(place[event.id])
            assert all(places == sorted(places) for places in of_a_district.values())
