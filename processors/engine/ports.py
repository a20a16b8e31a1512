"""What the loop needs of a log: small enough that an in-memory log with a virtual clock can take Kafka's place."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from processors.engine.contract import Said
from processors.engine.counts import Counts
from schemas.envelope import KAFKA_HEADERS

NO_NOTES: Final[Mapping[int, str]] = MappingProxyType({})


class Record(NamedTuple):
    """One record of the input; the partitions of several topics are numbered through (:mod:`.places`)."""

    partition: int
    offset: int
    value: bytes
    timestamp_ms: int = 0
    """When it was written."""


class Outgoing(NamedTuple):
    """One record to write; ``topic`` is the name in the catalogue, without a deployment's prefix."""

    topic: str
    partition: int
    key: str
    value: bytes
    headers: Sequence[tuple[str, bytes]] = KAFKA_HEADERS


class Stored(NamedTuple):
    """The value of a snapshot's record; None: that was the last of this partition."""

    partition: int
    value: bytes | None


class Bounds(NamedTuple):
    """Where a partition stands: the first offset it still holds and the next it will give."""

    start: int
    end: int


class Standing(NamedTuple):
    """Where the fold of a partition stands; ``lag`` in records, None while unknown; times 0 while nothing is known."""

    lag: int | None
    now_ms: int
    timers: int
    recovering: bool


class Owner(Protocol):
    """Who is told, within :meth:`Source.poll` and maybe on another thread, which partitions it has."""

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """These are no longer ours."""

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """These are ours from now on; nothing of them is given before :meth:`Source.start`."""


class Source(Protocol):
    """The input topic, as a member of a consumer group.

    Every method but ``lag`` and ``poll`` raises :class:`RetryableError` when the log cannot be reached.
    """

    def poll(self, timeout_s: float, max_records: int) -> list[Record]:
        """What follows the positions, in order per partition; rebalances happen within.

        Raises:
            FencedError: another process runs under our instance name.
            OutcomeUnknownError: the log lost what comes next; look at its bounds.
        """

    def start(self, partition: int, offset: int) -> None:
        """Give the records of the partition from this offset on."""

    def stop(self, partition: int) -> None:
        """Give nothing of this partition until :meth:`start`."""

    def position(self, partition: int) -> int:
        """The offset of the next record that would be given; beyond markers that are no records."""

    def committed(self, partition: int) -> int | None:
        """The group's committed offset; None when there is none."""

    def note(self, partition: int) -> str:
        """What was committed beside that offset; empty when nothing was."""

    def bounds(self, partition: int) -> Bounds:
        """What the log holds."""

    def close(self) -> None:
        """Go away for a while: a static member that comes back soon finds its partitions where they were."""

    def lag(self, partition: int) -> int | None:
        """Records between the position and the end, as far as is known."""


class Shelf(Protocol):
    """The snapshots of the folds' states: what :class:`Sink` wrote of them, each partition in its order."""

    def begin(self, partition: int) -> None:
        """Read a partition from its beginning to where it ends now.

        Raises:
            RetryableError: the log cannot be reached.
        """

    def read(self, timeout_s: float) -> list[Stored]:
        """Some of what follows, of every partition that was begun.

        Raises:
            RetryableError: the log cannot be reached.
        """

    def stop(self, partition: int) -> None:
        """Nobody wants the rest; of a partition that is not being read it means nothing."""

    def close(self) -> None:
        """Let go."""


class Sink(Protocol):
    """Where outputs go, together with how far the input was read."""

    def open(self) -> None:
        """Fence older twins, abort what they left open; must come before ``commit``, and after any error of it.

        Raises:
            RetryableError: the log cannot be reached.
        """

    def commit(
        self, outputs: Sequence[Outgoing], offsets: Mapping[int, int], notes: Mapping[int, str] = NO_NOTES
    ) -> None:
        """Outputs and offsets become visible together, or not at all; so does a short note beside an offset.

        Raises:
            OutcomeUnknownError: they may or may not have; nothing but ``open`` may follow.
            FencedError: a newer twin is at work; stop.
        """

    def close(self) -> None:
        """Let go of everything without waiting; what was not committed is lost."""


class Observer(Protocol):
    """Who counts what the loop does; nothing it does may change what comes out."""

    def folded(self, partition: int, counts: Counts, seconds: float) -> None:
        """A run of records of a partition was folded."""

    def standing(self, partition: int, standing: Standing) -> None:
        """Where a partition stands now."""

    def committed(self, outputs: Sequence[Said], seconds: float) -> None:
        """These became visible."""

    def stored(self, number: int, size: int, seconds: float) -> None:
        """So many shards of snapshots of so many bytes were made for a transaction, while no fold could go on."""

    def recovered(self, records: int) -> None:
        """So many records were folded again, whose outputs were published before."""

    def distrusted(self, partition: int, number: int) -> None:
        """Snapshots of this partition are of no use."""

    def stopped(self, partition: int) -> None:
        """The partition waits for an operator."""

    def gone(self, partition: int) -> None:
        """The partition is no longer ours."""
