"""Our own batch (channel ``batch``): readings of many devices in columns, one message of their gateway.

A message that is right in every part is read in one go. Where one is not, it is read again with care, row by row: good
rows are taken, and the first bad one is named by its column and number.
"""

from collections.abc import Callable
from itertools import repeat
from typing import Annotated, Any, Final, NamedTuple, NoReturn

import msgspec
from pydantic import TypeAdapter, ValidationError

from ingest.decoders.base import RefusedError, schema
from ingest.decoders.identify import device_id
from ingest.decoders.own_terms import NotCertainError, bounds_of, strict_json, utc_ms
from ingest.messages import About, Decoded, Kind, Measurement, Refusal, Report
from schemas.model import Timestamp, to_ms
from schemas.properties import PROPERTIES
from schemas.units import UNITS

_SEQ_MAX: Final = 2**63 - 1
_MS_MAX: Final = 253_402_300_799_999
_WORD = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\s:|]*\Z")]
_Index = Annotated[int, msgspec.Meta(ge=0)]
_Seq = Annotated[int, msgspec.Meta(ge=0, le=_SEQ_MAX)]
_Ms = Annotated[int, msgspec.Meta(ge=0, le=_MS_MAX)]
_timestamp: Final = TypeAdapter(Timestamp)


class Series(msgspec.Struct, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """Whose readings a row can be of: a device's property, in a UCUM unit (none: the canonical one)."""

    device: str
    property: str
    unit: str | None = None
    boot: _WORD = ""
    """Changes whenever the device begins to count ``seq`` anew; needed beside ``seq``."""
    channel: _WORD = ""
    """Which of several sensors of one property."""


class Batch(msgspec.Struct, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """Columns of equal length; row *i* is a reading of ``series[index[i]]``."""

    series: list[Series]
    index: list[_Index]
    value: list[float | bool | None]
    """In the unit of the series; true and false for flags; null is no reading."""
    time: list[_Ms | str | None] | msgspec.UnsetType = msgspec.UNSET
    """Milliseconds since the epoch, or RFC 3339; without the column, or null: when the message arrived."""
    seq: list[_Seq | None] | msgspec.UnsetType = msgspec.UNSET
    """The device's own numbers of its readings."""


class _Plan(NamedTuple):
    """How rows of one series are read."""

    append: Callable[[Measurement], None]
    observed_property: str
    flag: bool
    low: float
    high: float
    factor: float
    offset: float
    boot: str
    channel: str


_decoder: Final = msgspec.json.Decoder(Batch)
_KEYS: Final = Batch.__struct_fields__
_SERIES_KEYS: Final = Series.__struct_fields__
_new: Final = tuple.__new__


def decode_batch(payload: bytes, gateway: str) -> Decoded:
    """Read a batch; takes any bytes and never raises."""
    devices: dict[str, list[Measurement]] = {}
    refusal: Refusal | None = None
    refused = 0
    try:
        _fast(payload, devices)
    except (NotCertainError, msgspec.MsgspecError, ValueError, IndexError, OverflowError, RecursionError):
        devices = {}
        try:
            refusal, refused = _careful(payload, devices)
        except RefusedError as error:
            devices, refusal, refused = {}, error.refusal, 1
    about = About(gateway=gateway)
    reports = [
        Report(device, Kind.TELEMETRY, None, readings, about=about) for device, readings in devices.items() if readings
    ]
    return Decoded(reports, refusal, refused, gateway)


# --------------------------------------------------------------------------------------------------- in one go


def _fast(payload: bytes, devices: dict[str, list[Measurement]]) -> None:
    """Read a message that is right in every part.

    Raises:
        NotCertainError, RefusedError, msgspec.MsgspecError, ValueError, IndexError: read it with care.
    """
    batch = _decoder.decode(payload)
    index, values = batch.index, batch.value
    rows = len(index)
    times = repeat(None, rows) if batch.time is msgspec.UNSET else batch.time
    seqs = repeat(None, rows) if batch.seq is msgspec.UNSET else batch.seq
    plans = [_plan(one, devices) for one in batch.series]
    texts = 0
    for at, value, time, seq in zip(index, values, times, seqs, strict=True):
        append, observed_property, flag, low, high, factor, offset, boot, channel = plans[at]
        if time.__class__ is str:
            texts += 1
            time = utc_ms(time)  # noqa: PLW2901 - the same moment
        if value is None:
            continue
        if (value not in (0.0, 1.0)) if flag else value.__class__ is bool:
            raise NotCertainError
        number = value * factor + offset  # minus zero becomes zero, or one value would have two identities
        if not low <= number <= high:
            raise NotCertainError
        append(_new(Measurement, (observed_property, number, time, boot, seq, channel)))
    # A quote begins or ends a key or a text, or is escaped in one. As many as were read: no key was given twice.
    columns = 3 + (batch.time is not msgspec.UNSET) + (batch.seq is not msgspec.UNSET)
    texts += columns
    if payload.count(b'"') != 2 * (texts + sum(map(_texts, batch.series))):
        raise NotCertainError


def _texts(series: Series) -> int:
    """Keys and texts that stand in a series at least; an empty text or null that is spelled out is left to care."""
    return 4 + 2 * ((series.unit is not None) + (series.boot != "") + (series.channel != ""))


def _plan(series: Series, devices: dict[str, list[Measurement]]) -> _Plan:
    """How its rows are read.

    Raises:
        RefusedError: a part that cannot be, named.
    """
    prop = PROPERTIES.get(series.property)
    if prop is None:
        schema("property", f"{series.property[:64]!r} is no property we know; see schemas/properties.py")
    if series.unit is not None and series.unit != prop.unit and not prop.accepts(series.unit):
        schema("unit", f"{series.unit[:64]!r} is no unit of {prop.name}, whose unit is {prop.unit}")
    low, high, convert = bounds_of(prop.name, series.unit)
    unit = None if convert is None else UNITS[convert]
    readings = devices.setdefault(device_id(series.device, "device"), [])
    factor, offset = (1.0, 0.0) if unit is None else (unit.factor, unit.offset)
    return _Plan(readings.append, prop.name, prop.is_flag, low, high, factor, offset, series.boot, series.channel)


# --------------------------------------------------------------------------------------------------- with care


def _careful(payload: bytes, devices: dict[str, list[Measurement]]) -> tuple[Refusal | None, int]:
    """Read row by row; returns why the first bad row was refused, and how many were.

    Raises:
        RefusedError: there are no rows to be told.
    """
    body = strict_json(payload)
    if not isinstance(body, dict):
        schema(None, "not an object with the columns series, index and value")
    _only(body, _KEYS, ("series", "index", "value"))
    columns = {name: body[name] for name in _KEYS if name in body}
    for name, column in columns.items():
        if not isinstance(column, list):
            schema(name, "no array")
    rows = len(columns["index"])
    for name in ("value", "time", "seq"):
        if name in columns and len(columns[name]) != rows:
            schema(name, f"{len(columns[name])} rows, but index has {rows}")
    series = [_series(at, one, devices) for at, one in enumerate(columns["series"])]
    bad = [one for one in series if isinstance(one, Refusal)]
    refusal = bad[0] if bad else None
    refused = 0
    for row in range(rows):
        try:
            _row(row, columns, series)
        except RefusedError as error:
            refused += 1
            refusal = refusal or error.refusal
    return refusal, max(refused, len(bad))


def _only(found: dict[str, Any], known: tuple[str, ...], required: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            schema(key, f"unknown, known are {', '.join(known)}")
    for key in required:
        if key not in found:
            schema(key, "is missing")


def _series(at: int, element: Any, devices: dict[str, list[Measurement]]) -> _Plan | Refusal:
    try:
        if not isinstance(element, dict):
            schema(None, "no object")
        _only(element, _SERIES_KEYS, ("device", "property"))
        for key in ("device", "property"):
            if not isinstance(element[key], str):
                schema(key, "no text")
        unit = element.get("unit")
        if unit is not None and not isinstance(unit, str):
            schema("unit", "no text")
        boot, channel = (_a_word(element, key) for key in ("boot", "channel"))
        return _plan(Series(element["device"], element["property"], unit, boot, channel), devices)
    except RefusedError as error:
        field = f"series[{at}]" if error.refusal.field is None else f"series[{at}].{error.refusal.field}"
        return error.refusal._replace(field=field[:256])


def _a_word(element: dict[str, Any], key: str) -> str:
    value = element.get(key, "")
    try:
        return msgspec.convert(value, _WORD)
    except msgspec.ValidationError as error:
        schema(key, str(error))


def _row(row: int, columns: dict[str, list[Any]], series: list[_Plan | Refusal]) -> None:
    at = columns["index"][row]
    if at.__class__ is not int or not 0 <= at < len(series):
        _refuse("index", row, f"not one of the {len(series)} series")
    plan = series[at]
    if isinstance(plan, Refusal):
        raise RefusedError(plan.reason, plan.field, plan.detail)
    time = _time(row, columns["time"][row]) if "time" in columns else None
    seq = columns["seq"][row] if "seq" in columns else None
    if seq is not None and (seq.__class__ is not int or not 0 <= seq <= _SEQ_MAX):
        _refuse("seq", row, f"no whole number from 0 to {_SEQ_MAX}")
    value = columns["value"][row]
    if value is None:
        return
    if value.__class__ not in (int, float, bool):
        _refuse("value", row, "neither a number nor true, false or null")
    if plan.flag and value not in (0, 1):
        _refuse("value", row, f"{plan.observed_property} is true or false")
    if value.__class__ is bool and not plan.flag:
        _refuse("value", row, f"{plan.observed_property} is a number")
    try:
        number = float(value) * plan.factor + plan.offset
    except OverflowError:
        number = float("inf")
    if not plan.low <= number <= plan.high:
        unit = PROPERTIES[plan.observed_property].unit
        text = f"{plan.observed_property} of {number!r} {unit} is outside of {plan.low}..{plan.high}"
        _refuse("value", row, text)
    plan.append(Measurement(plan.observed_property, number, time, plan.boot, seq, plan.channel))


def _time(row: int, value: Any) -> int | None:
    if value is None:
        return None
    if value.__class__ is int and 0 <= value <= _MS_MAX:
        return int(value)
    if not isinstance(value, str):
        _refuse("time", row, f"neither RFC 3339 text nor milliseconds from 0 to {_MS_MAX}")
    try:
        return to_ms(_timestamp.validate_python(value))
    except (ValidationError, ValueError, OverflowError) as error:
        detail = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
        _refuse("time", row, detail)


def _refuse(column: str, row: int, detail: str) -> NoReturn:
    schema(f"{column}[{row}]", detail)
