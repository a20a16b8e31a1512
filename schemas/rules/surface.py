"""What ``processors.detectors.surface`` decides by."""

from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules.rule import Parameter, Rule, count, seconds

SURFACES: Final = (FacilityClass.ROAD_SECTION, FacilityClass.SIDEWALK, FacilityClass.CAMERA)
"""Of what cameras see a surface; a camera where nothing is registered that it looks at."""

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "surface",
        "surface",
        "Cameras see damage, garbage or a missing cover on the ground.",
        frozenset(SURFACES),
        (
            AnomalyKind.PAVEMENT_DAMAGED,
            AnomalyKind.SIDEWALK_DAMAGED,
            AnomalyKind.GARBAGE_EXPOSED,
            AnomalyKind.COVER_MISSING,
        ),
        (
            count("hits", 3, 100, "so many pictures show it"),
            count("frames", 5, 100, "of so many in which it was looked for"),
            count("passes", 2, 100, "in so many passes, of one camera or of several"),
            seconds("pass_s", 600.0, "what a camera sees within so long is one pass", low=1.0),
            Parameter("area_m2", "m2", 0.5, 0.0, 1e4, "as large as this"),
            Parameter("step_m", "m", 0.03, 0.0, 10.0, "or with an edge as high as this"),
            Parameter("least", "1", 0.3, 0.0, 1.0, "a picture of less confidence shows nothing"),
            Parameter("sure", "1", 0.75, 0.0, 1.0, "on average less confident: a person should look first"),
            count("unsure_hits", 4, 100, "and then so many pictures must show it"),
            Parameter("within_m", "m", 15.0, 0.0, 1_000.0, "nearer to each other than this it is one spot"),
            count("clear_passes", 3, 100, "so many passes in a row that do not show it end it"),
            seconds("forget_s", 7 * 86_400.0, "what was not confirmed for so long is forgotten", low=1.0),
        ),
    ),
)
