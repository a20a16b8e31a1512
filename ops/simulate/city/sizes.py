"""When a matter is one: the numbers by which incidents and near-misses are made.

They are those of the project's domain reference (section 4), read by whoever wrote this table and not taken from the
rules that detectors go by; what stands there as a proposal of ours is one here too. 30 % of the incidents lie within
20 % beyond their threshold, near-misses within 20 % before it.
"""

from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.city.model import Matter
from schemas.anomaly import AnomalyKind as Kind

NEAR_SHARE: Final = 0.3
"""Of incidents that lie within 20 % of a threshold; and near-misses for each incident."""
NEAR_BEYOND: Final = (1.02, 1.20)
NEAR_BEFORE: Final = (0.80, 0.97)
MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0


class Size(NamedTuple):
    """What a kind of matter measures and how long it lasts."""

    kind: Kind
    threshold: float
    unit: str
    far: tuple[float, float]
    """Plainly beyond the threshold: from and to, as multiples of it."""
    lasts_s: tuple[float, float] | None
    """None: the size is how long it lasts, in seconds."""
    needs_s: float
    """How long a working sensor must watch it before anybody could know."""
    rate: float
    """Incidents a facility and day."""
    source: str
    also: tuple[Kind, ...] = ()
    before: tuple[float, float] = NEAR_BEFORE
    """Where near-misses lie, as multiples of the threshold; from above for what is too little."""
    beyond: tuple[float, float] = NEAR_BEYOND
    near_misses: bool = True
    """False: it is there or it is not; there is no nearly."""

    def matter(self, draws: Draws, facility: str, start_ms: int, *, silent: bool) -> Matter:
        """One of these, beginning then."""
        near = draws.chance(NEAR_SHARE) or silent
        low, high = self.before if silent else self.beyond if near else self.far
        size = self.threshold * draws.uniform(low, high)
        lasts_s = size if self.lasts_s is None else draws.uniform(*self.lasts_s)
        return Matter(
            self.kind,
            facility,
            start_ms,
            start_ms + int(lasts_s * 1000),
            size,
            near=near,
            silent=silent,
            needs_ms=0 if silent else int(self.needs_s * 1000),
            also=self.also,
        )


MAX_STAY_S: Final = 2 * HOUR_S
COVER: Final = (
    Size(
        Kind.COVER_TILTED, 10.0, "deg", (1.5, 6.0), (30 * MINUTE_S, 4 * HOUR_S), 60.0, 0.03,
        "4.3 cover tilt: more than 10 deg from the installed angle, confirmed by 2 samples or 60 s",
        before=(0.8, 0.95), beyond=(1.04, 1.2),
    ),
    Size(
        Kind.COVER_OPEN, 10.0, "deg", (2.0, 8.5), (20 * MINUTE_S, 2 * HOUR_S), 60.0, 0.03,
        "4.3 cover tilt: magnet and tilt together are an open cover",
        also=(Kind.COVER_TILTED,), near_misses=False,
    ),
)  # fmt: skip
BAY: Final = (
    Size(
        Kind.PARKING_OVERSTAY, MAX_STAY_S, "s", (1.3, 2.2), None, MAX_STAY_S, 0.08,
        "4.2 bay overstay: longer than the bay's own limit",
    ),
)  # fmt: skip


def _stop(kind: Kind, threshold_s: float, source: str) -> Size:
    return Size(kind, threshold_s, "s", (1.5, 8.0), None, threshold_s, 1.2, source)


