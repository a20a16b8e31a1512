"""What is looked for in bins, drains, tanks and on roads: one mark for each threshold.

A mark makes a number of a reading and says whether it is beyond (True), calm (False) or between (None).
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from processors.detectors.common import Opened, Site, span
from processors.detectors.debounce import Need, Signal
from processors.detectors.level.still import Still
from processors.detectors.rise import remember, rise_m
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules import Values

_DRY: Final = -1.0


class Sensor(msgspec.Struct, array_like=True):
    """What one device of a facility said."""

    signals: dict[str, Signal] = {}
    """By mark."""
    measured: bool = False
    """It says how high: its own flags are not asked any more."""
    area_m2: float = -1.0
    area_ms: int = -1
    recent: list[tuple[int, float]] = []
    """Times and depths of the last minutes, where their rise is asked for."""
    still: Still | None = None
    """How a bin's gauge moves."""


class Thing(msgspec.Struct, array_like=True):
    """One facility in which something rises."""

    site: Site
    devices: tuple[str, ...] = ()
    """Who speaks for it."""
    sensors: dict[str, Sensor] = {}
    """By device, as far as they have spoken."""
    opened: dict[str, Opened] = {}
    """By ladder."""

    def sensor(self, device: str) -> Sensor | None:
        """What is known of a device; None: it does not speak for the facility."""
        found = self.sensors.get(device)
        if found is None and device in self.devices:
            found = self.sensors[device] = Sensor()
        return found

    def believed(self, mark: str) -> Signal | None:
        """By which of its devices a mark is reached, the first of them by name; None: by none."""
        for device in sorted(self.sensors):
            signal = self.sensors[device].signals.get(mark)
            if signal is not None and signal.on:
                return signal
        return None


Measure = Callable[[Sensor, Values, Reading], float | None]
"""What is judged of a reading; None: it says nothing here."""


class Mark(NamedTuple):
    """One threshold of one class."""

    name: str
    ladder: str
    """Of the marks of one ladder the first that is reached names the finding."""
    kind: AnomalyKind
    measures: Mapping[str, Measure]
    """By property."""
    says: Callable[[Thing, Values, float, int], bool | None]
    """Of a number that is of that time."""
    confirm: Callable[[Values], Need]
    calm: Callable[[Values], Need]
    said: Callable[[Values, float], tuple[str, dict[str, float]]]
    """In words behind the facility's name, and the numbers."""


# what is measured


def _percent(sensor: Sensor, values: Values, reading: Reading) -> float:  # noqa: ARG001 - a Measure
    sensor.measured = True
    return reading.value / 100.0


def _flag(sensor: Sensor, values: Values, reading: Reading) -> float | None:  # noqa: ARG001 - a Measure
    """Full or not: beyond every share, or below."""
    return None if sensor.measured else reading.value


def _plain(sensor: Sensor, values: Values, reading: Reading) -> float:  # noqa: ARG001 - a Measure
    return reading.value


def _share_above(depth: str) -> Measure:
    """From the distance of what is in there to a sensor at the top."""

    def measure(sensor: Sensor, values: Values, reading: Reading) -> float | None:
        if math.isinf(values[depth]):
            return None
        sensor.measured = True
        return 1.0 - reading.value / values[depth]

    return measure


def _share_below(depth: str) -> Measure:
    """From the height of the water above the ground."""

    def measure(sensor: Sensor, values: Values, reading: Reading) -> float | None:
        if math.isinf(values[depth]):
            return None
        sensor.measured = True
        return reading.value / values[depth]

    return measure


def _depth(sensor: Sensor, values: Values, reading: Reading) -> float | None:  # noqa: ARG001 - a Measure
    """Of water on a road, in metres."""
    if reading.series.observed_property == "distance":
        return None if math.isinf(values["flood.height_m"]) else values["flood.height_m"] - reading.value
    return reading.value


def rise_span_ms(values: Values) -> int:
    """Within what time water that rises is an early warning."""
    return round(values["flood.rise_s"] * 1000)


