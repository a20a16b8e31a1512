"""What stands where: districts, communities, unit grids, and streets of a hundred facilities each.

A street is laid out by its number alone, so a larger city is the smaller one with more streets. Covers, lamps, bins and
cameras carry codes of GB/T 47678.5-2026 (division, class, serial); what the standard has no class for carries a local
one. The proportions are those of a city that has put sensors where they pay: many covers, lamps and bays, few of the
rest.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ops.simulate.city.curb import TIMED_POLICIES
from ops.simulate.city.draws import Draws
from ops.simulate.city.families.lamp import LAMPS
from ops.simulate.city.kerb_sizes import MAX_STAY_S
from ops.simulate.city.model import Device, Thing
from ops.simulate.city.sizes import DRAIN_DEPTH_M, SHAFT_M, TANK_DEPTH_M, VOLTAGE_V
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.registry import ZoneConfigured, ZoneKind

DISTRICTS: Final = ("411002", "411003", "411082", "411081", "411025", "411024")
"""Weidu, Jian'an, Changge, Yuzhou, Xiangcheng, Yanling; most streets are in the first."""
STREET_FACILITIES: Final = 100
COVERS, BAYS, BINS, DRAINS, ROADS, TANKS, GASES, AIRS, NOISES = 18, 16, 8, 6, 4, 1, 4, 2, 2
KERBS: Final = (("no_stopping", "fire_lane", "entrance"), ("travel", "bus_stop", "bicycle_lane"))
"""By camera, what the stretches of kerb in its picture are for."""
LOCKED_BAYS: Final = (1, 9)
"""With a lock before them."""
WATCHED_BAYS: Final = (4, 5)
"""In the picture of the third camera; their sensors speak more often."""
CAMERAS: Final = len(KERBS) + 1
SIDEWALKS: Final = 2
WEST: Final = 113.80
NORTH: Final = 34.08
STREETS_A_ROW: Final = 40
STREET_DEG: Final = 0.0025
_COVER_CODES: Final = ("01001", "01002", "01003")  # water, sewage, storm water
_WARM: Final = (1, 2, 4)
"""Sorts of LoRaWAN devices with a thermometer: covers, bays, gas detectors."""
_MANY: Final = (1, 2)
"""Those of which every street has many: covers, bays."""
_WET_CODES: Final = _COVER_CODES[1:]
_CLASS_OF: Final = {
    "bicycle_lane": FacilityClass.BICYCLE_LANE,
    "entrance": FacilityClass.ENTRANCE,
    "travel": FacilityClass.TRAVEL_LANE,
}


