"""The timers of one partition: a heap in (time, zone, detector, name) order, with lazy deletion."""

from heapq import heapify, heappop, heappush

Key = tuple[str, str, str]
"""Zone, detector and name: at most one timer each."""
Entry = tuple[int, str, str, str]


class Timers:
    """What is to be woken, and when."""

    def __init__(self, entries: list[Entry] | None = None) -> None:
        """Begin with these entries, as :meth:`snapshot` gave them."""
        self._heap: list[Entry] = list(entries or ())
        heapify(self._heap)
        self._armed: dict[Key, int] = {(zone, detector, name): at for at, zone, detector, name in self._heap}

    def __len__(self) -> int:
        return len(self._armed)

    def set(self, zone: str, detector: str, name: str, at_ms: int | None) -> None:
        """Arm, move or (with None) cancel a timer."""
        key = (zone, detector, name)
        if at_ms is None:
            self._armed.pop(key, None)
        elif self._armed.get(key) != at_ms:
            self._armed[key] = at_ms
            heappush(self._heap, (at_ms, zone, detector, name))
            if len(self._heap) > 64 + 2 * len(self._armed):
                self._drop_stale()

    def due(self, now_ms: int) -> list[Entry]:
        """Timers that a tick at ``now_ms`` reaches, in the order of delivery; each must still be :meth:`take`-n."""
        found: list[Entry] = []
        heap, armed = self._heap, self._armed
        while heap and heap[0][0] <= now_ms:
            entry = heappop(heap)
            if armed.get(entry[1:]) == entry[0] and (not found or found[-1] != entry):
                found.append(entry)
        return found

    def take(self, entry: Entry) -> bool:
        """Whether the timer is still armed for that time; it no longer is afterwards."""
        if self._armed.get(entry[1:]) != entry[0]:
            return False
        del self._armed[entry[1:]]
        return True

    def shift(self, by_ms: int) -> None:
        """Put off every timer."""
        self._armed = {key: at + by_ms for key, at in self._armed.items()}
        self._drop_stale()

    def snapshot(self) -> list[Entry]:
        """Every armed timer in order."""
        return sorted((at, *key) for key, at in self._armed.items())

    def _drop_stale(self) -> None:
        self._heap = [(at, *key) for key, at in self._armed.items()]
        heapify(self._heap)
