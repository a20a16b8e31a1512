"""Events by which folds learn what stands where: registrations, departures, zones, and the daily rewrite."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from schemas.curb import Calendar
from schemas.facility import Facility, FacilityClass, Place, Policy
from schemas.model import Model, Timestamp, ZoneId

Revision = Annotated[int, Field(ge=0)]
"""Grows with every change of one facility or zone, so that an older word (a rewrite of the registry by somebody who has
not heard yet) changes nothing; 0 where nobody counts."""


LOAD_KEY: Final = "/load/"
PROBE_KEY: Final = "/probe/"
RETIRED_KEY: Final = "/retired/"
WATER_KEY: Final = "/water/"
"""Beginnings of keys in ``city.facilities.v1`` that no facility's id can have; behind the last one stands a zone."""
CITY_KEY: Final = "/city/"
"""Beginning of the keys of what is known of the whole city."""
LOAD_MS: Final = 600_000
"""A load of the registry that takes longer has died; repeating it writes its events again."""


class FacilityRegistered(Model):
    """A facility stands in this zone, or what is known of it changed."""

    facility: Facility
    revision: Revision = 0


class FacilityLeft(Model):
    """A facility left this zone: moved to another or was removed."""

    facility: str
    zone: ZoneId
    revision: Revision = 0


class ZoneKind(StrEnum):
    """What a zone is made of."""

    DMA = "dma"  # district metered area of a water network
    STREET_SEGMENT = "street_segment"
    LAMP_FEEDER = "lamp_feeder"
    GRID = "grid"


class ZoneConfigured(Model):
    """What is known of a zone as a whole."""

    zone: ZoneId
    kind: ZoneKind
    name: Annotated[str | None, Field(max_length=128)] = None
    place: Place
    policy: Policy = Policy()
    revision: Revision = 0


class CityWide(Model):
    """What every zone hears, whichever partition it is in; stands in every partition of the events."""

    revision: Revision = 0

    @property
    def key(self) -> str:
        """In ``city.facilities.v1``."""
        raise NotImplementedError


class ClassConfigured(CityWide):
    """What is known of all facilities of a class in the city."""

    facility_class: FacilityClass
    policy: Policy = Policy()

    @property
    def key(self) -> str:
        """In ``city.facilities.v1``."""
        return f"{CITY_KEY}class/{self.facility_class.value}"


class CalendarConfigured(CityWide):
    """The city's time zone and its designated days, by which curb policies are judged."""

    calendar: Calendar

    @property
    def key(self) -> str:
        """In ``city.facilities.v1``; there is one calendar."""
        return f"{CITY_KEY}calendar"


def read_city_wide(key: str, data: bytes) -> CityWide:
    """What stood under a key, from its JSON.

    Raises:
        ValueError: it is no such thing.
    """
    kind = ClassConfigured if key.startswith(f"{CITY_KEY}class/") else CalendarConfigured
    return kind.model_validate_json(data)


Partition = Annotated[int, Field(ge=0)]
Offset = Annotated[int, Field(ge=0)]


class RegistryRewriteBegun(Model):
    """All registrations and configurations of this partition follow; a cold fold may start here.

    What was registered before it is among them; what is registered after it stands behind it, perhaps among the rest,
    as readings do. Each attempt has a name of its own: one that was broken off has no end. ``time`` is the newest
    tick's: who starts here knows how late it is before the next one.
    """

    partition: Partition
    rewrite: str
    time: Timestamp | None = None
    generation: Annotated[int | None, Field(ge=1)] = None


class RegistryRewriteEnded(Model):
    """The rewrite of this name is complete in this partition."""

    partition: Partition
    rewrite: str
    facilities: Annotated[int, Field(ge=0)]


class RegistryRewritten(Model):
    """Where a complete rewrite stands in its partition of ``city.events.v1``; ``time`` is the log's when it began."""

    partition: Partition
    rewrite: str
    time: Timestamp
    generation: Annotated[int, Field(ge=1)]
    begin_offset: Offset
    end_offset: Offset
    facilities: Annotated[int, Field(ge=0)]


class RegistryLoad(Model):
    """A change of the registry is under way; its events may be in the log already, its state is not yet complete."""

    revision: Revision


class RegistryProbe(Model):
    """Who hears this has heard everything that was known of the registry when this rewrite began."""

    rewrite: str
