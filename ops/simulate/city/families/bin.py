"""Waste bins with an ultrasonic sensor and a thermometer under the lid, on NB-IoT with a clock of their own."""

import math
from collections.abc import Iterator
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import Sampled, in_order
from ops.simulate.city.model import Matter, Said, Thing
from ops.simulate.city.planning import drawn
from ops.simulate.city.sizes import BIN, BIN_FULL_SHARE, BIN_OVERFLOW_SHARE
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Value
from schemas.anomaly import AnomalyKind

EMPTIED_MS: Final = 5 * HOUR_MS
ORDINARY: Final = (0.35, 0.70)
"""How full it is when it is emptied on an ordinary day."""
RISE_MS: Final = 90 * MINUTE_MS
"""In which a bin that nobody expected to fill does so."""
HOT_EVERY_MS: Final = 2 * MINUTE_MS
LID_PERCENT: Final = 97.0


class Bins(Sampled):
    """Fills from morning to night and is emptied at five; what is too much falls into an evening of its own."""

    name = "bin"
    interval_ms = 30 * MINUTE_MS

    def matters(self, thing: Thing, day: int) -> list[Matter]:
        """A fire; or it fills up, and what overflows was nearly full before, too shortly for two samples."""
        name = thing.facility.facility
        begin = self.start_ms + day * DAY_MS
        found = drawn(self.draws(thing, "matters", day), BIN, name, begin, (EMPTIED_MS + 3 * HOUR_MS, DAY_MS - HOUR_MS))
        if found is None or found.kind is not AnomalyKind.BIN_OVERFLOWING:
            return [] if found is None else [found]
        # From the threshold of the one to that of the other it takes its share of the rise.
        earlier = int(RISE_MS * (BIN_OVERFLOW_SHARE - BIN_FULL_SHARE) / BIN_OVERFLOW_SHARE)
        full = found._replace(kind=AnomalyKind.BIN_FULL, start_ms=found.start_ms - earlier, silent=False, near=False)
        return [full._replace(apart=True), found]

    def says(self, thing: Thing, days: int) -> Iterator[Said]:
        """Every half hour; a hot one every two minutes; and when somebody moves the lid, perhaps just then."""
        draws = self.draws(thing, "values")
        phase = draws.whole(0, self.interval_ms)
        for day in range(days):
            begin = self.start_ms + day * DAY_MS
            matters = self.matters(thing, day)
            fires = (one for one in matters if one.kind is AnomalyKind.BIN_FIRE)
            hot = (at for one in fires for at in range(one.start_ms + SECOND_MS, one.end_ms, HOT_EVERY_MS))
            lid = self.draws(thing, "lid", day)
            lifted_ms = begin + phase + self.interval_ms * lid.whole(16, 40) if lid.chance(0.1) else None
            ordinary = self.draws(thing, "ordinary", day).uniform(*ORDINARY)
            yesterday = self.draws(thing, "ordinary", day - 1).uniform(*ORDINARY)
            for at_ms in in_order(range(begin + phase, begin + DAY_MS, self.interval_ms), hot):
                level = self._level(at_ms - begin, ordinary, yesterday)
                yield Said(at_ms, self._said(at_ms, level, matters, draws, lifted=at_ms == lifted_ms))

    def _level(self, of_day_ms: int, ordinary: float, yesterday: float) -> float:
        """How full it is on an ordinary day."""
        if of_day_ms < EMPTIED_MS:
            return yesterday
        return 0.04 + (ordinary - 0.04) * min(1.0, (of_day_ms - EMPTIED_MS) / (16 * HOUR_MS))

    def _said(
        self, at_ms: int, level: float, matters: list[Matter], draws: Draws, *, lifted: bool
    ) -> tuple[Value, ...]:
        hot = 0.0
        for matter in matters:
            if matter.kind is AnomalyKind.BIN_FIRE:
                hot = max(hot, _heat(matter, at_ms, self.weather.temperature(at_ms)))
            else:
                level = max(level, _risen(matter, at_ms))
        percent = LID_PERCENT if lifted else min(100.0, max(0.0, 100 * level + draws.normal(0.3)))
        celsius = self.weather.temperature(at_ms) + 3 + draws.normal(0.3) + hot
        return Value("fill_level", round(percent, 1)), Value("temperature", round(celsius, 1))


def _risen(matter: Matter, at_ms: int) -> float:
    """How full a matter has made it: through its threshold at its start, up to its size, emptied at its end."""
    threshold = BIN_OVERFLOW_SHARE if matter.kind is AnomalyKind.BIN_OVERFLOWING else BIN_FULL_SHARE
    if at_ms >= matter.end_ms:
        return 0.0
    level = threshold * (1 + (at_ms - matter.start_ms) / RISE_MS)
    return min(level, matter.size)


def _heat(matter: Matter, at_ms: int, air: float) -> float:
    """What a fire adds to the temperature: up at once, down in a quarter of an hour."""
    if at_ms < matter.start_ms:
        return 0.0
    peak = matter.size - air - 3
    gone_ms = at_ms - matter.end_ms
    return peak if gone_ms < 0 else peak * math.exp(-gone_ms / (5 * MINUTE_MS))
