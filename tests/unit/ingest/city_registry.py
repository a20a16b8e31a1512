"""The registry of a simulated city: how it is loaded, bit by bit, and what a daily rewrite must have of it."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from city_messages import facility_of

from schemas.clock import ShardRetired
from schemas.envelope import CloudEvent, Data, encode
from schemas.model import from_ms
from schemas.partitioning import partition_of
from schemas.registry import (
    LOAD_KEY,
    RETIRED_KEY,
    WATER_KEY,
    FacilityRegistered,
    RegistryLoad,
    RegistryRewriteBegun,
    RegistryRewriteEnded,
    RegistryRewritten,
)
from schemas.topics import EVENTS, FACILITIES
from schemas.water import WaterNetworkConfigured
from tests.memory.log import At, MemoryLog
from tests.memory.process import Violation, VirtualTiming
from tests.surveyor import network

STATE: At = (FACILITIES.name, 0)


class CityRegistry:
    """Who registers devices, a record at a time."""

    def __init__(self, log: MemoryLog, timing: VirtualTiming) -> None:
        self._log = log
        self._timing = timing
        self._revision = 0
        self._left: deque[tuple[At, Data | None, str]] = deque()

    def register(self, *devices: str) -> None:
        """As ``eyes registry load`` does: into the events first, and says when it begins and ends.

        With them goes the water network of the first one's zone.
        """
        self._revision += 1
        mark = f"{LOAD_KEY}{self._revision}"
        said = [FacilityRegistered(facility=facility_of(device), revision=self._revision) for device in devices]
        self._left.append((STATE, RegistryLoad(revision=self._revision), mark))
        for one in said:
            zone = one.facility.zone
            self._left.append(((EVENTS.name, partition_of(zone, EVENTS.partitions)), one, zone))
        pipes = network(None, said[0].facility.zone, revision=self._revision)
        self._left.append(((EVENTS.name, partition_of(pipes.zone, EVENTS.partitions)), pipes, pipes.zone))
        self._left += [(STATE, one, one.facility.facility) for one in said]
        self._left.append((STATE, pipes, WATER_KEY + pipes.zone))
        self._left.append((STATE, None, mark))

    @property
    def is_loading(self) -> bool:
        """Whether something was begun that is not complete."""
        return bool(self._left)

    def go_on(self) -> None:
        """The next record."""
        self._say(*self._left.popleft())

    def retire(self, shard: str) -> None:
        """Somebody thinks that this ingest will not come back."""
        self._say(STATE, ShardRetired(shard=shard), RETIRED_KEY + shard)

    def has_retired(self, shard: str) -> bool:
        """Whether that stands there and was not taken back."""
        newest = range(self._log.bounds(STATE).end - 1, -1, -1)
        said = (self._log.entry(STATE, offset) for offset in newest)
        key = (RETIRED_KEY + shard).encode()
        return next((one.value for one in said if one.key == key), None) is not None

    def _say(self, at: At, data: Data | None, key: str) -> None:
        time = from_ms(self._timing.wall_ms())
        raw = None if data is None else encode(CloudEvent("1", "/registry", time, data))
        self._log.append(at, raw, key=key.encode())


def check_rewrites(records: Iterable[RegistryRewritten], events: Sequence[Any]) -> None:
    """Between the markers of a complete rewrite stands all that was registered before, as it was then or newer.

    ``events`` are those of its partition, by offset.

    Raises:
        Violation: somebody who begins there misses something.
    """
    for one in records:
        begin, end = events[one.begin_offset], events[one.end_offset]
        if not (isinstance(begin, RegistryRewriteBegun) and isinstance(end, RegistryRewriteEnded)):
            raise Violation(f"no markers where {one} says")
        if not begin.rewrite == end.rewrite == one.rewrite:
            raise Violation(f"markers of another where {one} says")
        stood = _revisions(events[: one.begin_offset])
        found = _revisions(events[one.begin_offset : one.end_offset])
        missing = {name for name, revision in stood.items() if found.get(name, -1) < revision}
        if missing or end.facilities != one.facilities or one.facilities > len(found):
            raise Violation(f"{one} has {found} of {stood}")


def _revisions(events: Iterable[Any]) -> dict[str, int]:
    """Of each facility and water network, the newest that stands there."""
    found: dict[str, int] = {}
    for event in events:
        if isinstance(event, FacilityRegistered):
            name = event.facility.facility
            found[name] = max(event.revision, found.get(name, -1))
        elif isinstance(event, WaterNetworkConfigured):
            key = WATER_KEY + event.zone
            found[key] = max(event.revision, found.get(key, -1))
    return found
