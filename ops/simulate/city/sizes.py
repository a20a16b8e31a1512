"""When a matter is one: the numbers by which incidents and near-misses are made.

They are those of the project's domain reference (section 4) and of the standards it names, read by whoever wrote this
table and not taken from the rules that detectors go by; what stands there as a proposal of ours is one here too. Where
no source has a number (a battery, a radio), incidents are so plain and near-misses so far that any sensible threshold
lies between. 30 % of the incidents lie within 20 % beyond their threshold, near-misses within 20 % before it.
"""

from typing import Final, NamedTuple

from ops.simulate.city.draws import Draws
from ops.simulate.city.model import Matter
from schemas.anomaly import AnomalyKind as Kind

NEAR_SHARE: Final = 0.3
"""Of incidents that lie within 20 % of a threshold; and near-misses for each incident."""
MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S


class Size(NamedTuple):
    """What a kind of matter measures and how long it lasts."""

    kind: Kind
    source: str
    """Where the threshold stands."""
    threshold: float
    rate: float
    """Incidents a facility and day."""
    far: tuple[float, float]
    """Plainly beyond the threshold: from and to, as multiples of it."""
    needs_s: float
    """How long a working sensor must watch it before anybody could know."""
    lasts_s: tuple[float, float] | None = None
    """None: the size is how long it lasts, in seconds."""
    before: tuple[float, float] | None = (0.80, 0.97)
    """Where near-misses lie, as multiples of the threshold; None: it is there or it is not, there is no nearly."""
    beyond: tuple[float, float] = (1.02, 1.20)
    """Where incidents near the threshold lie."""
    also: tuple[Kind, ...] = ()

    def matter(self, draws: Draws, facility: str, start_ms: int, *, silent: bool) -> Matter:
        """One of these, beginning then."""
        near = draws.chance(NEAR_SHARE) and self.before is not None
        low, high = self.before if silent and self.before else self.beyond if near else self.far
        size = self.threshold * draws.uniform(low, high)
        lasts_s = size if self.lasts_s is None else draws.uniform(*self.lasts_s)
        return Matter(
            self.kind,
            facility,
            start_ms,
            start_ms + int(lasts_s * 1000),
            size,
            near=near and not silent,
            silent=silent,
            needs_ms=0 if silent else int(self.needs_s * 1000),
            also=self.also,
        )


Menu = tuple[Size, ...]

# ----------------------------------------------------------------------------------------------------------- covers

_HOURS: Final = (30 * MINUTE_S, 4 * HOUR_S)
SHAFT_M: Final = 2.5
COVER: Final[Menu] = (
    Size(
        Kind.COVER_TILTED,
        "4.3 cover tilt: more than 10 deg from the installed angle (three products), 2 samples or 60 s",
        threshold=10.0,
        rate=0.1,
        far=(1.5, 6.0),
        needs_s=60.0,
        lasts_s=_HOURS,
        before=(0.80, 0.95),
        beyond=(1.04, 1.20),
    ),
    Size(
        Kind.COVER_OPEN,
        "4.3 cover tilt: magnet and tilt are an open cover",
        threshold=10.0,
        rate=0.08,
        far=(1.2, 8.5),
        needs_s=60.0,
        lasts_s=(20 * MINUTE_S, 2 * HOUR_S),
        before=None,
        also=(Kind.COVER_TILTED,),
    ),
    Size(
        Kind.COVER_STOLEN,
        "4.3 and the issue: moved, or silent after a tilt",
        threshold=10.0,
        rate=0.05,
        far=(4.0, 9.0),
        needs_s=60.0,
        lasts_s=(5 * HOUR_S, 8 * HOUR_S),
        before=None,
        also=(Kind.COVER_OPEN, Kind.COVER_TILTED, Kind.DEVICE_SILENT, Kind.PROPERTY_SILENT, Kind.DEVICE_JUMP),
    ),
)
WET_COVER: Final[Menu] = (
    Size(
        Kind.COVER_LIFTED,
        "4.3 cover and water: water above 80 % of the depth lifts it; a matter of the drain",
        threshold=0.80,
        rate=0.08,
        far=(1.10, 1.24),
        needs_s=60.0,
        lasts_s=(30 * MINUTE_S, 2 * HOUR_S),
        before=None,
        also=(Kind.COVER_OPEN, Kind.COVER_TILTED, Kind.DRAIN_HIGH),
    ),
)
"""Of covers over sewers, besides :data:`COVER`."""

# ------------------------------------------------------------------------------------------------------------ lamps

