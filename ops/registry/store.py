"""What is registered now: the compacted topic `city.facilities.v1`, read whole."""

from dataclasses import dataclass, field
from typing import Final

from ops.logreader import read_all
from runtime.settings import KafkaSettings
from schemas.facility import Facility
from schemas.registry import FacilityRegistered, ZoneConfigured
from schemas.topics import FACILITIES

ZONE_KEY: Final = "zone:"


@dataclass(frozen=True, slots=True)
class Registered:
    """Facilities and zones by their ids."""

    facilities: dict[str, Facility] = field(default_factory=dict)
    zones: dict[str, ZoneConfigured] = field(default_factory=dict)


def read_registered(settings: KafkaSettings) -> Registered:
    """Everything that is registered.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    registered = Registered()
    for entry in read_all(settings, FACILITIES):
        data = entry.event.data if entry.event is not None else None
        key = entry.key or ""
        if isinstance(data, FacilityRegistered):
            registered.facilities[key] = data.facility
        elif isinstance(data, ZoneConfigured):
            registered.zones[data.zone] = data
        elif entry.raw is None and key.startswith(ZONE_KEY):
            registered.zones.pop(key.removeprefix(ZONE_KEY), None)
        elif entry.raw is None:
            registered.facilities.pop(key, None)
    return registered
