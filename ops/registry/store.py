"""What is registered now: the compacted topic `city.facilities.v1`, read whole."""

from dataclasses import dataclass, field
from typing import Final

from ops.logreader import read_all
from runtime.settings import KafkaSettings
from schemas.facility import Facility
from schemas.registry import FacilityRegistered, ZoneConfigured
from schemas.topics import FACILITIES

ZONE_KEY: Final = "zone:"

Registration = FacilityRegistered | ZoneConfigured


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
    known, revision = _read(settings)
    for key, data in known.items():
        if isinstance(data, FacilityRegistered):
            facilities[key] = data.facility
        else:
            zones[data.zone] = data.model_copy(update={"revision": 0})
    return Registered(facilities, zones, revision)


def read_registrations(settings: KafkaSettings) -> list[Registration]:
    """The same as it stands there, with its revisions: the zones first.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    known, _ = _read(settings)
    return sorted(known.values(), key=lambda data: isinstance(data, FacilityRegistered))


def _read(settings: KafkaSettings) -> tuple[dict[str, Registration], int]:
    """By key; and the highest revision, of what is gone by now too."""
    known: dict[str, Registration] = {}
    revision = 0
    for entry in read_all(settings, FACILITIES):
        data = entry.event.data if entry.event is not None else None
        key = entry.key or ""
        if isinstance(data, FacilityRegistered | ZoneConfigured):
            known[key] = data
            revision = max(revision, data.revision)
        elif entry.raw is None:
            known.pop(key, None)
    return known, revision
