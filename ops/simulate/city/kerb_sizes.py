"""When a matter of bays, kerbs and traffic is one; as in :mod:`ops.simulate.city.sizes`."""

from typing import Final, NamedTuple

from ops.simulate.city.sizes import DAY_S, HOUR_S, MINUTE_S, Menu, Size
from schemas.anomaly import AnomalyKind as Kind

MAX_STAY_S: Final = 2 * HOUR_S
BAY: Final[Menu] = (
    Size(
        Kind.PARKING_OVERSTAY,
        "4.2 bay overstay: longer than the bay's own limit",
        threshold=MAX_STAY_S,
        rate=0.25,
        far=(1.3, 2.2),
        needs_s=MAX_STAY_S,
    ),
)
SEEING_BAY: Final[Menu] = (
    Size(
        Kind.BAY_BLOCKED,
        "4.2 bay blocked by object: the obstruction bit for 10 min",
        threshold=10 * MINUTE_S,
        rate=0.3,
        far=(1.5, 8.0),
        needs_s=10 * MINUTE_S,
    ),
)
"""Of bays whose sensors tell objects from vehicles, besides :data:`BAY`."""
LOCK: Final[Menu] = (
    Size(
        Kind.PRIVATE_LOCK,
        "4.2 private lock: closed, and nobody came, for more than 24 h",
        threshold=DAY_S,
        rate=0.5,
        far=(1.3, 1.8),
        needs_s=DAY_S,
    ),
)
"""Of bays with a lock before them, by two days."""
CONFLICT: Final[Menu] = (
    Size(
        Kind.SENSOR_CAMERA_CONFLICT,
        "4.2 sensor against camera: they disagree for more than 5 min",
        threshold=5 * MINUTE_S,
        rate=0.5,
        far=(1.5, 8.0),
        needs_s=5 * MINUTE_S,
    ),
)
"""Of bays in the picture of a camera."""


def _stop(kind: Kind, source: str, threshold_s: float) -> Size:
    return Size(kind, source, threshold_s, rate=2.4, far=(1.5, 8.0), needs_s=threshold_s)


KERB: Final = {
    "no_stopping": _stop(Kind.NO_STOPPING, "4.2 no-stopping: stationary for 180 s", 180.0),
    "fire_lane": _stop(Kind.FIRE_LANE_BLOCKED, "4.2 fire lane: 60 s", 60.0),
    "bus_stop": _stop(Kind.BUS_STOP_BLOCKED, "4.2 bus stop: 60 s", 60.0),
    "bicycle_lane": _stop(Kind.BICYCLE_LANE_BLOCKED, "4.2 no-stopping dwell, which holds in bicycle lanes too", 180.0),
    "entrance": _stop(Kind.ENTRANCE_BLOCKED, "4.2 no-stopping dwell, which holds before entrances too", 180.0),
    "travel": _stop(Kind.DOUBLE_PARKING, "4.2 double parking: 120 s in a travel lane", 120.0),
}
"""By what the place at the kerb is for."""


class Hours(NamedTuple):
    """When something is forbidden: from and to, local hours of a day."""

    spans: tuple[tuple[int, int], ...]
    workdays: bool = False
    """Monday to Friday, and no holiday."""


RUSH: Final = Hours(((7, 9), (17, 19)), workdays=True)
DAYTIME: Final = Hours(((6, 22),))
SHORT: Final = Hours(((8, 20),))
TIMED: Final = {
    "rush": (_stop(Kind.NO_STOPPING, "4.2 no-stopping: stationary for 180 s", 180.0), RUSH),
    "night": (
        _stop(Kind.NO_STOPPING, "4.2 no-stopping: 300 s where one stops for a moment, as at markets", 300.0),
        DAYTIME,
    ),
    "bus_lane": (_stop(Kind.BUS_STOP_BLOCKED, "4.2 bus stop: 60 s, which holds in a lane of buses too", 60.0), RUSH),
    "short": (
        Size(
            Kind.PARKING_OVERSTAY,
            "4.2 overstay: longer than the policy of the place allows; its half an hour is ours",
            threshold=30 * MINUTE_S,
            rate=1.0,
            far=(1.3, 3.0),
            needs_s=30 * MINUTE_S,
        ),
        SHORT,
    ),
}
"""Stretches of kerb whose curb policies have time spans: what is forbidden there, and when. Outside one may stand."""
RETURN: Final = Size(
    Kind.PARKING_OVERSTAY,
    "4.2 zones as CDS curb zones: no_return, back again too soon; its hour is ours",
    threshold=HOUR_S,
    rate=1.0,
    far=(0.1, 0.7),
    needs_s=MINUTE_S,
    lasts_s=(3 * MINUTE_S, 10 * MINUTE_S),
    before=(1.03, 1.20),
    beyond=(0.80, 0.97),
)
"""The same vehicle, where parking is short."""

TRAFFIC: Final[Menu] = (
    Size(
        Kind.SEGMENT_CONGESTED,
        "the usual level F of service: below 10 km/h for 5 min",
        threshold=10.0,
        rate=0.7,
        far=(0.2, 0.7),
        needs_s=10 * MINUTE_S,
        lasts_s=(20 * MINUTE_S, 90 * MINUTE_S),
        before=(1.3, 1.6),
        beyond=(0.80, 0.95),
    ),
)