@dataclass(frozen=True)
class Street:
    """One street segment: its zone, the grid it lies in, the gateway that hears its devices."""

    seed: int
    number: int

    @cached_property
    def district(self) -> str:
        """Six streets of ten are in the first."""
        draw = Draws(self.seed, "district", self.number)
        return DISTRICTS[0] if draw.chance(0.6) else DISTRICTS[draw.whole(1, len(DISTRICTS))]

    @property
    def zone(self) -> str:
        """As the registry calls it."""
        return f"segment:s{self.number:04d}"

    @property
    def feeder_zone(self) -> str:
        """Of its lamps and their cabinet."""
        return f"feeder:f{self.number:04d}"

    @property
    def gateway(self) -> str:
        """EUI of the LoRaWAN gateway on its roof."""
        return f"24e124fffe{self.number:06x}"

    def place(self, along: float) -> Place:
        """A point of the street, 0 to 1 from its western end."""
        row, column = divmod(self.number, STREETS_A_ROW)
        community, grid = 1 + self.number // 8 % 999, 1 + self.number % 8
        return Place(
            lon=round(WEST + (column + 0.9 * along) * STREET_DEG, 6),
            lat=round(NORTH - row * STREET_DEG * 0.6, 6),
            grid=f"{self.district}{1 + self.number // 200 % 999:03d}{community:03d}{grid:03d}",
            district=self.district,
            address=f"Street {self.number}, {round(10 + along * 180)}",
        )

    @property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """What must be configured for it."""
        return (
            ZoneConfigured(
                zone=self.zone, kind=ZoneKind.STREET_SEGMENT, name=f"Street {self.number}", place=self.place(0.5)
            ),
            ZoneConfigured(
                zone=self.feeder_zone, kind=ZoneKind.LAMP_FEEDER, name=f"Feeder {self.number}", place=self.place(0.5)
            ),
        )

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """What speaks here."""
        lamps, roads, bays = tuple(self._lamps()), tuple(self._roads()), tuple(self._bays())
        return (
            *self._covers(),
            *bays,
            self._feeder(lamps),
            *lamps,
            *self._bins(),
            *self._drains(),
            *roads,
            *self._tanks(),
            *self._limits(),
            *self._traffic(),
            *self._cameras(),
            self._kerb_camera(bays),
            self._patrol(tuple(road.facility for road in roads)),
        )

    @property
    def roof(self) -> Facility:
        """Where its gateway stands."""
        return Facility(
            facility=f"gateway-{self.number:04d}",
            scheme=CodeScheme.LOCAL,
            facility_class=FacilityClass.GATEWAY,
            zone=self.zone,
            place=self.place(0.5),
            devices=(DeviceBinding(device=self.gateway),),
        )

    # ------------------------------------------------------------------------------------------------- the sorts

    def _draws(self, *purpose: object) -> Draws:
        return Draws(self.seed, "layout", self.number, *purpose)

    def _lora(self, sort: int, index: int, facility: str, interval_s: float) -> Device:
        eui = f"24e1{sort:02x}{self.number:06x}{index:04x}"
        thermometer = sort in _WARM
        return Device(
            eui,
            "chirpstack",
            facility,
            self.gateway,
            interval_s=interval_s,
            thermometer=thermometer,
            neighbours=sort in _MANY,
        )

    def _thing(
        self,
        facility: str,
        facility_class: FacilityClass,
        family: str,
        device: Device,
        along: float,
        policy: Policy,
        zone: str | None = None,
    ) -> Thing:
        scheme = CodeScheme.GB_T_47678_5_2026 if facility.isdigit() else CodeScheme.LOCAL
        registered = Facility(
            facility=facility,
            scheme=scheme,
            facility_class=facility_class,
            zone=zone or self.zone,
            place=self.place(along),
            devices=(DeviceBinding(device=device.name, interval_s=device.interval_s, gateway=device.gateway),),
            policy=policy,
        )
        return Thing(registered, family, device)

    def _covers(self) -> Iterator[Thing]:
        for index in range(COVERS):
            draws = self._draws("cover", index)
            facility = f"{self.district}{_COVER_CODES[index % 3]}{self.number * COVERS + index + 1:06d}"
            device = self._lora(1, index, facility, 900.0)
            rules = {"cover.depth_m": SHAFT_M} if _COVER_CODES[index % 3] in _WET_CODES else None
            policy = Policy(install_angle_deg=round(draws.uniform(0, 6), 1), rules=rules)
            yield self._thing(facility, FacilityClass.MANHOLE_COVER, "cover", device, index / COVERS, policy)

    def _bays(self) -> Iterator[Thing]:
        for index in range(BAYS):
            facility = f"bay-{self.number:04d}-{index + 1:02d}"
            interval_s = 120.0 if index in WATCHED_BAYS else 600.0
            device = self._lora(2, index, facility, interval_s)
            if index % 2:
                device = _nbiot("bay", self.number, index, facility, interval_s)
                device = device._replace(thermometer=True, neighbours=True, senses=_senses(index))
            policy = Policy(activity="parking", max_stay_s=MAX_STAY_S)
            thing = self._thing(facility, FacilityClass.PARKING_BAY, "bay", device, index / BAYS, policy)
            yield self._watched(thing, index) if index in WATCHED_BAYS else thing

    def _watched(self, bay: Thing, index: int) -> Thing:
        """A bay that is in the picture of the third camera as well."""
        camera = self._camera(len(KERBS))
        seen = DeviceBinding(device=camera.name, properties=(), camera_zone=f"bay_{index + 1}")
        bindings = (*bay.facility.devices, seen)
        return bay._replace(facility=bay.facility.model_copy(update={"devices": bindings}), witnesses=(camera,))

    def _feeder(self, lamps: tuple[Thing, ...]) -> Thing:
        facility = f"feeder-{self.number:04d}"
        device = self._lora(3, 0, facility, 600.0)
        policy = Policy(rules={"limit_voltage.low": VOLTAGE_V})
        thing = self._thing(facility, FacilityClass.LAMP_FEEDER, "feeder", device, 0.0, policy, zone=self.feeder_zone)
        return thing._replace(parts=tuple(lamp.facility for lamp in lamps))

    def _lamps(self) -> Iterator[Thing]:
        for index in range(LAMPS):
            facility = f"{self.district}01037{self.number * LAMPS + index + 1:06d}"
            device = Device(f"lamp-{self.number:04d}-{index + 1:02d}", "zigbee2mqtt", facility, interval_s=600.0)
            yield self._thing(
                facility, FacilityClass.STREET_LAMP, "lamp", device, index / LAMPS, Policy(), zone=self.feeder_zone
            )

    def _bins(self) -> Iterator[Thing]:
        for index in range(BINS):
            facility = f"{self.district}03005{self.number * BINS + index + 1:06d}"
            device = _nbiot("bin", self.number, index, facility, 1800.0)
            yield self._thing(facility, FacilityClass.WASTE_BIN, "bin", device, index / BINS, Policy())

    def _drains(self) -> Iterator[Thing]:
        policy = Policy(rules={"drain.depth_m": DRAIN_DEPTH_M})
        for index in range(DRAINS):
            facility = f"drain-{self.number:04d}-{index + 1}"
            device = Device(f"urn:dev:ow:{facility}", "senml", facility, own_clock=True, interval_s=600.0)
            yield self._thing(facility, FacilityClass.DRAIN, "drain", device, index / DRAINS, policy)

    def _roads(self) -> Iterator[Thing]:
        for index in range(ROADS):
            facility = f"road-{self.number:04d}-{index + 1}"
            device = _nbiot("water", self.number, index, facility, 900.0)
            thing = self._thing(facility, FacilityClass.ROAD_SECTION, "road", device, index / ROADS, Policy())
            bindings = (*thing.facility.devices, self._patrolled(index))
            yield thing._replace(facility=thing.facility.model_copy(update={"devices": bindings}))

    def _patrolled(self, index: int) -> DeviceBinding:
        """A surface in the pictures of the sweeper."""
        return DeviceBinding(device=f"patrol-{self.number:04d}-1", properties=(), camera_zone=f"surface_{index + 1}")

    def _patrol(self, roads: tuple[Facility, ...]) -> Thing:
        sidewalks = tuple(
            Facility(
                facility=f"sidewalk-{self.number:04d}-{index + 1}",
                scheme=CodeScheme.LOCAL,
                facility_class=FacilityClass.SIDEWALK,
                zone=self.zone,
                place=self.place(0.1 + index / SIDEWALKS),
                devices=(self._patrolled(len(roads) + index),),
            )
            for index in range(SIDEWALKS)
        )
        facility = f"patrol-{self.number:04d}"
        device = Device(f"{facility}-1", "eyes", facility, own_clock=True)
        thing = self._thing(facility, FacilityClass.CAMERA, "patrol", device, 0.5, Policy())
        return thing._replace(parts=(*roads, *sidewalks))

    def _tanks(self) -> Iterator[Thing]:
        policy = Policy(rules={"tank.depth_m": TANK_DEPTH_M})
        for index in range(TANKS):
            facility = f"tank-{self.number:04d}"
            device = _nbiot("tank", self.number, index, facility, 600.0)
            yield self._thing(facility, FacilityClass.WATER_TANK, "tank", device, 0.9, policy)

    def _limits(self) -> Iterator[Thing]:
        for index in range(GASES):
            facility = f"gas-{self.number:04d}-{index + 1}"
            device = self._lora(4, index, facility, 600.0)
            yield self._thing(facility, FacilityClass.GAS_SENSOR, "gas", device, index / GASES, Policy())
        for index in range(AIRS):
            facility = f"air-{self.number:04d}-{index + 1}"
            device = Device(f"urn:dev:ow:{facility}", "senml", facility, own_clock=True, interval_s=300.0)
            yield self._thing(facility, FacilityClass.AIR_STATION, "air", device, index / AIRS, Policy())
        for index in range(NOISES):
            facility = f"noise-{self.number:04d}-{index + 1}"
            device = Device(f"urn:dev:ow:{facility}", "senml", facility, own_clock=True, interval_s=120.0)
            yield self._thing(facility, FacilityClass.NOISE_METER, "noise", device, index / NOISES, Policy())

    def _traffic(self) -> Iterator[Thing]:
        facility = f"lane-{self.number:04d}"
        device = _nbiot("radar", self.number, 0, facility, 120.0)
        yield self._thing(facility, FacilityClass.TRAVEL_LANE, "traffic", device, 0.5, Policy(activity="travel"))

    def _camera(self, index: int) -> Device:
        facility = f"{self.district}01050{self.number * CAMERAS + index + 1:06d}"
        return Device(f"cam-{self.number:04d}-{index + 1}", "frigate", facility, own_clock=True, interval_s=300.0)

    def _cameras(self) -> Iterator[Thing]:
        for index, activities in enumerate(KERBS):
            device, along = self._camera(index), 0.3 + 0.4 * index
            thing = self._thing(device.facility, FacilityClass.CAMERA, "camera", device, along, Policy())
            policies = (Policy(activity=activity) for activity in activities)  # type: ignore[arg-type]  # one of the literals
            yield thing._replace(parts=tuple(self._kerbs(device, index, along, policies)))

    def _kerb_camera(self, bays: tuple[Thing, ...]) -> Thing:
        """The third: over stretches of kerb where another policy holds by the hour, and over two bays."""
        device = self._camera(len(KERBS))
        thing = self._thing(device.facility, FacilityClass.CAMERA, "timed", device, 0.5, Policy())
        kerbs = self._kerbs(device, len(KERBS), 0.5, TIMED_POLICIES.values())
        return thing._replace(parts=tuple(kerbs), beside=tuple(bays[index] for index in WATCHED_BAYS))

    def _kerbs(self, camera: Device, index: int, along: float, policies: Iterable[Policy]) -> Iterator[Facility]:
        """Stretches of kerb in the picture of a camera."""
        for number, policy in enumerate(policies):
            yield Facility(
                facility=f"kerb-{self.number:04d}-{index + 1}{number + 1}",
                scheme=CodeScheme.LOCAL,
                facility_class=_CLASS_OF.get(policy.activity or "", FacilityClass.CURB_ZONE),
                zone=self.zone,
                place=self.place(along + 0.05 * number),
                devices=(DeviceBinding(device=camera.name, properties=(), camera_zone=f"zone_{number + 1}"),),
                policy=policy,
            )


def _senses(index: int) -> tuple[str, ...]:
    """What one maker's sensors tell besides whether a bay is taken."""
    if index in LOCKED_BAYS:
        return ("lock_raised",)
    return () if index in WATCHED_BAYS else ("obstruction",)


def _nbiot(sort: str, street: int, index: int, facility: str, interval_s: float) -> Device:
    return Device(f"{sort}-{street:04d}-{index + 1}", "eyes", facility, own_clock=True, interval_s=interval_s)
