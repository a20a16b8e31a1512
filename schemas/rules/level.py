"""What ``processors.detectors.level`` decides by."""

import math
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules.rule import Parameter, Rule, count, metres, seconds, share

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "bin",
        "level",
        "A waste bin is nearly full, overflows or burns.",
        frozenset({FacilityClass.WASTE_BIN}),
        (AnomalyKind.BIN_FULL, AnomalyKind.BIN_OVERFLOWING, AnomalyKind.BIN_FIRE),
        (
            share("full_share", 0.85, "as full as this is nearly full"),
            share("overflow_share", 0.95, "as full as this overflows"),
            share("clear_share", 0.3, "emptied when less than this is in there"),
            count("samples", 2, 100, "so many samples in a row are believed; a lid or a hand is one"),
            count("clear_samples", 2, 100, "so many calm samples in a row end it"),
            share("jump_share", 0.4, "up by more than this at once, and then"),
            share(
                "frozen_chance",
                0.2,
                "the same again by a smaller chance, is a gauge that froze with a lid before it",
            ),
            metres("depth_m", math.inf, "from the sensor to the ground, where it says distances", low=0.1),
            Parameter("fire_cel", "Cel", 60.0, -50.0, 500.0, "hotter than this burns"),
            Parameter("cool_cel", "Cel", 45.0, -50.0, 500.0, "cooler than this burns no more"),
            count("fire_samples", 1, 100, "so many hot samples in a row are believed"),
        ),
    ),
    Rule(
        "drain",
        "level",
        "A drain has hardly any room left.",
        frozenset({FacilityClass.DRAIN}),
        (AnomalyKind.DRAIN_HIGH,),
        (
            share("high_share", 0.8, "water up to this share of the depth"),
            share("clear_share", 0.6, "below this it has room again"),
            count("samples", 2, 100, "so many samples in a row are believed, either way"),
            metres("depth_m", math.inf, "from the ground of the drain to its top, where metres are said", low=0.1),
        ),
    ),
    Rule(
        "flood",
        "level",
        "Water gathers on a road, or the road is flooded.",
        frozenset({FacilityClass.ROAD_SECTION}),
        (AnomalyKind.ROAD_WATER, AnomalyKind.ROAD_FLOODED),
        (
            metres("deep_m", 0.15, "deeper than this is flooded"),
            Parameter("area_m2", "m2", 100.0, 0.0, 1e6, "and larger than this, where the area is known"),
            seconds("area_s", 1_800.0, "an area that was told so long ago is not known any more"),
            metres("warn_m", 0.05, "this deep is an early warning"),
            metres("rise_m", 0.03, "and so is a rise by more than this", low=0.001),
            seconds("rise_s", 300.0, "within so long", low=1.0),
            count("samples", 2, 100, "so many samples in a row are believed"),
            metres("clear_m", 0.03, "shallower than this is dry"),
            seconds("clear_s", 1_800.0, "when it lasts so long"),
            metres("height_m", math.inf, "from the sensor to the road, where it says distances"),
        ),
    ),
    Rule(
        "tank",
        "level",
        "A tank is too full or too empty.",
        frozenset({FacilityClass.WATER_TANK}),
        (AnomalyKind.TANK_HIGH, AnomalyKind.TANK_LOW),
        (
            share("high_share", 0.95, "as full as this is too full"),
            share("high_clear_share", 0.9, "below this it is no longer"),
            share("low_share", 0.1, "only as full as this is too empty"),
            share("low_clear_share", 0.15, "above this it is no longer"),
            count("samples", 2, 100, "so many samples in a row are believed, either way"),
            metres("depth_m", math.inf, "of the tank, where metres are said", low=0.1),
        ),
    ),
)
