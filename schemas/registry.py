"""Events by which folds learn what stands where: registrations, departures, zones, and the daily rewrite."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.facility import Facility, Place, Policy
from schemas.model import Model, ZoneId

Revision = Annotated[int, Field(ge=0)]
"""Grows with every change of one facility or zone, so that an older word (a rewrite of the registry by somebody who has
not heard yet) changes nothing; 0 where nobody counts."""


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


class RegistryRewriteBegun(Model):
    """All registrations and configurations of this partition follow; a cold fold may start here."""

    partition: Annotated[int, Field(ge=0)]
    rewrite: str


class RegistryRewriteEnded(Model):
    """The rewrite of this name is complete in this partition."""

    partition: Annotated[int, Field(ge=0)]
    rewrite: str
    facilities: Annotated[int, Field(ge=0)]
