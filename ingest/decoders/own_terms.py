"""What our own formats share: JSON without surprises, values in canonical units, times."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NoReturn

from ingest.decoders.base import RefusedError
from ingest.messages import Refusal
from schemas.properties import PROPERTIES
from schemas.quarantine import Reason
from schemas.units import to_canonical

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS: Final = range(1970, 9_999)  # outside of these a change of zone may overflow: left to pydantic


@lru_cache(maxsize=1024)
def bounds_of(observed_property: str, unit: str | None) -> tuple[float, float, str | None]:
    """Low, high and the unit to convert from (None: nothing to do) of a property that is known to accept the unit."""
    prop = PROPERTIES[observed_property]
    return prop.low, prop.high, None if unit is None or unit == prop.unit else unit


def canonical(observed_property: str, value: float, unit: str | None) -> float:
    """The value in the canonical unit; minus zero is zero, or one value would have two identities.

    Raises:
        RefusedError: outside of what is physically possible.
    """
    low, high, convert = bounds_of(observed_property, unit)
    found = float(value) + 0.0 if convert is None else to_canonical(float(value), convert) + 0.0
    if not low <= found <= high:
        text = f"{observed_property} of {found!r} {PROPERTIES[observed_property].unit} is outside of {low}..{high}"
        raise RefusedError(Reason.SCHEMA, "value", text)
    return found


class NotCertainError(Exception):
    """A fast path is not certain that this is right: let the careful one decide."""


def utc_ms(text: str) -> int:
    """Milliseconds of RFC 3339 text.

    Raises:
        NotCertainError, ValueError: no zone, no such text, or a year at the edge of what there is.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None or time.year not in _YEARS:
        raise NotCertainError
    delta = time - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def _constant(name: str) -> NoReturn:
    raise RefusedError(Reason.MALFORMED_JSON, None, f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RefusedError(Reason.MALFORMED_JSON, twice, f"key {twice!r} is given twice")
    return out


_reader: Final = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=_object)


def strict_json(payload: bytes) -> Any:
    """JSON as RFC 8259 has it: no NaN, no key twice, no nesting or number beyond reason.

    Raises:
        RefusedError: malformed or not UTF-8.
    """
    try:
        return _reader.decode(payload.decode())
    except UnicodeDecodeError as error:
        raise RefusedError(Reason.INVALID_UTF8, None, f"byte {error.start} of the payload: {error.reason}") from None
    except RefusedError:
        raise
    except RecursionError:
        raise RefusedError(Reason.MALFORMED_JSON, None, "nested too deeply") from None
    except ValueError as error:  # also an integer of more digits than Python converts
        raise RefusedError(Reason.MALFORMED_JSON, None, str(error)) from None


def at_element(index: int, refusal: Refusal) -> Refusal:
    """The same refusal, of an element of an array."""
    return refusal._replace(field=f"[{index}]" if refusal.field is None else f"[{index}].{refusal.field}"[:256])
