"""The file ``sensors.toml``: which meter measures what of a network.

::

    zone = "dma:weidu"
    name = "Weidu"                   # the rest of the head may be left out
    origin = [113.85, 34.03]         # lon, lat of the point (0, 0), where coordinates are metres
    cost_per_m3 = 0.8
    currency = "EUR"
    interval_s = 300                 # of devices that are registered from here

    [[sensor]]
    role = "inlet"                   # inlet, outlet, pump, pressure, tank_level, consumption
    facility = "meter-17"
    element = "p227"                 # node or link of the model
    area = "C"                       # only where a part has a balance of its own
    device = "24e124713c140411"      # for --register; without it the device is called like the facility
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops.water.inp import Kind, Network
from runtime.errors import FatalError
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.water import PROPERTY_OF, WaterRole, WaterSensor

_CLASS_OF: Final = {
    WaterRole.INLET: FacilityClass.FLOW_METER,
    WaterRole.OUTLET: FacilityClass.FLOW_METER,
    WaterRole.PUMP: FacilityClass.FLOW_METER,
    WaterRole.PRESSURE: FacilityClass.PRESSURE_METER,
    WaterRole.TANK_LEVEL: FacilityClass.WATER_TANK,
    WaterRole.CONSUMPTION: FacilityClass.WATER_METER,
}
OF_WATER: Final = frozenset(_CLASS_OF.values())
"""The classes of facilities that detectors of leaks hear."""
_LINKS: Final = {Kind.PIPE, Kind.PUMP, Kind.VALVE}
_KINDS_OF: Final = {
    WaterRole.INLET: _LINKS,
    WaterRole.OUTLET: _LINKS,
    WaterRole.PUMP: _LINKS,
    WaterRole.PRESSURE: {Kind.JUNCTION, Kind.RESERVOIR, Kind.TANK},
    WaterRole.TANK_LEVEL: {Kind.TANK},
    WaterRole.CONSUMPTION: {Kind.JUNCTION},
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Meter(_Strict):
    """One ``[[sensor]]``."""

    role: WaterRole
    facility: str
    element: str | None = None
    area: str | None = None
    device: str | None = None
    name: str | None = None
    interval_s: float | None = None

    @property
    def sensor(self) -> WaterSensor:
        """As it stands in the network's event."""
        return WaterSensor(
            facility=self.facility,
            observed_property=PROPERTY_OF[self.role],
            role=self.role,
            element=self.element,
            area=self.area,
        )

    def facility_at(self, zone: str, place: Place, interval_s: float | None) -> Facility:
        """What is registered of it."""
        binding = DeviceBinding(
            device=self.device or self.facility,
            interval_s=interval_s if self.interval_s is None else self.interval_s,
            properties=(PROPERTY_OF[self.role],),
        )
        return Facility(
            facility=self.facility,
            scheme=CodeScheme.LOCAL,
            facility_class=_CLASS_OF[self.role],
            name=self.name or f"{self.role.value.replace('_', ' ')} {self.element or self.facility}",
            zone=zone,
            place=place,
            devices=(binding,),
        )


class Sensors(_Strict):
    """The file."""

    zone: str
    name: str | None = None
    origin: tuple[float, float] | None = None
    cost_per_m3: float | None = None
    currency: str | None = None
    interval_s: float | None = None
    sensor: Annotated[tuple[Meter, ...], Field(min_length=1)]


def read_sensors(path: Path) -> Sensors:
    """What the file says.

    Raises:
        FatalError: it cannot be read, or something in it is wrong; the message says what and where.
    """
    try:
        return Sensors.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        raise wrong(path, error) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise FatalError(f"{path} cannot be read: {error}") from None


def wrong(path: Path, error: ValidationError) -> FatalError:
    """What is wrong in a file, by sensor and field."""
    lines = [f"  {'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}" for one in error.errors()]
    return FatalError("\n".join((f"{path} is wrong:", *lines)))


def problems(sensors: Sensors, network: Network) -> Iterator[str]:
    """What of the sensors does not fit the network, a line each."""
    for number, meter in enumerate(sensors.sensor):
        if meter.element is None:
            continue
        kind = network.kind(meter.element)
        wanted = _KINDS_OF[meter.role]
        if kind is None:
            yield f"sensor.{number}.element: the model has no {meter.element!r}{_hint(meter.element, network)}"
        elif kind not in wanted:
            said = ", ".join(sorted(one.value for one in wanted))
            what = f"{meter.role.value} is measured at a {said}"
            yield f"sensor.{number}.element: {what}; {meter.element} is a {kind.value}"


def _hint(name: str, network: Network) -> str:
    """The same name in other letters, if there is one: EPANET distinguishes them."""
    for known in (*network.nodes, *network.links):
        if known.lower() == name.lower():
            return f"; there is {known!r}"
    return ""
