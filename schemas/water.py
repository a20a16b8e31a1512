"""What is known of a water network: which meter measures what of it, and by which model of it leaks are placed."""

from collections import Counter
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from schemas.chunks import ModelDigest
from schemas.facility import FacilityId
from schemas.model import Model, ZoneId
from schemas.registry import Revision


class WaterRole(StrEnum):
    """What a sensor measures, seen from the network's balance."""

    INLET = "inlet"  # flow into the zone, counted positive
    OUTLET = "outlet"  # flow out of it, e.g. to a neighbour
    PUMP = "pump"  # flow of a pump station inside, which fills a tank or lifts an area
    PRESSURE = "pressure"
    TANK_LEVEL = "tank_level"
    CONSUMPTION = "consumption"  # what customers take: at an element by one meter, without one the sum of many


PROPERTY_OF: Final = {
    WaterRole.INLET: "flow",
    WaterRole.OUTLET: "flow",
    WaterRole.PUMP: "flow",
    WaterRole.PRESSURE: "pressure",
    WaterRole.TANK_LEVEL: "water_level",
    WaterRole.CONSUMPTION: "flow",
}
"""The observed property of each role."""

_Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")]


class WaterSensor(Model):
    """One meter of a network: a property of a facility."""

    facility: FacilityId
    observed_property: str
    role: WaterRole
    element: _Name | None = None
    """The node or link of the model at which it measures."""
    area: _Name | None = None
    """A part of the network whose balance can be drawn, e.g. that behind a pump with a tank."""

    @property
    def key(self) -> str:
        """What distinguishes it from the other sensors, and names it in the model."""
        return f"{self.facility}/{self.observed_property}"

    @model_validator(mode="after")
    def _property_of_its_role(self) -> Self:
        wanted = PROPERTY_OF[self.role]
        if self.observed_property != wanted:
            raise ValueError(f"a sensor of role {self.role.value} measures {wanted}, not {self.observed_property!r}")
        return self


class WaterNetworkConfigured(Model):
    """The network of a zone, whole: what an earlier event said of the same zone holds no longer.

    What can be learnt from readings (roughness, demands, noise) is not in here: detectors learn it.
    """

    zone: ZoneId
    name: Annotated[str | None, Field(max_length=128)] = None
    model: ModelDigest | None = None
    """Stands in ``city.models.v1`` before this event is written; None: leaks are looked for without a model."""
    sensors: Annotated[tuple[WaterSensor, ...], Field(min_length=1, max_length=10_000)]
    cost_per_m3: Annotated[float | None, Field(gt=0)] = None
    """What a cubic metre of lost water costs, in ``currency``."""
    currency: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")] = None
    revision: Revision = 0

    @model_validator(mode="after")
    def _costs_have_a_currency(self) -> Self:
        if (self.cost_per_m3 is None) != (self.currency is None):
            raise ValueError("costPerM3 and currency stand together or not at all")
        return self

    @model_validator(mode="after")
    def _one_role_each(self) -> Self:
        counts = Counter((sensor.facility, sensor.observed_property) for sensor in self.sensors)
        for (facility, observed_property), count in counts.items():
            if count > 1:
                raise ValueError(f"{observed_property} of {facility} stands there {count} times: a meter has one role")
        return self
