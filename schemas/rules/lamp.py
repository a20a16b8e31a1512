"""What ``processors.detectors.lamp`` decides by."""

import math
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules.rule import Parameter, Rule, count, seconds, share

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "lamp",
        "lamp",
        "A lamp is dark at night, burns by day, goes on and off, or takes another power than it should.",
        frozenset({FacilityClass.STREET_LAMP}),
        (AnomalyKind.LAMP_DARK, AnomalyKind.LAMP_ON_BY_DAY, AnomalyKind.LAMP_CYCLING, AnomalyKind.LAMP_POWER),
        (
            Parameter(
                "rated_w", "W", math.inf, 1.0, 1e5, "what it takes when it burns; `none`: as on its first nights"
            ),
            seconds("dusk_s", 1_800.0, "so long around sunrise and sunset it may do as it likes"),
            share("dark_share", 0.2, "less than this share of its power is dark"),
            share("lit_share", 0.3, "more than this burns"),
            Parameter("dark_w", "W", 5.0, 0.0, 1e5, "less than this is dark, while its power is not known"),
            seconds("dark_s", 900.0, "dark for so long at night"),
            seconds(
                "switch_s", 3_600.0, "watched so soon from dusk, who says that it is off and never went on is dark"
            ),
            count("samples", 2, 100, "so many samples in a row are believed, either way"),
            seconds("day_s", 1_800.0, "burning for so long by day"),
            share(
                "frozen_chance", 1e-3, "readings that repeat themselves by a smaller chance are those of a frozen one"
            ),
            share("power_share", 0.3, "a power that is off by more than this share is wrong"),
            share("power_clear_share", 0.2, "off by less than this is right"),
            seconds("power_s", 1_800.0, "wrong for so long"),
            count("cycles", 3, 50, "so often on and off again"),
            seconds("cycles_s", 3_600.0, "within so long; steady for so long ends it", low=1.0),
        ),
    ),
    Rule(
        "feeder",
        "lamp",
        "Many lamps of a feeder are dark.",
        frozenset({FacilityClass.LAMP_FEEDER}),
        (AnomalyKind.FEEDER_DARK,),
        (
            share("dark_share", 0.3, "as many of its lamps are dark at once"),
            share("clear_share", 0.15, "less than this are"),
            count("min_lamps", 3, 1_000, "and no fewer than this"),
        ),
    ),
)
