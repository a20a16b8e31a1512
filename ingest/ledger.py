"""The ack ledger: which messages the broker may forget, and how much we hold in memory because of it.

Pure bookkeeping, no I/O. The rules it keeps (MQTT 5 section 4.6; reference/PIPELINE.md, facts 1, 5 and 8):

- a message is *confirmed* when everything it led to stands in Kafka;
- acknowledgements go out in the order of receipt, so only the longest confirmed prefix is released;
- packet ids belong to one connection: a message of an older epoch is never acknowledged, the broker sends it again;
- what waits for Kafka counts against our bound whatever its epoch, because it still occupies memory.
"""

from collections import deque
from typing import NamedTuple


class _Entry(NamedTuple):
    ticket: int
    mid: int
    size: int
    received_s: float


class Released(NamedTuple):
    """Messages that may be acknowledged, in this order; ``frontier`` is the newest mark among them."""

    mids: list[int]
    frontier: int | None


class AckLedger:
    """Counts for each message what is outstanding; a message begins with one hold, its own processing."""

    def __init__(self) -> None:
        self.epoch = 0
        self.stale = 0
        """Messages of older epochs that were confirmed too late to be acknowledged."""
        self.bytes = 0
        self._next = 0
        self._holds: dict[int, int] = {}
        self._line: deque[_Entry] = deque()  # the current epoch, in order of receipt
        self._orphans: dict[int, int] = {}  # ticket -> size: older epochs, still waiting for Kafka
        self._frontiers: dict[int, int] = {}

    def __len__(self) -> int:
        """Messages held in memory, of every epoch."""
        return len(self._line) + len(self._orphans)

    def received(self, mid: int, size: int, now_s: float) -> int:
        """A message arrived; ``mid`` 0 (QoS 0) takes its place in the line but is never acknowledged."""
        ticket = self._next
        self._next += 1
        self._holds[ticket] = 1
        self._line.append(_Entry(ticket, mid, size, now_s))
        self.bytes += size
        return ticket

    def hold(self, ticket: int) -> None:
        """One more record must be confirmed before this message is.

        Raises:
            KeyError: the message is confirmed already or was forgotten.
        """
        self._holds[ticket] += 1

    def mark(self, ticket: int, frontier: int) -> None:
        """When this message is released, everything received up to ``frontier`` stands in Kafka."""
        self._frontiers[ticket] = frontier

    def confirm(self, ticket: int) -> None:
        """One hold less; unknown tickets (forgotten ones) are ignored."""
        holds = self._holds.get(ticket)
        if holds is None:
            return
        if holds > 1:
            self._holds[ticket] = holds - 1
            return
        del self._holds[ticket]
        size = self._orphans.pop(ticket, None)
        if size is not None:
            self.bytes -= size
            self.stale += 1
            self._frontiers.pop(ticket, None)

    def waits(self, ticket: int) -> bool:
        """Whether something of this message is still to be confirmed."""
        return ticket in self._holds

    def release(self) -> Released:
        """Take the longest confirmed prefix of the current epoch out of the line."""
        mids: list[int] = []
        frontier: int | None = None
        line, holds = self._line, self._holds
        while line and line[0].ticket not in holds:
            entry = line.popleft()
            self.bytes -= entry.size
            if entry.mid:
                mids.append(entry.mid)
            if self._frontiers:
                frontier = self._frontiers.pop(entry.ticket, frontier)
        return Released(mids, frontier)

    def new_epoch(self) -> int:
        """The connection is gone: what was not acknowledged on it never will be. Returns the new epoch."""
        self.epoch += 1
        for entry in self._line:
            if entry.ticket in self._holds:
                self._orphans[entry.ticket] = entry.size
            else:  # confirmed, but behind one that was not
                self.bytes -= entry.size
                self.stale += 1
                self._frontiers.pop(entry.ticket, None)
        self._line.clear()
        return self.epoch

    def forget(self) -> int:
        """Kafka refused something: nothing unacknowledged may count as confirmed, ever. Begins a new epoch."""
        epoch = self.new_epoch()
        self._holds.clear()
        self._orphans.clear()
        self._frontiers.clear()
        self.bytes = 0
        return epoch

    def oldest_s(self, now_s: float) -> float:
        """Age of the oldest unacknowledged message of the current epoch; 0 when there is none."""
        return now_s - self._line[0].received_s if self._line else 0.0