NO_STOPPING: Final = _stop(Kind.NO_STOPPING, 180.0, "4.2 no-stopping: stationary for 180 s")
FIRE_LANE: Final = _stop(Kind.FIRE_LANE_BLOCKED, 60.0, "4.2 fire lane: 60 s")
BUS_STOP: Final = _stop(Kind.BUS_STOP_BLOCKED, 60.0, "4.2 bus stop: 60 s")
DOUBLE: Final = _stop(Kind.DOUBLE_PARKING, 120.0, "4.2 double parking: 120 s")
BICYCLE_LANE: Final = _stop(
    Kind.BICYCLE_LANE_BLOCKED, 180.0, "4.2 no-stopping dwell, which also holds for bicycle lanes"
)
ENTRANCE: Final = _stop(Kind.ENTRANCE_BLOCKED, 180.0, "4.2 no-stopping dwell, which also holds before entrances")
KERB: Final = {
    "no_stopping": NO_STOPPING,
    "fire_lane": FIRE_LANE,
    "bus_stop": BUS_STOP,
    "bicycle_lane": BICYCLE_LANE,
    "entrance": ENTRANCE,
    "travel": DOUBLE,
}
"""By what the place at the kerb is for."""
LAMP_NIGHT: Final = (
    Size(
        Kind.LAMP_DARK, 0.20, "of rated power", (0.0, 0.4), (60 * MINUTE_S, 3 * HOUR_S), 15 * MINUTE_S, 0.03,
        "4.3 lamp: less than 20 % of rated power for 15 min while it should burn",
        also=(Kind.LAMP_POWER,), before=(1.15, 1.4), beyond=(0.8, 0.95),
    ),
    Size(
        Kind.LAMP_CYCLING, 1.0, "on and off", (1.0, 1.0), (60 * MINUTE_S, 2 * HOUR_S), 30 * MINUTE_S, 0.015,
        "4.3 lamp: goes on and off again and again", beyond=(1.0, 1.0), near_misses=False,
    ),
)  # fmt: skip
LAMP_DAY: Final = (
    Size(
        Kind.LAMP_ON_BY_DAY, 30 * MINUTE_S, "s", (2.0, 8.0), None, 30 * MINUTE_S, 0.03,
        "4.3 lamp: burns for 30 min by day",
    ),
)  # fmt: skip
FEEDER: Final = (
    Size(
        Kind.FEEDER_DARK, 0.30, "of its lamps", (1.5, 3.3), (60 * MINUTE_S, 3 * HOUR_S), 15 * MINUTE_S, 0.25,
        "4.3 feeder: at least 30 % of its lamps dark",
        also=(Kind.LAMP_DARK, Kind.LAMP_POWER), before=(0.8, 0.84), beyond=(1.0, 1.17),
    ),
)  # fmt: skip
BIN_FULL_SHARE: Final = 0.85
BIN_OVERFLOW_SHARE: Final = 0.95
_HALF_DAY: Final = (3 * HOUR_S, 6 * HOUR_S)
BIN: Final = (
    Size(
        Kind.BIN_FULL, BIN_FULL_SHARE, "of its height", (1.06, 1.10), _HALF_DAY, HOUR_S, 0.08,
        "4.3 bin: 0.85 in 2 readings",
        before=(0.80, 0.96), beyond=(1.02, 1.08),
    ),
    Size(
        Kind.BIN_OVERFLOWING, BIN_OVERFLOW_SHARE, "of its height", (1.03, 1.05), _HALF_DAY, HOUR_S, 0.08,
        "4.3 bin: 0.95 is an overflow", before=(0.93, 0.975), beyond=(1.015, 1.04), near_misses=False,
    ),
    Size(
        Kind.BIN_FIRE, 60.0, "Cel", (1.5, 5.0), (20 * MINUTE_S, 90 * MINUTE_S), 2 * MINUTE_S, 0.05,
        "4.3 bin: hotter than 60 Cel", before=(0.80, 0.95), beyond=(1.04, 1.2),
    ),
)  # fmt: skip
DRAIN_DEPTH_M: Final = 1.5
DRAIN_SHARE: Final = 0.80
DRAIN: Final = (
    Size(
        Kind.DRAIN_HIGH, DRAIN_SHARE, "of its depth", (1.1, 1.3), (HOUR_S, 4 * HOUR_S), 20 * MINUTE_S, 0.12,
        "4.3 cover and water: more than 80 % of the depth", before=(0.80, 0.96), beyond=(1.02, 1.15),
    ),
)  # fmt: skip
FLOOD_M: Final = 0.15
ROAD: Final = (
    Size(
        Kind.ROAD_FLOODED, FLOOD_M, "m", (1.5, 4.0), (40 * MINUTE_S, 3 * HOUR_S), 4 * MINUTE_S, 0.25,
        "4.3 flooding, the legal trigger: deeper than 15 cm on more than 100 m2",
        before=(0.80, 0.96), beyond=(1.04, 1.2),
    ),
)  # fmt: skip
TANK_DEPTH_M: Final = 4.0
TANK_HIGH_SHARE: Final = 0.95
TANK_LOW_SHARE: Final = 0.10
TANK: Final = (
    Size(
        Kind.TANK_HIGH, TANK_HIGH_SHARE, "of its depth", (1.02, 1.05), (HOUR_S, 4 * HOUR_S), 20 * MINUTE_S, 0.2,
        "levels of tanks, as for bins: 0.95 is too full", before=(0.93, 0.98), beyond=(1.01, 1.03),
    ),
    Size(
        Kind.TANK_LOW, TANK_LOW_SHARE, "of its depth", (0.2, 0.7), (HOUR_S, 4 * HOUR_S), 20 * MINUTE_S, 0.2,
        "levels of tanks: 0.1 is too empty", before=(1.06, 1.2), beyond=(0.8, 0.95),
    ),
)  # fmt: skip
