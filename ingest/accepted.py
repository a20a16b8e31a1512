"""The bytes of what was taken in: one open record of ``city.accepted.v1``, written soon behind the batches.

A message is not acknowledged before this record stands in Kafka, so nothing is accepted without its bytes. How much
waits here is bounded by the ack ledger, like everything that waits for Kafka.
"""

from typing import Final

from ingest.ledger import AckLedger
from ingest.writer import Writer
from runtime.failpoint import failpoint
from runtime.timing import MACHINE, Timing
from schemas.columns import AcceptedColumns
from schemas.partitioning import partition_of
from schemas.topics import ACCEPTED

MESSAGES_MAX: Final = 1_000
WIRE_MAX: Final = 1024 * 1024
"""Bytes of JSON at which a record is full: with the largest message on top it is still one that Kafka takes."""
_AROUND: Final = 32  # an arrival time, quotes and commas


def wire_bytes(topic: str, payload: bytes) -> int:
    """At most so many bytes of JSON: base64, and a topic all of whose characters may have to be escaped."""
    return (len(payload) + 2) // 3 * 4 + 6 * len(topic) + _AROUND


class Accepted:
    """The open record of this shard."""

    def __init__(self, writer: Writer, ledger: AckLedger, shard: str, linger_ms: int, timing: Timing = MACHINE) -> None:
        self._writer = writer
        self._ledger = ledger
        self._shard = shard
        self._partition = partition_of(shard, ACCEPTED.partitions)
        self._linger_s = linger_ms / 1000
        self._timing = timing
        self._begin()

    def _begin(self) -> None:
        self._topics: list[str] = []
        self._arrivals: list[int] = []
        self._payloads: list[bytes] = []
        self._tickets: list[int] = []
        self._size = 0
        self._opened_s = 0.0

    def __len__(self) -> int:
        return len(self._tickets)

    def add(self, ticket: int, topic: str, payload: bytes, arrival_ms: int) -> None:
        """Keep one message; a full record is written."""
        if not self._tickets:
            self._opened_s = self._timing.monotonic_s()
        self._ledger.hold(ticket)
        self._tickets.append(ticket)
        self._topics.append(topic)
        self._arrivals.append(arrival_ms)
        self._payloads.append(payload)
        self._size += wire_bytes(topic, payload)
        if self._size >= WIRE_MAX or len(self._tickets) >= MESSAGES_MAX:
            self.flush()

    def flush(self) -> None:
        """Write the open record now."""
        if not self._tickets:
            return
        failpoint("ingest.keeping")
        columns = AcceptedColumns(self._shard, self._topics, self._arrivals, self._payloads)
        tickets, newest_ms = self._tickets, max(self._arrivals)
        self._begin()
        self._writer.write(ACCEPTED, self._partition, self._shard, columns, newest_ms, tickets=tickets)

    def flush_due(self, now_s: float) -> None:
        """Write what waited long enough. Nobody but the broker waits for it, so it always waits for company."""
        if self._tickets and now_s >= self._opened_s + self._linger_s:
            self.flush()

    def next_due_s(self) -> float | None:
        """When the record is due; None when it is empty."""
        return self._opened_s + self._linger_s if self._tickets else None

    def discard(self) -> None:
        """Forget everything that was not written: its messages will come again."""
        self._begin()
