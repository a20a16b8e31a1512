"""Curb policies with time spans, as the registry has them; and when they hold, reckoned here anew."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.kerb_sizes import RETURN, TIMED, Hours
from ops.simulate.city.sky import UTC_OFFSET_MS, local
from ops.simulate.model import DAY_MS, HOUR_MS
from schemas.facility import Policy

HOLIDAYS: Final = "holidays"
"""What the calendar calls them."""
HOLIDAY_SHARE: Final = 0.25
"""Of days; more than anywhere, so that there are some in a week."""
_WORKDAYS: Final = ("mon", "tue", "wed", "thu", "fri")


def is_holiday(seed: int, begin_ms: int) -> bool:
    """Whether the day that begins then is one."""
    return Draws(seed, "holiday", begin_ms // DAY_MS).chance(HOLIDAY_SHARE)


def date_of(begin_ms: int) -> str:
    """The local date of a midnight."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=begin_ms + UTC_OFFSET_MS)).date().isoformat()


def in_force(seed: int, hours: Hours, begin_ms: int) -> list[tuple[int, int]]:
    """From when to when something is forbidden on the day that begins then."""
    if hours.workdays and (local(begin_ms).weekend or is_holiday(seed, begin_ms)):
        return []
    return [(begin_ms + first * HOUR_MS, begin_ms + last * HOUR_MS) for first, last in hours.spans]


def outside(spans: list[tuple[int, int]], begin_ms: int) -> Iterator[tuple[int, int]]:
    """What is left of the day."""
    at_ms = begin_ms
    for first, last in spans:
        yield at_ms, first
        at_ms = last
    yield at_ms, begin_ms + DAY_MS


def _spans(hours: Hours) -> list[dict[str, Any]]:
    besides = (
        {"days_of_week": _WORKDAYS, "designated_period": HOLIDAYS, "designated_period_except": True}
        if hours.workdays
        else {}
    )
    return [
        {"time_of_day_start": f"{first:02d}:00", "time_of_day_end": f"{last:02d}:00"} | besides
        for first, last in hours.spans
    ]


def _policy(activity: str, *curb: dict[str, Any]) -> Policy:
    ranked = [{"priority": rank} | one for rank, one in enumerate(curb, 1)]
    return Policy.model_validate_json(json.dumps({"activity": activity, "curb": ranked}))


def _by_night() -> dict[str, Any]:
    """One span over midnight: when it is not forbidden by day."""
    ((first, last),) = TIMED["night"][1].spans
    return {"time_of_day_start": f"{last:02d}:00", "time_of_day_end": f"{first:02d}:00"}


TIMED_POLICIES: Final = {
    "rush": _policy("parking", {"activity": "no stopping", "time_spans": _spans(TIMED["rush"][1])}),
    "night": _policy("parking", {"activity": "parking", "time_spans": [_by_night()]}, {"activity": "no parking"}),
    "bus_lane": _policy(
        "bus_stop",
        {"activity": "no stopping", "time_spans": _spans(TIMED["bus_lane"][1])},
        {"activity": "stopping"},
    ),
    "short": _policy(
        "parking",
        {
            "activity": "parking",
            "max_stay_s": TIMED["short"][0].threshold,
            "no_return_s": RETURN.threshold,
            "time_spans": _spans(TIMED["short"][1]),
        },
    ),
}
"""By the names in :data:`ops.simulate.city.kerb_sizes.TIMED`, in their order."""
