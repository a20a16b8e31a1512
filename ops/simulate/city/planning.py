"""Which day of a facility has a matter, and when it begins."""

from collections.abc import Sequence
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.model import Matter
from ops.simulate.city.sizes import NEAR_SHARE, Size
from ops.simulate.model import DAY_MS, HOUR_MS

FIRST_MS: Final = 1 * HOUR_MS
"""Nothing goes wrong before, so that who begins to listen at midnight has heard everything once."""
LAST_MS: Final = DAY_MS - HOUR_MS
"""By then it is over, so that every finding falls into the same day."""

Window = tuple[int, int]


def drawn(
    draws: Draws, menu: Sequence[Size], facility: str, day_ms: int, window: Window | None = None
) -> Matter | None:
    """The matter of a facility's day, if it has one.

    Args:
        draws: of this facility and day.
        menu: what may happen, each at its own rate.
        facility: whose.
        day_ms: local midnight.
        window: from and to, in ms of the day: no matter begins before or ends after; None: nearly all day.
    """
    first, last = window or (FIRST_MS, LAST_MS)
    at = draws.unit()
    for size in menu:
        for silent, rate in ((False, size.rate), (True, size.rate * NEAR_SHARE * (size.before is not None))):
            at -= rate
            if at < 0:
                return _fitted(size.matter(draws, facility, 0, silent=silent), draws, day_ms, first, last)
    return None


def _fitted(matter: Matter, draws: Draws, day_ms: int, first: int, last: int) -> Matter:
    """At a random time of the window; what is too long for it begins with it."""
    length = min(matter.end_ms, last - first)
    start = day_ms + first + int(draws.unit() * (last - first - length))
    return matter._replace(start_ms=start, end_ms=start + length)
