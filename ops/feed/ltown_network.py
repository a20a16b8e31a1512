"""What the columns of L-Town-R are in the town: facilities at their places, and sensors of its network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from ops.water.geo import ToPosition, to_position
from ops.water.inp import Kind, Network, read_network
from ops.water.sensors import Meter, Sensors
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.registry import ZoneConfigured, ZoneKind
from schemas.water import WaterRole

ZONE: Final = "dma:ltown"
NAME: Final = "L-Town-R (regenerated)"
ORIGIN: Final = (33.0150, 34.6850)  # the town is modelled on Limassol; its own plane is in metres
COST_PER_M3, CURRENCY = 0.8, "EUR"  # of the competition's rule
STEP_S, HOUR_S = 300.0, 3600.0
HOUSEHOLD: Final = "AMR_"
SUM: Final = "AMR_SUM"
AREA: Final = "C"
"""The competition's name of the part behind the pump, with the tank and the metered households."""


class ColumnKind(NamedTuple):
    """What a column holds."""

    observed_property: str
    unit: str
    facility_class: FacilityClass


_KINDS: Final = {
    "P": ColumnKind("pressure", "m[H2O]", FacilityClass.PRESSURE_METER),
    "F": ColumnKind("flow", "m3/h", FacilityClass.FLOW_METER),
    "L": ColumnKind("water_level", "m", FacilityClass.WATER_TANK),
    "AMR": ColumnKind("flow", "m3/h", FacilityClass.WATER_METER),
}


def is_known(column: str) -> bool:
    """Whether a column is one of a meter."""
    return column.partition("_")[0] in _KINDS


def kind_of(column: str) -> ColumnKind:
    """What a meter's column holds."""
    return _KINDS[column.partition("_")[0]]


def element_of(column: str) -> str | None:
    """The node or link of the network; None for the sum of the households."""
    return None if column == SUM else column.partition("_")[2]


def role_of(column: str, network: Network) -> WaterRole:
    """What a meter's column measures of the network; a pump is told by the network or, without one, by its name."""
    match column.partition("_")[0]:
        case "P":
            return WaterRole.PRESSURE
        case "L":
            return WaterRole.TANK_LEVEL
        case "AMR":
            return WaterRole.CONSUMPTION
        case _:
            element = element_of(column) or ""
            is_pump = network.kind(element) is Kind.PUMP or element.upper().startswith("PUMP")
            return WaterRole.PUMP if is_pump else WaterRole.INLET


def device_id(column: str) -> str:
    """`P_n1` becomes `ltown-p-n1`; the facility carries the same name."""
    letter, _, element = column.partition("_")
    return f"ltown-{letter.lower()}-{element.lower()}"


@dataclass(frozen=True, eq=False)
class Town:
    """The columns, and the network where there is a file of it."""

    columns: Sequence[str]
    inp: Path | None
    network: Network

    @classmethod
    def of(cls, columns: Iterable[str], inp: Path | None) -> "Town":
        """With what the file says; without one all meters stand at one place."""
        return cls(tuple(columns), inp, Network() if inp is None else read_network(inp))

    @cached_property
    def facilities(self) -> tuple[Facility, ...]:
        """A facility for each column."""
        return tuple(
            Facility(
                facility=device_id(column),
                scheme=CodeScheme.LOCAL,
                facility_class=kind_of(column).facility_class,
                name=f"L-Town {column}",
                zone=ZONE,
                place=self._place(element_of(column)),
                devices=(DeviceBinding(device=device_id(column), interval_s=_interval_s(column)),),
            )
            for column in self.columns
        )

    @property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """The whole town is one zone."""
        return (ZoneConfigured(zone=ZONE, kind=ZoneKind.DMA, name=NAME, place=Place(lon=ORIGIN[0], lat=ORIGIN[1])),)

    @cached_property
    def sensors(self) -> Sensors:
        """The file that `eyes water configure` would want of the town."""
        meters = tuple(
            Meter(
                role=role,
                facility=device_id(column),
                element=element_of(column),
                area=self._area(column, role),
            )
            for column in self.columns
            for role in (role_of(column, self.network),)
        )
        return Sensors(zone=ZONE, name=NAME, origin=ORIGIN, cost_per_m3=COST_PER_M3, currency=CURRENCY, sensor=meters)

    def _area(self, column: str, role: WaterRole) -> str | None:
        if role is WaterRole.PRESSURE:
            return AREA if self.network.part(element_of(column) or "") in self._tank_parts else None
        return None if role is WaterRole.INLET else AREA

    @cached_property
    def _tank_parts(self) -> set[int]:
        return {part for tank in self.network.named(Kind.TANK) if (part := self.network.part(tank)) is not None}

    @cached_property
    def _position(self) -> ToPosition:
        return to_position(self.network.coordinates.values(), ORIGIN)

    def _place(self, element: str | None) -> Place:
        at = None if element is None else self.network.at(element)
        lon, lat = self._position(*(at or (0.0, 0.0)))
        return Place(lon=round(lon, 6), lat=round(lat, 6), address="L-Town")


def _interval_s(column: str) -> float:
    return HOUR_S if column.startswith(HOUSEHOLD) and column != SUM else STEP_S