LAMP_NIGHT: Final[Menu] = (
    Size(
        Kind.LAMP_DARK,
        "4.3 lamp: less than 20 % of rated power for 15 min while it should burn",
        threshold=0.20,
        rate=0.08,
        far=(0.0, 0.4),
        needs_s=25 * MINUTE_S,
        lasts_s=(60 * MINUTE_S, 3 * HOUR_S),
        before=(1.05, 1.20),
        beyond=(0.80, 0.95),
        also=(Kind.LAMP_POWER,),
    ),
    Size(
        Kind.LAMP_CYCLING,
        "the issue: goes on and off again and again",
        threshold=1.0,
        rate=0.05,
        far=(1.0, 1.0),
        needs_s=30 * MINUTE_S,
        lasts_s=(60 * MINUTE_S, 2 * HOUR_S),
        before=None,
    ),
    Size(
        Kind.LAMP_POWER,
        "the issue: takes another power than it should; plainly, as no source has a number",
        threshold=1.0,
        rate=0.05,
        far=(1.5, 1.9),
        needs_s=45 * MINUTE_S,
        lasts_s=(90 * MINUTE_S, 3 * HOUR_S),
        before=None,
    ),
)
LAMP_DAY: Final[Menu] = (
    Size(
        Kind.LAMP_ON_BY_DAY,
        "4.3 lamp: burns for 30 min by day",
        threshold=30 * MINUTE_S,
        rate=0.1,
        far=(2.0, 8.0),
        needs_s=30 * MINUTE_S,
    ),
)
FEEDER: Final[Menu] = (
    Size(
        Kind.FEEDER_DARK,
        "4.3 feeder: at least 30 % of its lamps dark",
        threshold=0.30,
        rate=0.5,
        far=(1.5, 3.3),
        needs_s=25 * MINUTE_S,
        lasts_s=(60 * MINUTE_S, 3 * HOUR_S),
        before=(0.80, 0.84),
        beyond=(1.0, 1.17),
        also=(Kind.LAMP_DARK, Kind.LAMP_POWER),
    ),
)

# ----------------------------------------------------------------------------------------------------------- levels

BIN_FULL_SHARE: Final = 0.85
BIN_OVERFLOW_SHARE: Final = 0.95
_HALF_DAY: Final = (3 * HOUR_S, 6 * HOUR_S)
BIN: Final[Menu] = (
    Size(
        Kind.BIN_FULL,
        "4.3 bin: 0.85 in 2 readings",
        threshold=BIN_FULL_SHARE,
        rate=0.25,
        far=(1.06, 1.10),
        needs_s=HOUR_S,
        lasts_s=_HALF_DAY,
        before=(0.80, 0.96),
        beyond=(1.02, 1.06),
    ),
    Size(
        Kind.BIN_OVERFLOWING,
        "4.3 bin: 0.95 is an overflow",
        threshold=BIN_OVERFLOW_SHARE,
        rate=0.25,
        far=(1.03, 1.05),
        needs_s=HOUR_S,
        lasts_s=_HALF_DAY,
        before=None,
    ),
    Size(
        Kind.BIN_FIRE,
        "4.3 bin: hotter than 60 Cel",
        threshold=60.0,
        rate=0.2,
        far=(1.5, 5.0),
        needs_s=4 * MINUTE_S,
        lasts_s=(20 * MINUTE_S, 90 * MINUTE_S),
        before=(0.80, 0.95),
        beyond=(1.04, 1.20),
    ),
)
DRAIN_DEPTH_M: Final = 1.5
DRAIN_SHARE: Final = 0.80
DRAIN: Final[Menu] = (
    Size(
        Kind.DRAIN_HIGH,
        "4.3 cover and water: more than 80 % of the depth",
        threshold=DRAIN_SHARE,
        rate=0.35,
        far=(1.10, 1.24),
        needs_s=20 * MINUTE_S,
        lasts_s=(HOUR_S, 4 * HOUR_S),
        before=(0.80, 0.96),
        beyond=(1.02, 1.10),
    ),
)
FLOOD_M: Final = 0.15
WATER_M: Final = 0.05
"""4.3 flooding: warn at 5 cm."""
FLOODED_M2: Final = 100.0
ROAD: Final[Menu] = (
    Size(
        Kind.ROAD_FLOODED,
        "4.3 flooding, the legal trigger of 0506: deeper than 15 cm on more than 100 m2",
        threshold=FLOOD_M,
        rate=0.45,
        far=(1.5, 4.0),
        needs_s=4 * MINUTE_S,
        lasts_s=(40 * MINUTE_S, 3 * HOUR_S),
        before=(0.80, 0.96),
        beyond=(1.04, 1.20),
    ),
)
TANK_DEPTH_M: Final = 4.0
TANK_HIGH_SHARE: Final = 0.95
TANK_LOW_SHARE: Final = 0.10
TANK: Final[Menu] = (
    Size(
        Kind.TANK_HIGH,
        "as for bins: 0.95 is too full",
        threshold=TANK_HIGH_SHARE,
        rate=0.38,
        far=(1.03, 1.05),
        needs_s=20 * MINUTE_S,
        lasts_s=(HOUR_S, 4 * HOUR_S),
        before=(0.90, 0.98),
        beyond=(1.015, 1.03),
    ),
    Size(
        Kind.TANK_LOW,
        "as for bins, turned around: 0.1 is too empty",
        threshold=TANK_LOW_SHARE,
        rate=0.38,
        far=(0.2, 0.7),
        needs_s=20 * MINUTE_S,
        lasts_s=(HOUR_S, 4 * HOUR_S),
        before=(1.06, 1.20),
        beyond=(0.80, 0.95),
    ),
)

# ----------------------------------------------------------------------------------------------------------- limits

