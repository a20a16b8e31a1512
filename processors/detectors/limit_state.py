"""What is known of the quantities of a zone, and the limits that apply to them."""

import math
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from processors.detectors.common import Opened, Site
from processors.detectors.debounce import Need, Signal
from processors.detectors.repeats import Repeats
from processors.detectors.rulebook import Rulebook
from processors.engine.contract import Series
from schemas.curb import DEFAULT_CALENDAR
from schemas.facility import FacilityClass
from schemas.posixtz import PosixZone
from schemas.rules import RULES
from schemas.rules.limit import FAMILY, rule_of

LIMITED: Final[dict[str, str]] = {
    name.removeprefix(f"{FAMILY}_"): name for name, rule in RULES.items() if rule.family == FAMILY
}
"""Rules by property."""
_BOUNDS: Final = "_kept"  # kept beside the state and never written: it follows from it
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000


class Bounds(NamedTuple):
    """The limits of one quantity, in its canonical unit and in ms."""

    high: float
    night_high: float
    low: float
    rise: float
    fall: float
    change_ms: int
    margin: float
    on: Need
    off: Need
    night_ms: tuple[int, int]
    frozen: float
    """The chance of repeating itself so often below which a sensor is frozen."""

    def top(self, zone: str, at_ms: int) -> float:
        """What is too much at this time."""
        if math.isinf(self.night_high):
            return self.high
        return self.night_high if is_within(zone, self.night_ms, at_ms) else self.high

    @property
    def has_night(self) -> bool:
        """Whether there are quiet hours."""
        return not math.isinf(self.night_high)

    @property
    def has_change(self) -> bool:
        """Whether any change is too fast."""
        return not self.rise == self.fall == math.inf

    @property
    def is_steady(self) -> bool:
        """Whether it is the same at all times, and no change is too fast."""
        return self.night_high == self.rise == self.fall == math.inf

    def beyond(self, zone: str, at_ms: int, value: float) -> bool | None:
        """Whether a value is (True), is well within (False), or neither."""
        top = self.top(zone, at_ms)
        if value > top or value < self.low:
            return True
        return False if value <= top - self.margin and value >= self.low + self.margin else None

    def too_fast(self, change: float) -> bool | None:
        """Whether a rise, or a fall below zero, is too fast (True), less than half of that (False), or neither."""
        limit = self.rise if change > 0 else self.fall
        return True if abs(change) > limit else False if abs(change) <= limit / 2 else None


class Quantity(msgspec.Struct, array_like=True):
    """One property, as one device says it."""

    beyond: Signal
    change: Signal
    recent: list[tuple[int, float]] = []
    said: Repeats = msgspec.field(default_factory=Repeats)
    """Where the limit depends on the hour: what stood still before it is no news after it."""
    since_ms: int = -1
    """When it first said what it says again and again."""

    def say(self, time_ms: int, value: float) -> None:
        """Take in the next reading of it."""
        if value != self.said.value:
            self.since_ms = time_ms
        self.said.hear(value)


class Watched(msgspec.Struct, array_like=True):
    """One facility, and those of its properties that have limits."""

    site: Site
    devices: tuple[str, ...] = ()
    """Who speaks for it."""
    quantities: dict[str, dict[str, Quantity]] = {}
    """By property and device."""
    opened: dict[str, Opened] = {}
    """By property."""

    def quantity(self, series: Series) -> Quantity | None:
        """What is known of a series."""
        said = self.quantities.get(series.observed_property)
        return None if said is None else said.get(series.device)

    def suspects(self, name: str) -> bool:
        """Whether any device speaks, or begins to speak, of a property that is beyond its limits."""
        said = self.quantities[name].values()
        return not all(signal.is_quiet() for one in said for signal in (one.beyond, one.change))

    def believes(self, name: str) -> bool:
        """Whether any device is believed that it is."""
        return any(one.beyond.on or one.change.on for one in self.quantities[name].values())


class State(msgspec.Struct, dict=True, array_like=True):
    """The facilities of a zone."""

    zone: str
    rules: Rulebook
    facilities: dict[str, Watched] = {}
    time_zone: str = DEFAULT_CALENDAR.time_zone

    def bounds(self, facility: str, facility_class: FacilityClass, name: str) -> Bounds | None:
        """What applies to a property; None: nothing does."""
        try:
            kept: dict[tuple[str, bool, str], Bounds | None] = self.__dict__[_BOUNDS]
        except KeyError:
            kept = self.__dict__[_BOUNDS] = {}
        key = (facility, False, name) if facility in self.rules.facilities else (facility_class, True, name)
        if key not in kept:
            kept[key] = _bounds(self.rules, facility, facility_class, name)
        return kept[key]

    def forget_bounds(self) -> None:
        """Rules have changed."""
        self.__dict__.pop(_BOUNDS, None)


def is_within(zone: str, span_ms: tuple[int, int], at_ms: int) -> bool:
    """Whether local time is in a span of the day, which may go past midnight; its begin is inclusive, its end not."""
    begin, end = span_ms
    now = (at_ms + _zone(zone).offset_s(at_ms // 1000) * 1000) % _DAY_MS
    return begin <= now < end if begin <= end else now >= begin or now < end


@lru_cache(maxsize=16)
def _zone(text: str) -> PosixZone:
    return PosixZone.parse(text)


def _bounds(rules: Rulebook, facility: str, facility_class: FacilityClass, name: str) -> Bounds | None:
    rule = rule_of(name)
    values = rules.of(facility, facility_class, rule)

    def said(parameter: str) -> float:
        return values[f"{rule}.{parameter}"]

    bounds = Bounds(
        high=said("high"),
        night_high=said("night_high"),
        low=said("low"),
        rise=said("rise"),
        fall=said("fall"),
        change_ms=round(said("change_s") * 1000),
        margin=said("margin"),
        on=Need(round(said("samples")), round(said("for_s") * 1000)),
        off=Need(round(said("clear_samples")), round(said("clear_s") * 1000)),
        frozen=said("frozen_chance"),
        night_ms=(round(said("night_from_h") * _HOUR_MS) % _DAY_MS, round(said("night_to_h") * _HOUR_MS) % _DAY_MS),
    )
    limits = (bounds.high, bounds.night_high, bounds.low, bounds.rise, bounds.fall)
    return None if all(map(math.isinf, limits)) else bounds
