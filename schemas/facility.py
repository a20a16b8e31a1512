"""Facilities: the classes of things a city watches, where they stand, who speaks for them, which policy applies.

Component codes: GB/T 47678.5-2026 (17-digit identifiers: 6 division, 2 major, 3 minor, 6 serial) and its predecessor
GB/T 30428.2-2013 (16 digits). A facility without a national code carries the scheme ``local``.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from schemas.curb import CurbPolicy
from schemas.model import DeviceId, Model, ZoneId
from schemas.properties import PROPERTIES


class FacilityClass(StrEnum):
    """What a facility is; decides which detectors look at it."""

    MANHOLE_COVER = "manhole_cover"
    PARKING_BAY = "parking_bay"
    CURB_ZONE = "curb_zone"  # a stretch of kerb with a rule: no stopping, loading, bus stop
    BICYCLE_LANE = "bicycle_lane"
    TRAVEL_LANE = "travel_lane"  # where who stands is double parked, or in the way
    ENTRANCE = "entrance"  # of a yard, a garage, a school
    ROAD_SECTION = "road_section"  # a stretch of carriageway: its surface, the water on it
    SIDEWALK = "sidewalk"
    STREET_LAMP = "street_lamp"
    LAMP_FEEDER = "lamp_feeder"  # the line that feeds lamps, or its cabinet
    WASTE_BIN = "waste_bin"
    DRAIN = "drain"  # a sewer, a gully, a culvert
    LEVEL_GAUGE = "level_gauge"
    PRESSURE_METER = "pressure_meter"
    FLOW_METER = "flow_meter"
    WATER_TANK = "water_tank"
    WATER_METER = "water_meter"  # of a customer: what it measures is taken out of the network
    CAMERA = "camera"
    GAS_SENSOR = "gas_sensor"
    AIR_STATION = "air_station"
    NOISE_METER = "noise_meter"
    WEATHER_STATION = "weather_station"
    GATEWAY = "gateway"  # through which devices are heard


class CodeScheme(StrEnum):
    """Whose identifier a facility carries."""

    GB_T_47678_5_2026 = "GB/T47678.5-2026"
    GB_T_30428_2_2013 = "GB/T30428.2-2013"
    LOCAL = "local"


_DIGITS = {CodeScheme.GB_T_47678_5_2026: 17, CodeScheme.GB_T_30428_2_2013: 16}


class Place(Model):
    """A point in WGS 84 (never GCJ-02) and the units of the city it lies in."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    grid: Annotated[str | None, Field(max_length=32)] = None
    district: Annotated[str | None, Field(max_length=32)] = None
    address: Annotated[str | None, Field(max_length=256)] = None

    @model_validator(mode="after")
    def _not_null_island(self) -> Self:
        if self.lon == 0 and self.lat == 0:
            raise ValueError("lon and lat are both 0: a device that has no fix, not a place in a city")
        return self


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Corner = Annotated[tuple[float, float], BeforeValidator(_as_tuple)]
"""A point in a picture, from the left and from above."""


class DeviceBinding(Model):
    """A device that speaks for a facility."""

    device: DeviceId
    interval_s: Annotated[float | None, Field(gt=0, le=86_400 * 31)] = None
    """Seconds between two messages of a healthy device; None: it speaks only when something happens."""
    properties: tuple[str, ...] | None = None
    """The properties it speaks for; None: all it sends."""
    channel: Annotated[str | None, Field(max_length=64)] = None
    """Which of several sensors of one property; None: all of them."""
    gateway: DeviceId | None = None
    """Who alone may speak for it, where its messages come through a gateway; None: any."""
    camera_zone: Annotated[str | None, Field(max_length=128)] = None
    """For a camera's device: the name of the zone in the camera's own configuration."""
    polygon: Annotated[tuple[Corner, ...] | None, Field(min_length=3, max_length=64)] = None
    """For a camera's device: where the facility is in its picture, in the unit of the camera's boxes."""
    homography: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    """The version of the mapping from street to picture by which the polygon was drawn."""

    @model_validator(mode="after")
    def _one_way_to_look(self) -> Self:
        if self.polygon is not None and self.camera_zone is not None:
            raise ValueError("camera_zone and polygon: one of the two says where the facility is in the picture")
        if self.homography is not None and self.polygon is None:
            raise ValueError("homography without a polygon")
        return self

    @field_validator("properties")
    @classmethod
    def _known_properties(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        unknown = sorted(set(value or ()) - PROPERTIES.keys())
        if unknown:
            raise ValueError(f"unknown property {unknown[0]!r}")
        return value


Seconds = Annotated[float, Field(ge=0, le=86_400 * 366)]


Activity = Literal[
    "parking",
    "no_parking",
    "no_stopping",
    "loading",
    "travel",
    "bus_stop",
    "fire_lane",
    "bicycle_lane",
    "entrance",
]
"""What a place at the kerb is for; the first five are activities of the Curb Data Specification, which has a blank
where this has ``_``: both are read."""


def _with_underscores(value: Any) -> Any:
    return value.replace(" ", "_") if isinstance(value, str) else value


ParameterName = Annotated[str, Field(max_length=64, pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]


class Policy(Model):
    """What is allowed here and when to speak up; None means the default of the facility's class."""

    activity: Annotated[Activity | None, BeforeValidator(_with_underscores)] = None
    max_stay_s: Seconds | None = None
    grace_s: Seconds | None = None
    clear_s: Seconds | None = None
    install_angle_deg: Annotated[float | None, Field(ge=0, le=180)] = None
    tilt_deg: Annotated[float | None, Field(gt=0, le=180)] = None
    m3_per_pulse: Annotated[float | None, Field(gt=0, le=1e6)] = None
    """What one pulse of its counters stands for; None: pulses say nothing of a volume."""
    rolls_over_at: Annotated[float | None, Field(gt=0, le=2**64)] = None
    """What its counters would show next when they begin again at 0: 65536 of 16 bits, 100000 of five digits, in pulses
    or m3 as they count; None: not known."""
    max_flow_m3_h: Annotated[float | None, Field(gt=0, le=1e6)] = None
    """No more can pass here: what would be more is no flow."""
    count_gap_s: Seconds | None = None
    """Counts further apart than this make no flow."""
    curb: Annotated[tuple[CurbPolicy, ...] | None, Field(max_length=32)] = None
    """What the place is for by time spans; where none of them applies, ``activity`` and ``max_stay_s`` do."""
    rules: Annotated[dict[ParameterName, float] | None, Field(max_length=64)] = None
    """Parameters of rules by their full names (:mod:`schemas.rules`, where they are checked)."""


FacilityId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f/+#]+$")]


class Facility(Model):
    """One facility of the registry."""

    facility: FacilityId
    scheme: CodeScheme
    facility_class: FacilityClass
    name: Annotated[str | None, Field(max_length=128)] = None
    zone: ZoneId
    place: Place
    devices: tuple[DeviceBinding, ...] = ()
    policy: Policy = Policy()

    @model_validator(mode="after")
    def _code_matches_scheme(self) -> Self:
        digits = _DIGITS.get(self.scheme)
        if digits is not None and not re.fullmatch(rf"[0-9]{{{digits}}}", self.facility):
            raise ValueError(f"facility {self.facility!r} is not a {digits}-digit code of {self.scheme.value}")
        return self
