"""Messages of devices nobody has registered: the fold of ``city.unregistered.v1``, quota and what may be released.

Payloads stay in Kafka; here stand only their offsets. ``ReadingsReleased`` closes the messages of a device up to an
offset: one that another ingest slipped in meanwhile stays waiting and is released later.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from ingest.registry import Registry
from schemas.quarantine import ReadingsReleased, UnregisteredReadings

CAMERA: Final = "camera"
"""Stands in place of the property in the identities of a camera's message."""
MESSAGES_MAX: Final = 500_000
"""Of all unknown devices together: invented device names must not fill the memory."""


class Waiting:
    """One message that waits; ``offset`` is None until it was read back from the log."""

    __slots__ = ("offset", "partition", "properties")

    def __init__(self, partition: int, offset: int | None, properties: frozenset[str]) -> None:
        self.partition = partition
        self.offset = offset
        self.properties = properties


class Unregistered:
    """What waits, per device."""

    def __init__(self, quota: int, registry: Registry, messages_max: int = MESSAGES_MAX) -> None:
        self._quota = quota
        self._registry = registry
        self._suspects: set[str] = set()  # devices that wait and are registered by now, if perhaps for something else
        self._messages_max = messages_max
        self._devices: dict[str, dict[UUID, Waiting]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def admits(self, device: str) -> bool:
        """Whether one more message of this device may wait."""
        return len(self._devices.get(device, ())) < self._quota and self._count < self._messages_max

    def is_written(self, device: str, message_id: UUID) -> bool:
        """Whether this very message is known to stand in the log."""
        waiting = self._devices.get(device, {}).get(message_id)
        return waiting is not None and waiting.offset is not None

    def waits(self, device: str, message_id: UUID) -> bool:
        """Whether this very message counts already, written or on its way."""
        return message_id in self._devices.get(device, ())

    def sent(self, readings: UnregisteredReadings, partition: int) -> None:
        """We are writing it: it counts from now on."""
        self._put(readings, partition, None)

    def forget_unwritten(self) -> None:
        """Kafka refused something: whatever was not read back may not exist. Its message will come again."""
        for device, messages in list(self._devices.items()):
            for message_id in [key for key, waiting in messages.items() if waiting.offset is None]:
                del messages[message_id]
                self._count -= 1
            if not messages:
                del self._devices[device]

    def apply(self, partition: int, offset: int, event: UnregisteredReadings | ReadingsReleased) -> None:
        """Fold one record of the topic."""
        if isinstance(event, UnregisteredReadings):
            self._put(event, partition, offset)
            return
        messages = self._devices.get(event.device, {})
        for message_id, waiting in self._written(event.device):
            if waiting.offset is not None and waiting.offset <= event.through:
                del messages[message_id]
                self._count -= 1
        if not messages:
            self._devices.pop(event.device, None)
            self._suspects.discard(event.device)

    def _put(self, readings: UnregisteredReadings, partition: int, offset: int | None) -> None:
        messages = self._devices.setdefault(readings.device, {})
        if self._registry.knows(readings.device):
            self._suspects.add(readings.device)
        known = messages.get(readings.id)
        if known is None:
            messages[readings.id] = Waiting(partition, offset, frozenset(name for name, _ in readings.identities))
            self._count += 1
        elif known.offset is None:
            known.offset = offset

    def _written(self, device: str) -> list[tuple[UUID, Waiting]]:
        """What of a device stands in the log, oldest first (all of it in one partition: the key is the device)."""
        written = [(key, w) for key, w in self._devices.get(device, {}).items() if w.offset is not None]
        return sorted(written, key=lambda item: item[1].offset or 0)

    def offsets(self, device: str) -> tuple[int, list[int]]:
        """The partition and the offsets of everything of a device that stands in the log, oldest first."""
        written = self._written(device)
        return (written[0][1].partition if written else 0), [w.offset for _, w in written if w.offset is not None]

    def registered(self, devices: Iterable[str]) -> None:
        """The registry changed for these devices: look at them again."""
        self._suspects.update(device for device in devices if device in self._devices)

    def releasable(self) -> Iterator[str]:
        """Devices of which something waits that a facility claims by now; cheap, however many wait in vain."""
        for device in sorted(self._suspects):
            messages = self._devices.get(device, {})
            names = {name for waiting in messages.values() if waiting.offset is not None for name in waiting.properties}
            if any(self._claimed(device, name) for name in names):
                yield device

    def _claimed(self, device: str, name: str) -> bool:
        return bool(self._registry.views(device) if name == CAMERA else self._registry.targets(device, name))
