"""A made-up fleet of devices in the proportions of a city, and what each says: one reading a message, numbered."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.registry import ZoneConfigured, ZoneKind

SENSORS_A_ZONE: Final = 25
INTERVAL_S: Final = 3_600.0  # far longer than a benchmark: nobody is to be found silent in it
WEST, SOUTH, STEP_DEG = 113.80, 34.00, 0.0005


@dataclass(frozen=True, slots=True)
class Kind:
    """One class of devices; ``share`` of the fleet, ``values`` what it says in turn, well within what is normal."""

    facility_class: FacilityClass
    observed_property: str
    values: tuple[float, ...]
    share: float
    zones: ZoneKind
    prefix: str


KINDS: Final = (
    Kind(FacilityClass.MANHOLE_COVER, "tilt_angle", (2.0, 2.1, 2.2, 2.1), 0.5, ZoneKind.GRID, "grid:bench-"),
    Kind(FacilityClass.PARKING_BAY, "occupied", (0.0,), 0.2, ZoneKind.STREET_SEGMENT, "segment:bench-"),
    Kind(FacilityClass.PRESSURE_METER, "pressure", (402000.0, 402500.0, 401800.0), 0.2, ZoneKind.DMA, "dma:bench-"),
    Kind(FacilityClass.STREET_LAMP, "power", (61.0, 60.5, 61.5), 0.1, ZoneKind.LAMP_FEEDER, "feeder:bench-"),
)


_POLICIES: Final = {
    FacilityClass.MANHOLE_COVER: Policy(install_angle_deg=2.0),
    FacilityClass.STREET_LAMP: Policy(rules={"lamp.rated_w": 61.0}),
}


@dataclass(frozen=True, slots=True)
class Device:
    """A device and what it is; its facility carries the same name."""

    name: str
    kind: Kind
    number: int

    @property
    def zone(self) -> str:
        """Devices stand in zones of :data:`SENSORS_A_ZONE`."""
        return f"{self.kind.prefix}{self.number // SENSORS_A_ZONE}"


def fleet(size: int) -> list[Device]:
    """``size`` devices, the kinds one after the other."""
    return [
        Device(f"bench-{kind.observed_property.replace('_', '-')}-{number}", kind, number)
        for kind in KINDS
        for number in range(round(size * kind.share))
    ]


def facilities(devices: list[Device], interval_s: float | None = INTERVAL_S) -> Iterator[Facility]:
    """What must be registered, with the interval at which each is expected to speak; None: whenever it likes."""
    for device in devices:
        yield Facility(
            facility=device.name,
            scheme=CodeScheme.LOCAL,
            facility_class=device.kind.facility_class,
            zone=device.zone,
            place=_place(device.number),
            devices=(DeviceBinding(device=device.name, interval_s=interval_s),),
            policy=_POLICIES.get(device.kind.facility_class, Policy()),
        )


def zones(devices: list[Device]) -> Iterator[ZoneConfigured]:
    """What must be configured."""
    for device in devices:
        if device.number % SENSORS_A_ZONE == 0:
            yield ZoneConfigured(zone=device.zone, kind=device.kind.zones, place=_place(device.number))


def _place(number: int) -> Place:
    return Place(lon=round(WEST + number % 200 * STEP_DEG, 6), lat=round(SOUTH + number // 200 * STEP_DEG, 6))