def _rise(sensor: Sensor, values: Values, reading: Reading) -> float | None:
    """How much it rose of late, in metres; where there is next to no water, that is ``_DRY``."""
    depth_m = _depth(sensor, values, reading)
    if depth_m is None:
        return None
    span_ms = rise_span_ms(values)
    remember(sensor.recent, reading.time_ms, depth_m, span_ms)
    if depth_m < values["flood.clear_m"]:
        return _DRY
    return rise_m(sensor.recent, reading.time_ms, depth_m, span_ms)


# what it says


def _above(limit: str, clear: str) -> Callable[[Thing, Values, float, int], bool | None]:
    def says(thing: Thing, values: Values, value: float, at_ms: int) -> bool | None:  # noqa: ARG001 - as a mark has it
        return True if value >= values[limit] else False if value < values[clear] else None

    return says


def _below(limit: str, clear: str) -> Callable[[Thing, Values, float, int], bool | None]:
    def says(thing: Thing, values: Values, value: float, at_ms: int) -> bool | None:  # noqa: ARG001 - as a mark has it
        return True if value <= values[limit] else False if value > values[clear] else None

    return says


def _hot(thing: Thing, values: Values, value: float, at_ms: int) -> bool | None:  # noqa: ARG001 - as a mark has it
    return True if value > values["bin.fire_cel"] else False if value < values["bin.cool_cel"] else None


def _alarm(thing: Thing, values: Values, value: float, at_ms: int) -> bool | None:  # noqa: ARG001 - as a mark has it
    return value != 0


def _deep(thing: Thing, values: Values, value: float, at_ms: int) -> bool | None:
    if value <= values["flood.deep_m"]:
        return False if value < values["flood.clear_m"] else None
    since_ms = at_ms - round(values["flood.area_s"] * 1000)
    areas = [sensor.area_m2 for sensor in thing.sensors.values() if 0 <= sensor.area_ms >= since_ms]
    return True if not areas or max(areas) > values["flood.area_m2"] else None


def _rises(thing: Thing, values: Values, value: float, at_ms: int) -> bool | None:  # noqa: ARG001 - as a mark has it
    return True if value > values["flood.rise_m"] else False if value == _DRY else None


def _samples(name: str) -> Callable[[Values], Need]:
    return lambda values: Need(round(values[name]))


def _for_s(values: Values) -> Need:
    return Need(2, round(values["flood.clear_s"] * 1000))


# in words


def _full(limit: str, words: str) -> Callable[[Values, float], tuple[str, dict[str, float]]]:
    return lambda values, value: (
        words.format(f"{value:.0%}".replace("%", " %")),
        {"share": round(value, 3), "limit_share": values[limit]},
    )


def _burns(values: Values, value: float) -> tuple[str, dict[str, float]]:
    return f"burns: {value:.0f} Cel", {"temperature_cel": value, "limit_cel": values["bin.fire_cel"]}


def _burning(values: Values, value: float) -> tuple[str, dict[str, float]]:  # noqa: ARG001 - as a mark has it
    return "burns: its alarm says so", {}


def _under_water(values: Values, value: float) -> tuple[str, dict[str, float]]:
    return (
        f"is under {value * 100:.0f} cm of water",
        {"depth_m": round(value, 3), "limit_m": values["flood.deep_m"]},
    )


def _wet(values: Values, value: float) -> tuple[str, dict[str, float]]:
    return (
        f"has {value * 100:.0f} cm of water on it",
        {"depth_m": round(value, 3), "limit_m": values["flood.warn_m"]},
    )


def _rising(values: Values, value: float) -> tuple[str, dict[str, float]]:
    if value == _DRY:
        return "is dry", {"rise_m": 0.0, "limit_m": values["flood.rise_m"]}
    within = span(rise_span_ms(values))
    return (
        f"fills with water: {value * 100:.0f} cm more in {within}",
        {"rise_m": round(value, 3), "limit_m": values["flood.rise_m"], "within_s": values["flood.rise_s"]},
    )


def _unless_frozen(measure: Measure) -> Measure:
    """What a gauge repeats that froze when a lid was before it, is one sample."""

    def measured(sensor: Sensor, values: Values, reading: Reading) -> float | None:
        share = measure(sensor, values, reading)
        if share is None:
            return None
        still = sensor.still
        if still is None:
            still = sensor.still = Still()
        if reading.time_ms > still.newest_ms:  # several marks ask
            still.hear(reading.time_ms, share, values["bin.jump_share"])
        return None if still.jumped and still.is_frozen(share, values["bin.frozen_chance"]) else share

    return measured


