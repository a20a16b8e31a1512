"""The real loop over the log in memory, with a clock that only moves when somebody waits."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from fold_kit import LATENESS_MS, NOW, POISON, Scribe, batch, row, series, tick
from memory_ports import MemoryGroup, MemoryShelf, MemorySink, MemorySource

from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector, Said
from processors.engine.counts import Counts
from processors.engine.outputs import outgoing
from processors.engine.ports import Standing
from processors.engine.record import fold_record
from processors.engine.runner import Options, Runner
from processors.engine.snapshot import Collector
from processors.engine.snapshot import decode as decode_shard
from runtime.lifecycle import Progress
from schemas.envelope import CloudEvent, Data, encode
from schemas.model import from_ms
from schemas.topics import ANOMALIES, DERIVED, QUARANTINE, SNAPSHOTS
from tests.memory.log import At, MemoryLog

TOPIC = "city.events.v1"
GROUP = "detectors"
SOURCE = "/test/process"
COMMIT_S = 0.3
GARBAGE = b"no event at all"


def story(start: int = 0, count: int = 10, zone: str = "z1") -> list[Data]:
    """Ticks and readings; some of them poison, some wake timers."""
    events: list[Data] = []
    for n in range(start, start + count):
        events.append(batch(row(n, [0.0, 1.0, 2.0, POISON][n % 4], NOW + n * 1000, of=series(zone=zone))))
        events.append(tick(NOW + n * 1000))
    return events


QUIET = [tick(NOW + n * 1000) for n in range(6)]


class Notes:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.stands: dict[int, Standing] = {}
        self.visible: list[Said] = []
        self.snapshots = 0
        self.again = 0
        self.useless: list[int] = []
        self.stops: list[int] = []
        self.goes: list[int] = []

    def folded(self, partition: int, counts: Counts, seconds: float) -> None:
        self.counts.events += counts.events
        self.counts.poison += counts.poison

    def standing(self, partition: int, standing: Standing) -> None:
        self.stands[partition] = standing

    def committed(self, outputs: Sequence[Said], seconds: float) -> None:
        self.visible += outputs

    def stored(self, number: int, size: int, seconds: float) -> None:
        self.snapshots += number

    def recovered(self, records: int) -> None:
        self.again += records

    def distrusted(self, partition: int, number: int) -> None:
        self.useless.append(partition)

    def stopped(self, partition: int) -> None:
        self.stops.append(partition)

    def gone(self, partition: int) -> None:
        self.goes.append(partition)


class Worker:
    """One member of the group with its own loop."""

    def __init__(self, city: "City", name: str, poll_records: int, *, accept_gap: bool, sink: type[MemorySink]) -> None:
        self.source = MemorySource(city.group, name, city.wait)
        self.sink = sink(f"{GROUP}-{name}", self.source)
        self.shelf = MemoryShelf(city.log, SNAPSHOTS.name, 20 * poll_records)
        self.notes = Notes()
        self.runner = Runner(
            source=self.source,
            sink=self.sink,
            shelf=self.shelf,
            make_fold=lambda: PartitionFold(city.detectors, LATENESS_MS),
            restore=lambda shards: PartitionFold.restore(city.detectors, LATENESS_MS, shards),
            options=Options(
                TOPIC, city.log_id, SOURCE, COMMIT_S, poll_records, city.snapshot_every_s, math.inf, accept_gap
            ),
            observer=self.notes,
            progress=Progress(60.0),
            monotonic=lambda: city.now_s,
        )
        self.source.subscribe(self.runner)

    def turn(self, times: int = 1) -> None:
        """So many steps of the loop."""
        for _ in range(times):
            self.runner.step()

    def settle(self) -> None:
        """Enough steps for everything in the log to be folded and published."""
        self.turn(2)
        while self.runner.loading:
            self.turn()
        self.turn(60)


class City:
    """The input topic, its group, and what the folds should say to it."""

    def __init__(
        self, *assigned: int, snapshot_every_s: float = math.inf, detectors: Sequence[Detector[Any]] = (Scribe(),)
    ) -> None:
        """The worker ``w`` is given these partitions; of none, partition 0. Without a time there are no snapshots.

        Without other ``detectors`` there is one, which repeats everything.
        """
        self.detectors = detectors
        self.snapshot_every_s = snapshot_every_s
        self.log_id = "log-1"
        self.now_s = 0.0
        self.log = MemoryLog()
        self.group = MemoryGroup(self.log, GROUP, TOPIC)
        self.group.assign({"w": assigned or (0,)})

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now_s += seconds

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

    def write(self, *events: Data | bytes, partition: int = 0) -> None:
        """Events, or bytes that are none, into the input topic."""
        self.log.append((TOPIC, partition), *map(_record, events))

    def expected(self, *partitions: int, kept: bool = False) -> Counter[bytes]:
        """What one uninterrupted fold says over all that was ever written, or only over what the log still keeps."""
        records: Counter[bytes] = Counter()
        for partition in partitions or (0,):
            fold = PartitionFold(self.detectors, LATENESS_MS)
            start = self.log.bounds((TOPIC, partition)).start if kept else 0
            for offset, raw in self.log.history((TOPIC, partition))[start:]:
                records.update(
                    outgoing(output, SOURCE).value for output in fold_record(fold, raw, f"{TOPIC}/{partition}/{offset}")
                )
        return records

    def published(self) -> Counter[bytes]:
        """Every finding, refusal and derived reading a read_committed reader sees."""
        return Counter(value for at in outputs() for value in self.log.values(at))

    def snapshots(self, partition: int = 0) -> Collector:
        """What a worker that comes now finds of the partition's state."""
        collector = Collector(self.log_id, -1, self.offset(partition) or 0)
        for value in self.log.values((SNAPSHOTS.name, partition)):
            collector.add(value)
        return collector

    def expire(self, partition: int = 0) -> None:
        """Retention passes over all that the snapshots have taken in."""
        found = self.snapshots(partition)
        if found.whole:
            self.log.delete_before((TOPIC, partition), min(decode_shard(data).offset for data in found.shards))

    def offset(self, partition: int = 0) -> int | None:
        """The group's committed offset."""
        return self.log.committed(GROUP, (TOPIC, partition))

    def end(self, partition: int = 0) -> int:
        """The next offset of the input."""
        return self.log.bounds((TOPIC, partition)).end


def outputs() -> Iterable[At]:
    """Every partition of the output topics."""
    return [
        (topic.name, partition) for topic in (ANOMALIES, DERIVED, QUARANTINE) for partition in range(topic.partitions)
    ]


def _record(event: Data | bytes) -> bytes:
    return event if isinstance(event, bytes) else encode(CloudEvent("1", "/test", from_ms(0), event))
