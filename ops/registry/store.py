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
    """Without their revisions, so that they compare with what a file says."""
    revision: int = 0
    """The highest so far."""


def read_registered(settings: KafkaSettings) -> Registered:
    """Everything that is registered.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    facilities: dict[str, Facility] = {}
    zones: dict[str, ZoneConfigured] = {}
    revision = 0
    for entry in read_all(settings, FACILITIES):
        data = entry.event.data if entry.event is not None else None
        key = entry.key or ""
        if isinstance(data, FacilityRegistered):
            facilities[key] = data.facility
            revision = max(revision, data.revision)
        elif isinstance(data, ZoneConfigured):
            zones[data.zone] = data.model_copy(update={"revision": 0})
            revision = max(revision, data.revision)
        elif entry.raw is None and key.startswith(ZONE_KEY):
            zones.pop(key.removeprefix(ZONE_KEY), None)
        elif entry.raw is None:
            facilities.pop(key, None)
    return Registered(facilities, zones, revision)