_BIN: Final = {
    "fill_level": _unless_frozen(_percent),
    "distance": _unless_frozen(_share_above("bin.depth_m")),
    "full_alarm": _flag,
}
_DRAIN: Final = {
    "water_level": _share_below("drain.depth_m"),
    "fill_level": _percent,
    "distance": _share_above("drain.depth_m"),
    "full_alarm": _flag,
}
_TANK: Final = {
    "fill_level": _percent,
    "water_level": _share_below("tank.depth_m"),
    "distance": _share_above("tank.depth_m"),
}
_ROAD: Final = ("water_level", "distance")


def _empty_flag(sensor: Sensor, values: Values, reading: Reading) -> float | None:  # noqa: ARG001 - a Measure
    return None if sensor.measured else 1.0 - reading.value


MARKS: Final[dict[FacilityClass, tuple[Mark, ...]]] = {
    FacilityClass.WASTE_BIN: (
        Mark(
            "hot",
            "fire",
            AnomalyKind.BIN_FIRE,
            {"temperature": _plain},
            _hot,
            _samples("bin.fire_samples"),
            _samples("bin.clear_samples"),
            _burns,
        ),
        Mark(
            "alarm",
            "fire",
            AnomalyKind.BIN_FIRE,
            {"fire_alarm": _plain, "smoke_alarm": _plain},
            _alarm,
            _samples("bin.fire_samples"),
            _samples("bin.clear_samples"),
            _burning,
        ),
        Mark(
            "overflowing",
            "fill",
            AnomalyKind.BIN_OVERFLOWING,
            _BIN,
            _above("bin.overflow_share", "bin.clear_share"),
            _samples("bin.samples"),
            _samples("bin.clear_samples"),
            _full("bin.overflow_share", "overflows: {} full"),
        ),
        Mark(
            "full",
            "fill",
            AnomalyKind.BIN_FULL,
            _BIN,
            _above("bin.full_share", "bin.clear_share"),
            _samples("bin.samples"),
            _samples("bin.clear_samples"),
            _full("bin.full_share", "is {} full"),
        ),
    ),
    FacilityClass.DRAIN: (
        Mark(
            "high",
            "water",
            AnomalyKind.DRAIN_HIGH,
            _DRAIN,
            _above("drain.high_share", "drain.clear_share"),
            _samples("drain.samples"),
            _samples("drain.samples"),
            _full("drain.high_share", "has water up to {} of its depth"),
        ),
    ),
    FacilityClass.ROAD_SECTION: (
        Mark(
            "deep",
            "water",
            AnomalyKind.ROAD_FLOODED,
            dict.fromkeys(_ROAD, _depth),
            _deep,
            _samples("flood.samples"),
            _for_s,
            _under_water,
        ),
        Mark(
            "wet",
            "water",
            AnomalyKind.ROAD_WATER,
            dict.fromkeys(_ROAD, _depth),
            _above("flood.warn_m", "flood.clear_m"),
            _samples("flood.samples"),
            _for_s,
            _wet,
        ),
        Mark(
            "rising",
            "water",
            AnomalyKind.ROAD_WATER,
            dict.fromkeys(_ROAD, _rise),
            _rises,
            _samples("flood.samples"),
            _for_s,
            _rising,
        ),
    ),
    FacilityClass.WATER_TANK: (
        Mark(
            "high",
            "high",
            AnomalyKind.TANK_HIGH,
            _TANK | {"full_alarm": _flag},
            _above("tank.high_share", "tank.high_clear_share"),
            _samples("tank.samples"),
            _samples("tank.samples"),
            _full("tank.high_share", "is {} full"),
        ),
        Mark(
            "low",
            "low",
            AnomalyKind.TANK_LOW,
            _TANK | {"empty_alarm": _empty_flag},
            _below("tank.low_share", "tank.low_clear_share"),
            _samples("tank.samples"),
            _samples("tank.samples"),
            _full("tank.low_share", "is only {} full"),
        ),
    ),
}
