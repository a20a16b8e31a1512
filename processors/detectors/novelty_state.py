"""What is known of the series of a zone that no rule speaks for, and the rules by which novelty is said of them."""

import math
from typing import Final, NamedTuple

import msgspec

from processors.detectors.common import Evidence, Opened, Site
from processors.detectors.rulebook import Rulebook
from processors.engine.contract import Series
from processors.novelty import Novelty
from schemas.facility import FacilityClass
from schemas.properties import OF_DEVICE, PROPERTIES
from schemas.rules import RULES
from schemas.rules.limit import UNLIMITED, rule_of

RULED: Final[dict[FacilityClass, frozenset[str]]] = {
    FacilityClass.PRESSURE_METER: frozenset({"pressure"}),
    FacilityClass.FLOW_METER: frozenset({"flow"}),
    FacilityClass.WATER_METER: frozenset({"flow"}),
    FacilityClass.WATER_TANK: frozenset({"water_level", "fill_level", "distance"}),
    FacilityClass.MANHOLE_COVER: frozenset({"tilt_angle", "water_level"}),
    FacilityClass.PARKING_BAY: frozenset({"temperature"}),
    FacilityClass.TRAVEL_LANE: frozenset({"traffic_speed", "road_occupancy"}),
    FacilityClass.ROAD_SECTION: frozenset(
        {"traffic_speed", "road_occupancy", "surface_area", "step_height", "water_level", "distance"}
    ),
    FacilityClass.SIDEWALK: frozenset({"surface_area", "step_height"}),
    FacilityClass.CAMERA: frozenset({"surface_area", "step_height"}),
    FacilityClass.WASTE_BIN: frozenset({"fill_level", "distance", "temperature"}),
    FacilityClass.DRAIN: frozenset({"water_level", "fill_level", "distance"}),
    FacilityClass.STREET_LAMP: frozenset(
        {"power", "dim_level", "current", "apparent_power", "reactive_power", "power_factor"}
    ),
    FacilityClass.LAMP_FEEDER: frozenset({"power", "current", "apparent_power", "reactive_power", "power_factor"}),
}
"""What other detectors judge by rules or models of their own, and what only says the same in other words: a lamp that
is switched moves its current as it moves its power."""

_DAY_MS: Final = 86_400_000
_WATCH: Final = "novelty.watch"
_LIMITS: Final = ("high", "night_high", "low", "rise", "fall")
_UNFIT: Final = UNLIMITED | {"pulse_delta", "volume_delta"}
"""Counters break their record with every reading, what they count is judged as the flow that is made of it, directions
run in a circle, and a place is no quantity."""

HEARD: Final = frozenset(
    name
    for name, prop in PROPERTIES.items()
    if not prop.is_flag
    and name not in OF_DEVICE  # the health of devices
    and name not in _UNFIT
    and not RULES[rule_of(name)].in_force  # a limit that holds everywhere
)
"""Quantities that have no rule of their own unless somebody sets one."""


class Terms(NamedTuple):
    """The parameters of the rule."""

    score: float
    departures: float
    samples: int
    for_ms: int
    clear_samples: int
    learn_ms: int
    learn_readings: int


class Suspicion(msgspec.Struct, array_like=True):
    """Something new, and for how long it has lasted since; what is said of it was true when it began.

    While nobody sees the facility it does not last: then it begins to count anew.
    """

    first: Evidence
    above: bool
    usual: float
    """The level from which it departs."""
    far: float
    """So far from the usual level, in the unit of the series, is still new."""
    score: float
    departures: float
    summary: str
    numbers: dict[str, float]
    count: int = 1
    since_ms: int = -1
    """From when on it counts; -1: from the first reading."""


class Finding(msgspec.Struct, array_like=True):
    """What is open, and what ends it."""

    opened: Opened
    usual: float
    """The level from which it departed: a model that has heard what is new has moved towards it."""
    near: float
    """No farther from that or from what is usual by now than this, in the unit of the series, is calm."""
    score: float
    departures: float
    """As new and as far off it was when it began: whether rules that are said later would have raised it."""
    calm: int = 0
    """Calm readings in a row."""


class Tracked(msgspec.Struct, array_like=True):
    """One series: what is known of it, what is suspected and what is open."""

    facility: str
    facility_class: FacilityClass
    model: Novelty
    newest_ms: int = 0
    suspicion: Suspicion | None = None
    finding: Finding | None = None


class State(msgspec.Struct, array_like=True):
    """The facilities of a zone and their series, by device and property."""

    zone: str
    rules: Rulebook
    sites: dict[str, Site] = {}
    tracked: dict[str, Tracked] = {}

    def is_watched(self, facility: str, facility_class: FacilityClass, observed_property: str) -> bool:
        """Whether novelty is asked for there, and nobody has set a limit to the property."""
        if self.rules.of(facility, facility_class, "novelty")[_WATCH] < 0.5:  # noqa: PLR2004 - yes or no
            return False
        rule = rule_of(observed_property)
        limits = self.rules.of(facility, facility_class, rule)
        return all(math.isinf(limits[f"{rule}.{name}"]) for name in _LIMITS)

    def terms(self, tracked: Tracked) -> Terms:
        """By what its readings are judged."""
        said = self.rules.of(tracked.facility, tracked.facility_class, "novelty")
        return Terms(
            score=said["novelty.score"],
            departures=said["novelty.departures"],
            samples=round(said["novelty.samples"]),
            for_ms=round(said["novelty.for_s"] * 1000),
            clear_samples=round(said["novelty.clear_samples"]),
            learn_ms=round(said["novelty.learn_d"] * _DAY_MS),
            learn_readings=round(said["novelty.learn_readings"]),
        )


def wants(series: Series) -> bool:
    """Quantities that no rule speaks for, unless somebody sets one."""
    name = series.observed_property
    return name in HEARD and name not in RULED.get(series.facility_class, ())
