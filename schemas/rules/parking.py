"""What ``processors.detectors.parking`` decides by."""

import math
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules.rule import Rule, seconds


def _kerb(name: str, about: str, dwell_s: float) -> Rule:
    return Rule(
        name,
        "parking",
        about,
        frozenset({FacilityClass.CURB_ZONE}),
        (AnomalyKind.NO_STOPPING,),
        (
            seconds("dwell_s", dwell_s, "a vehicle that stands longer is a finding", field="grace_s"),
            seconds("clear_s", 60.0, "it is gone when nothing stood there for so long", field="clear_s"),
            seconds("track_gone_s", 600.0, "a track of which the camera says nothing for so long is gone", low=1.0),
        ),
    )


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "overstay",
        "parking",
        "A bay is taken for longer than is allowed.",
        frozenset({FacilityClass.PARKING_BAY}),
        (AnomalyKind.PARKING_OVERSTAY,),
        (
            seconds("max_stay_s", math.inf, "how long one may stay", field="max_stay_s"),
            seconds("grace_s", 0.0, "how much longer is tolerated", field="grace_s"),
            seconds("clear_s", 30.0, "it is free when nothing stood there for so long", field="clear_s"),
            seconds("track_gone_s", 600.0, "a track of which the camera says nothing for so long is gone", low=1.0),
        ),
    ),
    _kerb("no_stopping", "A vehicle stands where none may stop.", 180.0),
    _kerb("bus_stop", "A vehicle that is no bus stands at a bus stop.", 60.0),
    _kerb("fire_lane", "A vehicle stands in a fire lane.", 60.0),
)
