"""The timers of one partition: a heap in (time, zone, detector, name) order, with lazy deletion."""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

Entry = tuple[int, str, str, str]
"""Time, zone, detector and name; at most one timer for each of the last three."""
_Key = tuple[str, str]  # detector and name


class Timers:
    """What is to be woken, and when."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Begin with these entries, as :meth:`snapshot` gave them."""
        self._heap: list[Entry] = []
        self._armed: dict[str, dict[_Key, int]] = {}
        self._count = 0
        self.add(entries)

    def __len__(self) -> int:
        return self._count

    def add(self, entries: Iterable[Entry]) -> None:
        """Arm timers of zones that had none, as :meth:`snapshot` gave them."""
        for entry in entries:
            at_ms, zone, detector, name = entry
            self._armed.setdefault(zone, {})[detector, name] = at_ms
            self._heap.append(entry)
            self._count += 1
        heapify(self._heap)

    def set(self, zone: str, detector: str, name: str, at_ms: int | None) -> None:
        """Arm, move or (with None) cancel a timer."""
        key = (detector, name)
        armed = self._armed.get(zone)
        if at_ms is None:
            if armed is not None and armed.pop(key, None) is not None:
                self._removed(zone, armed)
            return
        if armed is None:
            armed = self._armed[zone] = {}
        before = armed.get(key)
        if before != at_ms:
            armed[key] = at_ms
            self._count += before is None
            heappush(self._heap, (at_ms, zone, detector, name))
            if len(self._heap) > 64 + 2 * self._count:
                self._drop_stale()

    def due(self, now_ms: int) -> list[Entry]:
        """Timers that a tick at ``now_ms`` reaches, in the order of delivery; each must still be :meth:`take`-n."""
        found: list[Entry] = []
        heap = self._heap
        while heap and heap[0][0] <= now_ms:
            entry = heappop(heap)
            if self._is_armed(entry) and (not found or found[-1] != entry):
                found.append(entry)
        return found

    def take(self, entry: Entry) -> bool:
        """Whether the timer is still armed for that time; it no longer is afterwards."""
        if not self._is_armed(entry):
            return False
        _, zone, detector, name = entry
        armed = self._armed[zone]
        del armed[detector, name]
        self._removed(zone, armed)
        return True

    def relabel(self, zone: str, detector: str, new: str | None) -> None:
        """Cancel a detector's timers in a zone, or (with ``new``) give them to another that has none there."""
        mine = [key for key in self._armed.get(zone, {}) if key[0] == detector]
        for key in mine:
            at_ms = self._armed[zone][key]
            self.set(zone, *key, None)
            if new is not None:
                self.set(zone, new, key[1], at_ms)

    def shift(self, by_ms: int) -> None:
        """Put off every timer."""
        for armed in self._armed.values():
            for key in armed:
                armed[key] += by_ms
        self._drop_stale()

    def snapshot(self, zones: Iterable[str] | None = None) -> list[Entry]:
        """Every armed timer, of all zones or of these, in order."""
        wanted = self._armed if zones is None else zones
        return sorted(
            (at, zone, detector, name) for zone in wanted for (detector, name), at in self._armed.get(zone, {}).items()
        )

    def _is_armed(self, entry: Entry) -> bool:
        at_ms, zone, detector, name = entry
        armed = self._armed.get(zone)
        return armed is not None and armed.get((detector, name)) == at_ms

    def _removed(self, zone: str, armed: dict[_Key, int]) -> None:
        self._count -= 1
        if not armed:
            del self._armed[zone]

    def _drop_stale(self) -> None:
        self._heap = [
            (at, zone, detector, name) for zone, armed in self._armed.items() for (detector, name), at in armed.items()
        ]
        heapify(self._heap)
