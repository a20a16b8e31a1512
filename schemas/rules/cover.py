"""What ``processors.detectors.cover`` decides by."""

from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules.rule import Parameter, Rule, count, seconds

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "cover",
        "cover",
        "A cover is tilted away from how it was installed, or open.",
        frozenset({FacilityClass.MANHOLE_COVER}),
        (AnomalyKind.COVER_TILTED, AnomalyKind.COVER_OPEN),
        (
            Parameter("install_angle_deg", "deg", 0.0, 0.0, 180.0, "how it lies when all is well", "install_angle_deg"),
            Parameter("tilt_deg", "deg", 10.0, 0.1, 180.0, "a deviation beyond this is a tilt", "tilt_deg"),
            Parameter("calm_share", "1", 0.5, 0.0, 1.0, "a deviation below this share of `tilt_deg` is none"),
            Parameter("open_deg", "deg", 90.0, 1.0, 180.0, "beyond this angle it is no cover any more"),
            count("confirm_samples", 2, 100, "so many samples in a row confirm an alarm"),
            seconds("confirm_s", 60.0, "or so long without a contrary one"),
            count("clear_samples", 2, 100, "so many calm samples in a row end it"),
        ),
    ),
)
