"""Loading: the snapshots of partitions that were given to us, read beside everything else until each is a state."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from processors.engine.composed import PartitionFold
from processors.engine.ports import Bounds, Observer, Shelf
from processors.engine.snapshot import Collector
from processors.engine.zone import SnapshotError

log: Final = structlog.get_logger()

READ_S: Final = 0.05

Restore = Callable[[Iterable[bytes]], tuple[PartitionFold, int]]
"""The fold that shards give, and the offset from which on it goes on."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of a partition: its state, if it is of any use."""

    partition: int
    committed: int | None
    bounds: Bounds
    fold: PartitionFold | None = None
    next: int = 0  # offset from which on the fold goes on
    generations: Mapping[int, int] = field(default_factory=dict)  # by shard


class Loading:
    """The partitions whose snapshots are being read."""

    def __init__(self, shelf: Shelf, restore: Restore, observer: Observer) -> None:
        self._shelf = shelf
        self._restore = restore
        self._observer = observer
        self._begun: dict[int, tuple[Collector, int, Bounds]] = {}
        self._distrusted: set[int] = set()

    @property
    def partitions(self) -> list[int]:
        """Those that are on their way."""
        return sorted(self._begun)

    def begin(self, partition: int, committed: int | None, bounds: Bounds) -> Found | None:
        """Begin to read; gives what there is to find at once where nothing needs to be read.

        Raises:
            RetryableError: the log cannot be reached.
        """
        if not committed or partition in self._distrusted:
            return Found(partition, committed, bounds)
        self._shelf.begin(partition)
        self._begun[partition] = Collector(committed), committed, bounds
        return None

    def step(self) -> list[Found]:
        """Read some more; gives the partitions of which everything was read.

        Raises:
            RetryableError: the log cannot be reached.
        """
        if not self._begun:
            return []
        found = []
        for partition, value in self._shelf.read(READ_S):
            begun = self._begun.get(partition)
            if begun is None:
                continue  # stopped meanwhile
            if value is not None:
                begun[0].add(value)
                continue
            del self._begun[partition]
            found.append(self._make(partition, *begun))
        return found

    def stop(self) -> None:
        """Forget all that are on their way."""
        for partition in self._begun:
            self._shelf.stop(partition)
        self._begun = {}

    def distrust(self, partition: int, error: SnapshotError) -> None:
        """The snapshots of this partition turned out to be of no use: as long as we live they are not looked at."""
        self._distrusted.add(partition)
        self._observer.distrusted(partition, 1)
        log.error("snapshots of no use: the log is folded instead", partition=partition, error=str(error))

    def _make(self, partition: int, collector: Collector, committed: int, bounds: Bounds) -> Found:
        if collector.refused:
            self._observer.distrusted(partition, collector.refused)
            log.error("snapshots refused: not sound", partition=partition, records=collector.refused)
        if not collector.whole:
            return Found(partition, committed, bounds)
        try:
            fold, offset = self._restore(collector.shards)
        except SnapshotError as error:
            self.distrust(partition, error)
            return Found(partition, committed, bounds)
        return Found(partition, committed, bounds, fold, offset, collector.generations)
