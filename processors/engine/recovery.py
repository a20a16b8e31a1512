"""Loading: the snapshots of partitions that were given to us, read beside everything else until each is a state."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import structlog

from processors.engine.composed import PartitionFold
from processors.engine.errors import SnapshotError
from processors.engine.ports import Bounds, Observer, Shelf
from processors.engine.snapshot import Collector, Shelved
from runtime.errors import RetryableError

log: Final = structlog.get_logger()

READ_S: Final = 0.05
AT_ONCE: Final = 3
"""Partitions that are read at one time: while it is read, a state is held twice, as bytes and as what they become."""

Restore = Callable[[Iterable[bytes]], tuple[PartitionFold, int]]
"""The fold that shards give, and the offset from which on it goes on; raises ``RetryableError`` where what they name
cannot be read."""


class Found(NamedTuple):
    """What was read of a partition: its state, if it is of any use."""

    partition: int
    committed: int | None
    bounds: Bounds
    fold: PartitionFold | None = None
    next: int = 0  # offset from which on the fold goes on
    shelved: Mapping[int, Shelved] = {}  # by shard


class Loading:
    """The partitions whose snapshots are being read."""

    def __init__(self, shelf: Shelf, restore: Restore, log_id: str, observer: Observer) -> None:
        """``log_id``: snapshots of another log are none."""
        self._log = log_id
        self._shelf = shelf
        self._restore = restore
        self._observer = observer
        self._begun: dict[int, tuple[Collector, int, Bounds]] = {}
        self._read: deque[tuple[int, Collector, int, Bounds]] = deque()
        self._waiting: deque[tuple[int, int, Bounds]] = deque()
        self._distrusted: dict[int, int] = {}  # up to which offset

    @property
    def partitions(self) -> list[int]:
        """Those that are on their way."""
        return sorted([*self._begun, *(one[0] for one in self._read), *(one[0] for one in self._waiting)])

    def begin(self, partition: int, committed: int | None, bounds: Bounds) -> Found | None:
        """Begin to read; gives what there is to find at once where nothing needs to be read.

        Raises:
            RetryableError: the log cannot be reached.
        """
        if not committed:
            return Found(partition, committed, bounds)
        self._waiting.append((partition, committed, bounds))
        self._begin_next()
        return None

    def _begin_next(self) -> None:
        while self._waiting and len(self._begun) < AT_ONCE:
            partition, committed, bounds = self._waiting[0]
            self._shelf.begin(partition)
            self._waiting.popleft()
            collector = Collector(self._log, self._distrusted.get(partition, -1), committed)
            self._begun[partition] = collector, committed, bounds

    def step(self) -> tuple[list[Found], bool]:
        """Read some more; gives the partitions of which everything was read, and whether anything was.

        Raises:
            RetryableError: the log cannot be reached.
        """
        self._begin_next()
        stored = self._shelf.read(READ_S) if self._begun else []
        for partition, value in stored:
            begun = self._begun.get(partition)
            if begun is None:
                continue  # stopped meanwhile
            if value is not None:
                begun[0].add(value)
                continue
            del self._begun[partition]
            self._read.append((partition, *begun))
        return self._made(), bool(stored)

    def _made(self) -> list[Found]:
        found: list[Found] = []
        while self._read:
            try:
                found.append(self._make(*self._read[0]))
            except RetryableError:  # what it names could not be read: it stays where it is
                if not found:
                    raise
                break
            self._read.popleft()
        return found

    def stop(self) -> None:
        """Forget all that are on their way."""
        for partition in self._begun:
            self._shelf.stop(partition)
        self._begun = {}
        self._read.clear()
        self._waiting.clear()

    def distrust(self, partition: int, committed: int, error: SnapshotError) -> None:
        """The snapshots of this partition up to this offset are of no use: they are not looked at again."""
        self._distrusted[partition] = committed
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
            self.distrust(partition, committed, error)
            return Found(partition, committed, bounds)
        return Found(partition, committed, bounds, fold, offset, collector.shelved)
