"""What is known of a cover, and what its samples say."""

import math
from typing import Final

import msgspec

from processors.detectors.common import Opened, Site
from processors.detectors.debounce import Need, Signal
from processors.detectors.rulebook import Rulebook
from processors.engine.contract import Reading
from schemas.facility import FacilityClass
from schemas.rules import Values

CONTACT, ANGLE, TILT, MOVED, CARRIED, WATER = "contact", "angle", "tilt", "moved", "carried", "water"
SIGNALS: Final = {
    "contact_open": (CONTACT,),
    "tilt_angle": (ANGLE, TILT),
    "tilted": (TILT,),
    "latitude": (MOVED,),
    "longitude": (MOVED,),
    "vibration": (CARRIED,),
    "motion": (CARRIED,),
    "water_level": (WATER,),
    "full_alarm": (WATER,),
    "water_leak": (WATER,),
}
"""What is asked of the readings of a property."""
BY_TIME: Final = frozenset({CONTACT, ANGLE, TILT})
"""Time without a contrary word confirms them: devices that speak when something happens say it once. By those that
speak at no interval it ends them, too."""

_EARTH_M: Final = 6_371_009.0  # mean radius


class Wait(msgspec.Struct, array_like=True):
    """A signal that time will confirm."""

    first_ms: int
    at_ms: int
    shard: str


class Sensor(msgspec.Struct, array_like=True):
    """What one device of a cover said."""

    signals: dict[str, Signal] = {}
    waits: dict[str, Wait] = {}
    has_angle: bool = False
    latitude: tuple[int, float] = (-1, 0.0)
    longitude: tuple[int, float] = (-1, 0.0)

    def knows(self, prop: str, names: tuple[str, ...]) -> bool:
        """Whether a reading of the property makes nothing that is not there."""
        return all(name in self.signals for name in names) and (self.has_angle or prop != "tilt_angle")

    def on(self, *names: str) -> bool:
        """Whether any of these signals is."""
        return any((signal := self.signals.get(name)) is not None and signal.on for name in names)


class Cover(msgspec.Struct, array_like=True):
    """One cover."""

    site: Site
    devices: tuple[str, ...] = ()
    """Who speaks for it."""
    sensors: dict[str, Sensor] = {}
    """By device, as far as they have spoken of it."""
    eventful: tuple[str, ...] = ()
    """Those of the devices that speak at no interval, only when something happens."""
    opened: Opened | None = None
    lifted: bool = False
    """Water stood under it when it went up."""
    silent: bool = False
    """Not a word since it went up, for too long."""
    others_ms: int = 0
    """When others were found to be silent with it."""
    silent_ms: int | None = None
    """So long; None: it speaks at no interval."""
    heard_ms: int = 0
    shard: str = ""

    def note(self, now_ms: int, shard: str) -> None:
        """It was heard then; of two at one time that of the greater shard counts, whichever is told first."""
        if now_ms > self.heard_ms or (now_ms == self.heard_ms and shard > self.shard):
            self.heard_ms, self.shard = now_ms, shard

    def on(self, *names: str) -> bool:
        """Whether any of these signals is, by any of its devices."""
        return any(sensor.on(*names) for sensor in self.sensors.values())

    def believed(self, *names: str) -> list[Signal]:
        """Those that are, in the order of these names, then of its devices."""
        found = (self.sensors[device].signals.get(name) for name in names for device in sorted(self.sensors))
        return [signal for signal in found if signal is not None and signal.on]

    def signals(self, *names: str) -> list[Signal]:
        """All of these, in no order."""
        return [one for sensor in self.sensors.values() for name, one in sensor.signals.items() if name in names]

    def carries_no_more(self) -> None:
        """Who puts a cover back carries it no more."""
        for sensor in self.sensors.values():
            sensor.signals.pop(CARRIED, None)

    def angle_deg(self) -> float | None:
        """How it lies by the first device that finds it turned, else by the first that measures it; None: not known."""
        sensors = [self.sensors[device] for device in sorted(self.sensors)]
        turned = [sensor for sensor in sensors if sensor.on(ANGLE, TILT)]
        measuring = [sensor for sensor in sensors if sensor.has_angle and TILT in sensor.signals]
        sensor = next(iter([*turned, *measuring]), None)
        return sensor.signals[TILT].value if sensor is not None and sensor.has_angle else None


class State(msgspec.Struct, array_like=True):
    """The covers of a zone."""

    zone: str
    rules: Rulebook
    covers: dict[str, Cover] = {}

    def values(self, cover: Cover) -> Values:
        """What applies to a cover."""
        return self.rules.of(cover.site.facility, FacilityClass.MANHOLE_COVER)


def timer(cover: Cover, device: str, name: str) -> str:
    """The name of a timer; there is no blank in a facility's name."""
    return f"{cover.site.facility} {device} {name}"


def measured(cover: Cover, sensor: Sensor, values: Values, name: str, reading: Reading) -> float | None:
    """The number by which a reading speaks of a signal; None: it does not."""
    prop, value = reading.series.observed_property, reading.value
    if prop == "tilt_angle":
        sensor.has_angle = True
    elif prop == "tilted":
        # Of a device that does not measure the angle, a flag stands for one beyond every limit.
        return None if sensor.has_angle else value * 180.0
    elif name == MOVED:
        return _moved_m(cover.site, sensor, prop, reading)
    elif name == CARRIED:
        return value if cover.on(CONTACT, ANGLE, TILT) else None
    elif prop == "water_level":
        return None if math.isinf(values["cover.depth_m"]) else value / values["cover.depth_m"]
    return value


def says(values: Values, name: str, value: float) -> bool | None:
    """What a number says of a signal; None: neither alarming nor calm."""
    match name:
        case "angle":
            return value > values["cover.open_deg"]
        case "tilt":
            deviation, limit = abs(value - values["cover.install_angle_deg"]), values["cover.tilt_deg"]
            return True if deviation > limit else False if deviation < limit * values["cover.calm_share"] else None
        case "moved":
            limit = values["cover.moved_m"]
            return True if value > limit else False if value < limit * values["cover.calm_share"] else None
        case "water":
            high, clear = values["cover.high_share"], values["cover.high_clear_share"]
            return True if value >= high else False if value < clear else None
        case _:
            return value != 0


def need(values: Values, name: str, *, on: bool) -> Need:
    """What changes a mind about a signal."""
    samples = round(values["cover.clear_samples" if on else "cover.confirm_samples"])
    if name == CARRIED and not on:
        return Need(samples, round(values["cover.carried_s"] * 1000))
    return Need(samples)


def _moved_m(site: Site, sensor: Sensor, prop: str, reading: Reading) -> float | None:
    """How far from its place; both halves of a position must be of one time."""
    if prop == "latitude":
        sensor.latitude = (reading.time_ms, reading.value)
    else:
        sensor.longitude = (reading.time_ms, reading.value)
    if sensor.latitude[0] != sensor.longitude[0]:
        return None
    north = math.radians(sensor.latitude[1] - site.lat)
    east = math.radians(sensor.longitude[1] - site.lon) * math.cos(math.radians(site.lat))
    return round(_EARTH_M * math.hypot(north, east), 1)
