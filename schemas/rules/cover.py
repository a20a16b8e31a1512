"""What ``processors.detectors.cover`` decides by."""

import math
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules.rule import Parameter, Rule, count, metres, seconds, share

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "cover",
        "cover",
        "A cover is tilted away from how it was installed, open, lifted by water or stolen.",
        frozenset({FacilityClass.MANHOLE_COVER}),
        (
            AnomalyKind.COVER_TILTED,
            AnomalyKind.COVER_OPEN,
            AnomalyKind.COVER_LIFTED,
            AnomalyKind.COVER_STOLEN,
            AnomalyKind.DRAIN_HIGH,
        ),
        (
            Parameter("install_angle_deg", "deg", 0.0, 0.0, 180.0, "how it lies when all is well", "install_angle_deg"),
            Parameter("tilt_deg", "deg", 10.0, 0.1, 180.0, "a deviation beyond this is a tilt", "tilt_deg"),
            Parameter("calm_share", "1", 0.5, 0.0, 1.0, "a deviation below this share of `tilt_deg` is none"),
            Parameter("open_deg", "deg", 90.0, 1.0, 180.0, "beyond this angle it is no cover any more"),
            count("confirm_samples", 2, 100, "so many samples in a row confirm an alarm"),
            seconds("confirm_s", 60.0, "or so long without a contrary one"),
            count("clear_samples", 2, 100, "so many calm samples in a row end it"),
            seconds("clear_s", 300.0, "or, of a device that speaks at no interval, so long without a contrary one"),
            metres("moved_m", 100.0, "a position farther away than this is no error of it", low=1.0, high=1e6),
            seconds("carried_s", 120.0, "an open one that shakes for so long is carried away"),
            Parameter("silent_intervals", "1", 3.0, 1.0, 1_000.0, "and so is one that misses so many of its intervals"),
            metres("depth_m", math.inf, "from the ground of the shaft to the cover, where metres are said", low=0.1),
            share("high_share", 0.8, "water up to this share of the depth stands under the cover"),
            share("high_clear_share", 0.6, "below this it does not"),
            seconds("lift_s", 600.0, "water that comes so soon after it went up has lifted it"),
        ),
    ),
)
