"""How devices spell times. A clock that was never set gives no time: it would be the same one again and again."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from ingest.meaning.values import finite

NEVER_SET_MS: Final = 946_684_800_000  # 2000-01-01: before it, a clock counts from its own start
_LATEST_MS: Final = 253_402_300_799_999
_SECONDS_BELOW: Final = 100_000_000_000  # of a number without unit: later numbers are milliseconds


def plausible(ms: int) -> int | None:
    """The time, or None where the clock was never set or no log can hold it."""
    return ms if NEVER_SET_MS <= ms <= _LATEST_MS else None


def epoch_s(value: Any) -> int | None:
    """Milliseconds of a number of seconds since the epoch, cut off like all times; a float is good to a microsecond."""
    number = finite(value)
    return None if number is None or not abs(number) < 1e12 else plausible(round(number * 1e6) // 1000)  # noqa: PLR2004


def epoch_ms(value: Any) -> int | None:
    """Milliseconds of a number of milliseconds since the epoch."""
    number = finite(value)
    return None if number is None or not abs(number) < 1e15 else plausible(int(number))  # noqa: PLR2004


def epoch(value: Any) -> int | None:
    """Milliseconds of a number of seconds or milliseconds, told apart by its size (the year 5138 in seconds)."""
    number = finite(value)
    return None if number is None else epoch_s(number) if abs(number) < _SECONDS_BELOW else epoch_ms(number)


def rfc3339(value: Any) -> int | None:
    """Milliseconds of RFC 3339 text with its zone, of any number of decimals; None for anything else."""
    time = _parsed(value)
    return None if time is None or time.tzinfo is None else _ms(time)


def local(value: Any, zone: tzinfo | None, near_ms: int) -> int | None:
    """Milliseconds of ISO 8601 text, read in this zone where it has none of its own.

    Of the two instants that an hour told twice can mean (the end of summer time), the one nearer to ``near_ms``.
    """
    time = _parsed(value)
    if time is None:
        return None
    if time.tzinfo is not None:
        return _ms(time)
    if zone is None:
        return None
    both = [_ms(time.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]
    known = [ms for ms in both if ms is not None]
    return min(known, key=lambda ms: abs(ms - near_ms), default=None)


def _parsed(value: Any) -> datetime | None:
    if not isinstance(value, str) or not 10 <= len(value) <= 64:  # noqa: PLR2004 - a date, and any decimals
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _ms(time: datetime) -> int | None:
    try:
        return plausible((time.astimezone(UTC) - _EPOCH) // _MS)
    except OverflowError:
        return None


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