GAS_PPM: Final = 5_000.0
GAS: Final[Menu] = (
    Size(
        Kind.GAS_LIMIT,
        "a tenth of the lower explosive limit of methane (5 % of the air), the low alarm of detectors after GB 15322",
        threshold=GAS_PPM,
        rate=0.5,
        far=(1.5, 6.0),
        needs_s=2 * MINUTE_S,
        lasts_s=(20 * MINUTE_S, 2 * HOUR_S),
        before=(0.80, 0.95),
        beyond=(1.04, 1.20),
    ),
)
DUST_UG_M3: Final = 75.0
AIR: Final[Menu] = (
    Size(
        Kind.AIR_LIMIT,
        "GB 3095-2012, PM2.5, class 2: 75 ug/m3, here for an hour",
        threshold=DUST_UG_M3,
        rate=0.6,
        far=(1.5, 4.0),
        needs_s=HOUR_S,
        lasts_s=(100 * MINUTE_S, 4 * HOUR_S),
        before=(0.80, 0.93),
        beyond=(1.07, 1.20),
    ),
)
NOISE_DAY_DB: Final = 60.0
NOISE_NIGHT_DB: Final = 50.0
QUIET_H: Final = (22.0, 6.0)


def _noise(threshold_db: float, when: str) -> Size:
    return Size(
        Kind.NOISE_LIMIT,
        f"GB 3096-2008, class 2, {when}: {threshold_db:g} dB, here for 10 min",
        threshold=threshold_db,
        rate=0.4,
        far=(1.12, 1.35),
        needs_s=12 * MINUTE_S,
        lasts_s=(25 * MINUTE_S, 2 * HOUR_S),
        before=(0.85, 0.95),
        beyond=(1.05, 1.12),
    )


NOISE_DAY: Final[Menu] = (_noise(NOISE_DAY_DB, "by day"),)
NOISE_NIGHT: Final[Menu] = (_noise(NOISE_NIGHT_DB, "from 22:00 to 06:00"),)

# --------------------------------------------------------------------------------------------------------- surfaces

DAMAGED_M2: Final = 0.5
_PASSES_S: Final = 70 * MINUTE_S


def _surface(kind: Kind, source: str, rate: float) -> Size:
    return Size(
        kind,
        source,
        threshold=DAMAGED_M2,
        rate=rate,
        far=(1.5, 6.0),
        needs_s=_PASSES_S,
        lasts_s=(3 * HOUR_S, 8 * HOUR_S),
        before=(0.80, 0.95),
        beyond=(1.04, 1.20),
    )


_GARBAGE: Final = _surface(Kind.GARBAGE_EXPOSED, "4.3 surfaces: as damage, by the area", 0.1)
ROAD_SURFACE: Final[Menu] = (
    _surface(Kind.PAVEMENT_DAMAGED, "4.3 and 0113: from 0.5 m2, over 2 passes", 0.15),
    _GARBAGE,
    Size(
        Kind.COVER_MISSING,
        "0101: missing; there is no nearly",
        threshold=1.0,
        rate=0.08,
        far=(1.0, 1.0),
        needs_s=_PASSES_S,
        lasts_s=(3 * HOUR_S, 8 * HOUR_S),
        before=None,
    ),
)
SIDEWALK_SURFACE: Final[Menu] = (
    _surface(Kind.SIDEWALK_DAMAGED, "4.3: from 0.5 m2, over 2 passes", 0.2),
    _GARBAGE,
)

# ---------------------------------------------------------------------------------------------------------- devices

PAUSE: Final = Size(
    Kind.DEVICE_SILENT,
    "4.3 heartbeat: silent for more than 3 intervals; here only what nearly is",
    threshold=3.0,
    rate=0.01,
    far=(1.0, 1.0),
    needs_s=0.0,
    lasts_s=(0.0, 0.0),
    before=(0.80, 0.97),
)
"""In intervals of the device between two of its messages."""
DRIFT_RAMP_S: Final = 2 * HOUR_S
DRIFT: Final = Size(
    Kind.DEVICE_DRIFT,
    "the issue: drift against neighbours; no source has a number: six times the half degree that thermometers promise",
    threshold=3.0,
    rate=0.02,
    far=(1.5, 4.0),
    needs_s=9 * HOUR_S,
    lasts_s=(0.0, 0.0),
    before=(0.80, 0.93),
    beyond=(1.07, 1.20),
)
"""Degrees by which it is off in the end; for as long as a shift of work, so that no draught looks like it."""
VOLTAGE_V: Final = 198.0
VOLTAGE: Final[Menu] = (
    Size(
        Kind.LIMIT_EXCEEDED,
        "GB/T 12325-2008: supply at 220 V must not fall by more than 10 %; a limit that the city sets for its cabinets",
        threshold=VOLTAGE_V,
        rate=0.3,
        far=(0.70, 0.85),
        needs_s=25 * MINUTE_S,
        lasts_s=(60 * MINUTE_S, 4 * HOUR_S),
        before=(1.03, 1.12),
        beyond=(0.85, 0.97),
    ),
)
"""Of cabinets of lamps."""
