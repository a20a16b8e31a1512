"""Ingest's memory of its own recent tier (c) output, by which a redelivery is recognised.

A message without number and without device time is given its identity by us on arrival. When the broker delivers it
again (MQTT DUP set) it must get the *same* identity. Within one process the packet id tells which of several equal
messages it is, because a broker repeats a message under its old packet id. After a restart the memory is read back
from the log, where no packet id stands: equal messages are then matched oldest first, each once, and only those that
can still have been unacknowledged when the process died. That window is the residual risk of tier (c): an equal
message acknowledged shortly before the end may lend its identity to one that was received but never written.
"""

from collections import OrderedDict, deque
from typing import Final, TypeVar

V = TypeVar("V")

UNACKNOWLEDGED_MS: Final = 60_000
"""How long before its last sign of life a process may have written something it did not acknowledge any more."""


class Arrival:
    """One message's arrival identity: the wall time in its identity and the event time its readings were given."""

    __slots__ = ("arrival_ms", "event_ms", "inherited", "mid")

    def __init__(self, arrival_ms: int, event_ms: int, mid: int | None, *, inherited: bool) -> None:
        self.arrival_ms = arrival_ms
        self.event_ms = event_ms
        self.mid = mid  # None: read back from the log
        self.inherited = inherited  # an earlier process may have written the message, and given its readings a time


class Recent:
    """Arrivals by payload hash, bounded by number and age."""

    def __init__(self, count_max: int = 200_000, age_max_ms: int = 3_600_000) -> None:
        self._count_max = count_max
        self._age_max_ms = age_max_ms
        self._arrivals: dict[str, deque[Arrival]] = {}
        self._order: deque[tuple[int, str]] = deque()
        self._given: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._order)

    def give(self, payload_hash: str, mid: int, *, dup: bool, arrival_ms: int, event_ms: int) -> tuple[Arrival, bool]:
        """The arrival of this message, and whether it was recognised as a redelivery.

        Two equal messages of one millisecond get different arrival times, or they would be one.
        """
        known = self._arrivals.get(payload_hash)
        if known and dup and (found := _match(known, mid)) is not None:
            found.mid = mid
            return found, True
        if known and known[-1].arrival_ms >= arrival_ms:
            arrival_ms = known[-1].arrival_ms + 1
        arrival = Arrival(arrival_ms, event_ms, mid, inherited=dup)
        self._remember(payload_hash, arrival)
        return arrival, False

    def given(self, reading: str) -> int | None:
        """The event time an earlier process gave to a reading whose device gave none that could be believed."""
        return self._given.get(reading)

    def read_back(self, arrivals: dict[tuple[str, int], int], given: dict[str, int], last_sign_ms: int) -> int:
        """Remember what an earlier process of this shard wrote; returns how many arrivals can be redelivered.

        ``arrivals`` maps (payload hash, arrival) to the event time given, ``given`` does so for readings of the other
        tiers; ``last_sign_ms`` is the newest wall time at which that process is known to have written.
        """
        self._given = given
        floor = last_sign_ms - UNACKNOWLEDGED_MS
        eligible = sorted((arrival, key, event) for (key, arrival), event in arrivals.items() if arrival >= floor)
        for arrival_ms, key, event_ms in eligible:
            self._remember(key, Arrival(arrival_ms, event_ms, None, inherited=True))
        return len(eligible)

    def _remember(self, payload_hash: str, arrival: Arrival) -> None:
        self._arrivals.setdefault(payload_hash, deque()).append(arrival)
        self._order.append((arrival.arrival_ms, payload_hash))
        oldest_allowed = arrival.arrival_ms - self._age_max_ms
        while len(self._order) > self._count_max or self._order[0][0] < oldest_allowed:
            _, key = self._order.popleft()
            same = self._arrivals[key]
            same.popleft()
            if not same:
                del self._arrivals[key]


def _match(known: deque[Arrival], mid: int) -> Arrival | None:
    """The newest of ours under this packet id, else the oldest read back that nothing was matched with yet."""
    for arrival in reversed(known):
        if arrival.mid == mid:
            return arrival
    return next((arrival for arrival in known if arrival.mid is None), None)


class Bounded(OrderedDict[str, V]):
    """A map that forgets what was not set for longest."""

    def __init__(self, count_max: int) -> None:
        super().__init__()
        self._count_max = count_max

    def put(self, key: str, value: V) -> None:
        """Set and make newest; the oldest goes when there are too many."""
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._count_max:
            self.popitem(last=False)
