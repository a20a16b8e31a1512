"""Whether it is night or day at a place, by the sun: from place and time alone, so the same in every replay.

Sunrise and sunset after the NOAA method (library ``astral``), for cells of a tenth of a degree, which is half a minute.
A day here is one of local solar time: it holds one sunrise and one sunset in this order, whatever the clocks show.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from functools import lru_cache
from typing import Final

from astral import Observer
from astral.sun import elevation, sunrise, sunset

_DAY_MS: Final = 86_400_000
_DEGREE_S: Final = 240
_CELLS: Final = 10
"""To a degree."""
_EPOCH: Final = date(1970, 1, 1)


class Light(Enum):
    """What lamps are to do: burn, be out, or either."""

    NIGHT = "night"
    DAY = "day"
    TWILIGHT = "twilight"


def light(lat: float, lon: float, at_ms: int, margin_ms: int) -> Light:
    """Night or day at a place; twilight within ``margin_ms`` of sunrise and sunset."""
    cell = round(lon * _CELLS)
    day, now_ms = divmod(at_ms + cell * _DEGREE_S * 1000 // _CELLS, _DAY_MS)
    rises_ms, sets_ms = _sun(round(lat * _CELLS), cell, day)
    if now_ms < rises_ms - margin_ms or now_ms >= sets_ms + margin_ms:
        return Light.NIGHT
    return Light.DAY if rises_ms + margin_ms <= now_ms < sets_ms - margin_ms else Light.TWILIGHT


@lru_cache(maxsize=4096)
def _sun(lat: int, lon: int, day: int) -> tuple[int, int]:
    """Sunrise and sunset on a solar day (counted from 1970) of a cell, in milliseconds after its midnight.

    Beyond the polar circles a day without them is all day or all night.
    """
    observer = Observer(lat / _CELLS, lon / _CELLS, 0.0)
    # Offsets of zones are whole seconds, and so are those of cells.
    zone = timezone(timedelta(seconds=lon * _DEGREE_S // _CELLS))
    when = _EPOCH + timedelta(days=day)
    midnight = datetime(when.year, when.month, when.day, tzinfo=zone)
    try:
        rises, sets = (
            round((at(observer, when, tzinfo=zone) - midnight).total_seconds()) * 1000 for at in (sunrise, sunset)
        )
    except ValueError:  # it does not rise, or does not set
        noon = (midnight + timedelta(hours=12)).astimezone(UTC)
        half = _DAY_MS // 2
        return (-_DAY_MS, 2 * _DAY_MS) if elevation(observer, noon) > 0 else (half + _DAY_MS, half - _DAY_MS)
    return rises, sets if sets > rises else sets + _DAY_MS  # close to the circles it sets after midnight
