"""What is known of the lamps of a zone and of the feeder that stands there."""

import math
from statistics import median
from typing import Final

import msgspec

from processors.detectors.common import Evidence, Opened, Site
from processors.detectors.debounce import Signal
from processors.detectors.repeats import Repeats
from processors.detectors.rulebook import Rulebook
from schemas.rules import Values

DARK, DAY, POWER = "dark", "day", "power"
LEARNED: Final = 9
"""Night readings by which the power of a lamp is known that nobody has registered."""
_FULL: Final = 99.0  # percent
_LIVE_V: Final = 10.0  # what is less is no mains


class Lamp(msgspec.Struct, array_like=True):
    """One lamp."""

    site: Site
    signals: dict[str, Signal] = {}
    opened: dict[str, Opened] = {}
    """By signal; and ``cycling``."""
    power_ms: int = -1
    switched_on: bool | None = None
    switch_ms: int = -1
    dim_percent: float | None = None
    dim_ms: int = -1
    watts: list[float] = []
    """What it took on its first nights."""
    burns: bool | None = None
    """At the newest night reading."""
    steady_ms: int = -1
    """Since when it does without a change, this night."""
    changes: list[Evidence] = []
    """Readings at which it went on or out at night, as many as make it cycle."""
    every_ms: int = 0
    """How often it speaks when nothing happens; 0: not known."""
    burning: Repeats = msgspec.field(default_factory=Repeats)
    """What it takes when it burns."""
    mains: Repeats = msgspec.field(default_factory=Repeats)
    """Its voltage, which varies whether it burns or not."""
    mains_ms: int = -1
    lit_ms: int = -1
    """When it was first seen to burn in the newest part of a night, before or after midnight, in which it did."""
    seen_ms: int = -1
    """The first reading of the newest night."""
    devices: tuple[str, ...] = ()
    """Who speaks for it."""

    def signal(self, name: str) -> Signal:
        """One of its signals."""
        found = self.signals.get(name)
        if found is None:
            found = self.signals[name] = Signal()
        return found

    @property
    def is_dark(self) -> bool:
        """Believed to be, or suspected of it."""
        found = self.signals.get(DARK)
        return found is not None and (found.on or found.count > 0)

    @property
    def dark_since(self) -> Evidence | None:
        """The sample from which on it is."""
        found = self.signals.get(DARK)
        return None if found is None else found.cause if found.on else found.first

    def hear_power(self, values: Values, watts: float) -> None:
        """Take note of whether what it takes varies as it did."""
        if watts >= values["lamp.dark_w"]:
            self.burning.hear(watts)

    def hear_mains(self, time_ms: int, volts: float) -> None:
        """Take note of whether its voltage varies as it did."""
        if time_ms > self.mains_ms:
            self.mains_ms = time_ms
            self.mains.hear(volts)

    def is_frozen(self, chance: float) -> bool:
        """Whether its voltage is the same again and again, though there is one; that there is none may well last."""
        volts = self.mains.value
        return volts is not None and volts >= _LIVE_V and self.mains.is_frozen(chance)

    def see_night(self, time_ms: int, began_ms: int, part_ms: int, *, is_lit: bool) -> None:
        """Take note of a night, and of the part before or after midnight, that began then."""
        if self.seen_ms < began_ms or began_ms <= time_ms < self.seen_ms:
            self.seen_ms = time_ms
        if is_lit and self.lit_ms < part_ms:
            self.lit_ms = time_ms

    def missed_dusk(self, began_ms: int, within_ms: float) -> bool:
        """Whether it has been watched from soon after a night began and did not burn in it yet."""
        return self.lit_ms < began_ms <= self.seen_ms < began_ms + within_ms

    def is_off(self) -> bool:
        """Its switch, or its dimmer, says so."""
        return self.switched_on is False or self.dim_percent == 0.0

    def share(self, values: Values, watts: float) -> float:
        """How much of what it should take it takes; where that is not known, all or nothing."""
        rated = self.rated_w(values)
        if rated is None:
            return 1.0 if watts >= values["lamp.dark_w"] else 0.0
        dimmed = self.dim_percent / 100.0 if self.dim_percent else 1.0
        return watts / (rated * dimmed)

    def rated_w(self, values: Values) -> float | None:
        """What it takes when it burns: as registered, or as it did on its first nights."""
        if not math.isinf(values["lamp.rated_w"]):
            return values["lamp.rated_w"]
        return median(self.watts) if len(self.watts) >= LEARNED else None

    def learn(self, values: Values, watts: float) -> None:
        """Take note of what it takes at night, until that is known."""
        if len(self.watts) < LEARNED and watts >= values["lamp.dark_w"] and self.dim_percent in {None, 100.0}:
            self.watts.append(watts)

    def hear_switch(self, observed_property: str, time_ms: int, value: float) -> None:
        """The newest word on what it is told to do."""
        if observed_property == "switch_on":
            if time_ms >= self.switch_ms:
                self.switch_ms, self.switched_on = time_ms, value != 0
        elif time_ms >= self.dim_ms:
            self.dim_ms, self.dim_percent = time_ms, 100.0 if value >= _FULL else value


class State(msgspec.Struct, array_like=True):
    """The lamps of a zone, and the feeder that stands there."""

    zone: str
    rules: Rulebook
    lamps: dict[str, Lamp] = {}
    feeders: dict[str, Site] = {}
    outage: Opened | None = None
    """Of the feeder."""

    def values(self, lamp: Lamp) -> Values:
        """What applies to a lamp."""
        return self.rules.of(lamp.site.facility, lamp.site.facility_class)

    def feeder(self) -> Site | None:
        """The feeder of the zone; of several the first, as nobody says which lamp hangs on which."""
        return self.feeders[min(self.feeders)] if self.feeders else None
