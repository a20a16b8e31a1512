"""What ``processors.detectors.parking`` decides by."""

import math
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules.rule import Parameter, Rule, count, seconds

STANDING: Final = (
    FacilityClass.PARKING_BAY,
    FacilityClass.CURB_ZONE,
    FacilityClass.BICYCLE_LANE,
    FacilityClass.ENTRANCE,
    FacilityClass.TRAVEL_LANE,
)
"""Where vehicles may stand or must not."""


def _standing(name: str, about: str, classes: set[FacilityClass], kind: AnomalyKind, dwell_s: float) -> Rule:
    return Rule(
        name,
        "parking",
        about,
        frozenset(classes),
        (kind,),
        (
            seconds("dwell_s", dwell_s, "a vehicle that stands longer is a finding", field="grace_s"),
            seconds("clear_s", 60.0, "it is gone when nothing stood there for so long", field="clear_s"),
            seconds("cool_down_s", 1_800.0, "so long after a finding the same vehicle makes no other"),
            seconds("track_gone_s", 600.0, "a track of which the camera says nothing for so long is gone", low=1.0),
        ),
    )


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "overstay",
        "parking",
        "A place is taken for longer than is allowed, or again too soon.",
        frozenset({FacilityClass.PARKING_BAY, FacilityClass.CURB_ZONE}),
        (AnomalyKind.PARKING_OVERSTAY,),
        (
            seconds("max_stay_s", math.inf, "how long one may stay", field="max_stay_s"),
            seconds("grace_s", 0.0, "how much longer is tolerated", field="grace_s"),
            seconds("clear_s", 30.0, "it is free when nothing stood there for so long", field="clear_s"),
            seconds("track_gone_s", 600.0, "a track of which the camera says nothing for so long is gone", low=1.0),
            count("same_values", 4, 1_000, "a sensor whose temperature repeats itself so often is frozen"),
        ),
    ),
    _standing(
        "no_stopping",
        "A vehicle stands where none may stop.",
        {FacilityClass.CURB_ZONE, FacilityClass.PARKING_BAY},
        AnomalyKind.NO_STOPPING,
        180.0,
    ),
    _standing(
        "no_parking",
        "A vehicle stands where one may stop for a moment only.",
        {FacilityClass.CURB_ZONE, FacilityClass.PARKING_BAY},
        AnomalyKind.NO_STOPPING,
        300.0,
    ),
    _standing(
        "bus_stop",
        "A vehicle that is no bus stands at a bus stop.",
        {FacilityClass.CURB_ZONE},
        AnomalyKind.BUS_STOP_BLOCKED,
        60.0,
    ),
    _standing(
        "fire_lane",
        "A vehicle or an object stands in a fire lane.",
        {FacilityClass.CURB_ZONE},
        AnomalyKind.FIRE_LANE_BLOCKED,
        60.0,
    ),
    _standing(
        "bicycle_lane",
        "A motor vehicle stands in a bicycle lane.",
        {FacilityClass.BICYCLE_LANE, FacilityClass.CURB_ZONE},
        AnomalyKind.BICYCLE_LANE_BLOCKED,
        180.0,
    ),
    _standing(
        "entrance",
        "A vehicle stands before an entrance.",
        {FacilityClass.ENTRANCE, FacilityClass.CURB_ZONE},
        AnomalyKind.ENTRANCE_BLOCKED,
        180.0,
    ),
    _standing(
        "double_parking",
        "A vehicle stands in a travel lane.",
        {FacilityClass.TRAVEL_LANE, FacilityClass.CURB_ZONE},
        AnomalyKind.DOUBLE_PARKING,
        120.0,
    ),
    Rule(
        "beside",
        "parking",
        "What stands in a travel lane is double parked only beside a taken bay.",
        frozenset({FacilityClass.TRAVEL_LANE, FacilityClass.CURB_ZONE}),
        (AnomalyKind.DOUBLE_PARKING,),
        (Parameter("within_m", "m", 0.0, 0.0, 1_000.0, "how near a taken bay must be; 0: none need be"),),
    ),
    Rule(
        "tracks",
        "parking",
        "Which tracks of a camera are one vehicle, and when its word counts.",
        frozenset(STANDING),
        (),
        (
            seconds("join_gap_s", 120.0, "a track that was lost may be found again within so long"),
            Parameter("join_overlap", "1", 0.5, 0.05, 1.0, "if the boxes overlap by more than this share of both"),
            count("words", 2, 100, "so many messages say of a track with a box that it stands"),
            seconds("fresh_s", 90.0, "the newest of them not older than this", low=1.0),
            seconds("wait_s", 15.0, "a word of it that is due by so long after is waited for; 0: none is"),
            seconds("rolls_s", 1.0, "one that moved for longer before it stood was not lost there: it has just come"),
        ),
    ),
    Rule(
        "bay_blocked",
        "parking",
        "Something that is no vehicle stands on a bay.",
        frozenset({FacilityClass.PARKING_BAY}),
        (AnomalyKind.BAY_BLOCKED,),
        (
            seconds("after_s", 600.0, "it stands there for longer than this"),
            seconds("clear_s", 300.0, "it is gone when nothing lay there for so long"),
        ),
    ),
    Rule(
        "private_lock",
        "parking",
        "A lock bars a bay on which nobody parks.",
        frozenset({FacilityClass.PARKING_BAY}),
        (AnomalyKind.PRIVATE_LOCK,),
        (
            seconds("after_s", 86_400.0, "it is up, and nobody came, for longer than this"),
            seconds("clear_s", 0.0, "it is gone when it was down for so long"),
        ),
    ),
    Rule(
        "conflict",
        "parking",
        "The sensor of a bay and a camera over it disagree.",
        frozenset({FacilityClass.PARKING_BAY}),
        (AnomalyKind.SENSOR_CAMERA_CONFLICT,),
        (
            seconds("after_s", 300.0, "for longer than this"),
            seconds("clear_s", 120.0, "until they agree for so long"),
        ),
    ),
    Rule(
        "congestion",
        "parking",
        "Traffic crawls or stands.",
        frozenset({FacilityClass.TRAVEL_LANE, FacilityClass.ROAD_SECTION}),
        (AnomalyKind.SEGMENT_CONGESTED,),
        (
            Parameter("slow_mps", "m/s", 2.8, 0.1, 50.0, "traffic that is slower than this"),
            Parameter("flowing_mps", "m/s", 4.2, 0.1, 50.0, "flows again when it is faster than this"),
            Parameter("full_share", "1", 0.6, 0.01, 1.0, "a detector that is taken for more of the time"),
            Parameter("free_share", "1", 0.4, 0.0, 1.0, "and free again when it is taken for less"),
            count("vehicles", 6, 1_000, "or so many vehicles that stand in a lane at once"),
            seconds("after_s", 300.0, "for longer than this"),
            seconds("clear_s", 300.0, "until it flowed for so long"),
        ),
    ),
)
