"""What has a limit: gas in cellars and shafts, fine dust, noise."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import Sampled, holding
from ops.simulate.city.model import Matter, Thing
from ops.simulate.city.planning import FIRST_MS, LAST_MS, drawn
from ops.simulate.city.sizes import AIR, GAS, NOISE_DAY, NOISE_NIGHT, QUIET_H
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Value

WORRIED_MS: Final = MINUTE_MS


class Gas(Sampled):
    """A methane detector; one that smells something reports every minute."""

    name = "gas"
    menu = GAS
    interval_ms = 10 * MINUTE_MS

    def alarms(self, matter: Matter) -> Iterator[int]:
        """Every minute while it lasts, and when it is over."""
        yield from range(matter.start_ms + SECOND_MS, matter.end_ms, WORRIED_MS)
        yield from (matter.end_ms + after_ms for after_ms in (SECOND_MS, WORRIED_MS))

    def values(
        self,
        thing: Thing,  # noqa: ARG002 - all are alike
        at_ms: int,
        matters: Sequence[Matter],
        draws: Draws,
    ) -> tuple[Value, ...]:
        """Parts per million."""
        matter = holding(matters, at_ms)
        ppm = 40.0 + draws.normal(8) if matter is None else matter.size * (1 + draws.normal(0.005))
        return Value("ch4_ppm", round(max(0.0, ppm))), Value(
            "temperature", round(15 + self.weather.temperature(at_ms) * 0.3 + draws.normal(0.2), 1)
        )


class Air(Sampled):
    """A small station for fine dust."""

    name = "air"
    menu = AIR
    interval_ms = 5 * MINUTE_MS

    def values(self, thing: Thing, at_ms: int, matters: Sequence[Matter], draws: Draws) -> tuple[Value, ...]:
        """Micrograms a cubic metre; more in the mornings, when everybody drives."""
        hour = (at_ms - self.start_ms) % DAY_MS / HOUR_MS
        level = Draws(self.seed, thing.facility.facility, "level").uniform(18, 32)
        level *= 1 + 0.3 * math.cos(2 * math.pi * (hour - 8) / 24)
        matter = holding(matters, at_ms)
        if matter is not None:
            level = matter.size
        air = self.weather.temperature(at_ms)
        return (
            Value("pm2_5", round(level * (1 + draws.normal(0.01)), 1)),
            Value("temperature", round(air + draws.normal(0.2), 1)),
            Value("humidity", round(min(100.0, 62 - 1.5 * (air - 20) + draws.normal(1)), 1)),
        )


class Noise(Sampled):
    """A sound level meter that says the equivalent level of every two minutes."""

    name = "noise"
    interval_ms = 2 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """By day beyond one limit, or before six in the morning beyond the other."""
        draws = self.draws(thing, "matters", day)
        name, begin = thing.facility.facility, self.start_ms + day * DAY_MS
        night_to, night_from = int(QUIET_H[1] * HOUR_MS), int(QUIET_H[0] * HOUR_MS)
        room = 30 * MINUTE_MS
        by_night = drawn(draws, NOISE_NIGHT, name, begin, (FIRST_MS, night_to - room))
        by_day = drawn(draws, NOISE_DAY, name, begin, (night_to + room, min(night_from, LAST_MS) - room))
        return [one for one in (by_night, by_day) if one is not None]

    def values(
        self,
        thing: Thing,  # noqa: ARG002 - all are alike
        at_ms: int,
        matters: Sequence[Matter],
        draws: Draws,
    ) -> tuple[Value, ...]:
        """Decibels, A-weighted."""
        hour = (at_ms - self.start_ms) % DAY_MS / HOUR_MS
        quiet = hour < QUIET_H[1] or hour >= QUIET_H[0]
        matter = holding(matters, at_ms)
        level = (38.0 if quiet else 49.0) + draws.normal(1.2) if matter is None else matter.size + draws.normal(0.3)
        return (Value("sound_level", round(level, 1)),)
