"""The twins as they stand in the compacted topic ``city.devices.v1``, read whole."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ops.logreader import read_all
from runtime.settings import KafkaSettings
from schemas.device import DeviceTwin
from schemas.topics import DEVICES


def read_devices(settings: KafkaSettings) -> dict[str, DeviceTwin]:
    """The newest word on every device, by its id.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    twins: dict[str, DeviceTwin] = {}
    for entry in read_all(settings, DEVICES):
        if entry.event is not None and isinstance(entry.event.data, DeviceTwin):
            twins[entry.event.data.device] = entry.event.data
        elif entry.raw is None and entry.key is not None:
            twins.pop(entry.key, None)
    return dict(sorted(twins.items()))


class Field(NamedTuple):
    """A field that became no reading, over all devices of one kind."""

    decoder: str
    vendor: str
    model: str
    name: str
    times: int
    devices: int
    example: str
    why: str


def unmapped_fields(twins: Iterable[DeviceTwin]) -> list[Field]:
    """What devices say that nobody understands, the most frequent first."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    devices: Counter[tuple[str, str, str, str]] = Counter()
    said: dict[tuple[str, str, str, str], tuple[str, str]] = {}
    for twin in twins:
        for field in twin.unmapped:
            key = (twin.decoder, twin.vendor or "", twin.model or "", field.name)
            counts[key] += field.count
            devices[key] += 1
            said.setdefault(key, (field.value, field.why))
    return [
        Field(*key, count, devices[key], *said[key])
        for key, count in sorted(counts.items(), key=lambda i: (-i[1], i[0]))
    ]
