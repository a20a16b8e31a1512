"""What is registered now: the compacted topic `city.facilities.v1`, read whole."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ops.logreader import read_all
from runtime.settings import KafkaSettings
from schemas.curb import DEFAULT_CALENDAR, Calendar
from schemas.facility import Facility, FacilityClass, Policy
from schemas.registry import (
    CalendarConfigured,
    CityWide,
    ClassConfigured,
    FacilityRegistered,
    RegistryLoad,
    ZoneConfigured,
)
from schemas.topics import FACILITIES
from schemas.water import WaterNetworkConfigured
from schemas.works import WORKS_KEY, MaintenancePlanned

ZONE_KEY: Final = "zone:"

Registration = FacilityRegistered | ZoneConfigured | WaterNetworkConfigured


@dataclass(frozen=True, slots=True)
class Registered:
    """Facilities and zones by their ids."""

    facilities: dict[str, Facility] = field(default_factory=dict)
    zones: dict[str, ZoneConfigured] = field(default_factory=dict)
    """Without their revisions, so that they compare with what a file says."""
    revision: int = 0
    """The highest so far."""
    networks: dict[str, WaterNetworkConfigured] = field(default_factory=dict)
    """The water networks by their zones; without their revisions too."""
    city: dict[str, CityWide] = field(default_factory=dict)
    """By the topic's keys, without their revisions."""

    works: dict[str, MaintenancePlanned] = field(default_factory=dict)
    """By their references, as they stand there."""

    def of_class(self, facility_class: FacilityClass) -> Policy:
        """What is configured for a class."""
        found = self.city.get(ClassConfigured(facility_class=facility_class).key)
        return found.policy if isinstance(found, ClassConfigured) else Policy()

    @property
    def calendar(self) -> Calendar:
        """The city's own, or what holds while it has none."""
        found = next((word for word in self.city.values() if isinstance(word, CalendarConfigured)), None)
        return DEFAULT_CALENDAR if found is None else found.calendar


def read_registered(settings: KafkaSettings) -> Registered:
    """Everything that is registered.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    facilities: dict[str, Facility] = {}
    zones: dict[str, ZoneConfigured] = {}
    networks: dict[str, WaterNetworkConfigured] = {}
    standing = read_standing(settings)
    for key, data in standing.registrations.items():
        match data:
            case FacilityRegistered():
                facilities[key] = data.facility
            case ZoneConfigured():
                zones[data.zone] = data.model_copy(update={"revision": 0})
            case WaterNetworkConfigured():
                networks[data.zone] = data.model_copy(update={"revision": 0})
    city = {key: word.model_copy(update={"revision": 0}) for key, word in standing.city.items()}
    return Registered(facilities, zones, standing.revision, networks, city, standing.works)


@dataclass(slots=True)
class Standing:
    """The registry as it stands there, with its revisions."""

    registrations: dict[str, Registration] = field(default_factory=dict)
    """By the topic's keys."""
    city: dict[str, CityWide] = field(default_factory=dict)
    """What is known of the whole city: who follows the events has it from them."""
    works: dict[str, MaintenancePlanned] = field(default_factory=dict)
    """By their references."""
    revision: int = 0
    """The highest so far, of what is gone by now too."""
    loads: dict[str, datetime] = field(default_factory=dict)
    """Changes under way, and when they were last heard of (wall time): their events may stand in the log already."""


def read_standing(settings: KafkaSettings) -> Standing:
    """Everything the topic says.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    found = Standing()
    for entry in read_all(settings, FACILITIES):
        key = entry.key or ""
        if entry.raw is None:
            found.registrations.pop(key, None)
            found.city.pop(key, None)
            found.works.pop(key.removeprefix(WORKS_KEY), None)
            found.loads.pop(key, None)
        elif entry.event is not None:
            match entry.event.data:
                case FacilityRegistered() | ZoneConfigured() | WaterNetworkConfigured() as data:
                    found.registrations[key] = data
                    found.revision = max(found.revision, data.revision)
                case CityWide() as data:
                    found.city[key] = data
                    found.revision = max(found.revision, data.revision)
                case MaintenancePlanned() as data:
                    found.works[data.works] = data
                    found.revision = max(found.revision, data.revision)
                case RegistryLoad():
                    found.loads[key] = entry.event.time
                case _:
                    pass  # probes and retired ingests are no registrations
    return found
