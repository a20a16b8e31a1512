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
    return spell(lat, lon, at_ms, margin_ms)[0]


def spell(lat: float, lon: float, at_ms: int, margin_ms: int) -> tuple[Light, int, int]:
    """The same, and from when (inclusive) to when it is that; a spell ends with the solar day at the latest."""
    cell = round(lon * _CELLS)
    offset_ms = cell * _DEGREE_S * 1000 // _CELLS
    day, now_ms = divmod(at_ms + offset_ms, _DAY_MS)
    rises_ms, sets_ms = _sun(round(lat * _CELLS), cell, day)
    if now_ms < rises_ms - margin_ms:
        now, begin, end = Light.NIGHT, 0, rises_ms - margin_ms
    elif now_ms >= sets_ms + margin_ms:
        now, begin, end = Light.NIGHT, sets_ms + margin_ms, _DAY_MS
    elif rises_ms + margin_ms <= now_ms < sets_ms - margin_ms:
        now, begin, end = Light.DAY, rises_ms + margin_ms, sets_ms - margin_ms
    else:
        now, begin, end = Light.TWILIGHT, now_ms, now_ms + 1
    midnight_ms = at_ms - now_ms
    return now, midnight_ms + max(begin, 0), midnight_ms + min(end, _DAY_MS)


def night_began(lat: float, lon: float, at_ms: int, margin_ms: int) -> int:
    """When a night began, on this solar day or the one before."""
    begin_ms = spell(lat, lon, at_ms, margin_ms)[1]
    before, evening_ms, _ = spell(lat, lon, begin_ms - 1, margin_ms)
    return evening_ms if before is Light.NIGHT else begin_ms


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
    return rises, sets
