"""The base of every message model and the few scalar types they share."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A message or a part of one: immutable, strict, camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


def _from_rfc3339(value: Any) -> Any:
    """Accept RFC 3339 text where strict mode would want a datetime (JSON has no other way)."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def format_rfc3339(time: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. ``2026-11-24T01:02:03.004Z``."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _to_utc_ms(time: datetime) -> datetime:
    """UTC, truncated to the millisecond: the resolution of every time in the log."""
    try:
        utc = time.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside of the years 1 to 9999 in UTC") from None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_from_rfc3339),
    AfterValidator(_to_utc_ms),
    PlainSerializer(format_rfc3339, return_type=str, when_used="json"),
    Field(description="RFC 3339; a time without zone is refused; kept in UTC to the millisecond"),
]


class Moment(int):
    """Milliseconds since the epoch, which are a :data:`Timestamp` on the wire."""

    __slots__ = ()


MS = Annotated[int, Field(ge=0, le=253_402_300_799_999, description="milliseconds since 1970-01-01T00:00:00Z")]

_NAME = r"^[^\s\x00-\x1f+#]+(?: [^\s\x00-\x1f+#]+)*$"
DeviceId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        pattern=_NAME,
        description="as its gateway calls it, e.g. a DevEUI, `group/node/device`, a MAC address: no `+`, `#`",
    ),
]
ZoneId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        pattern=r"^[^\s\x00-\x1f]+$",
        description="what must be seen together: `dma:...`, `segment:...`, `feeder:...` or `grid:...`",
    ),
]


def to_ms(time: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime.

    Raises:
        ValueError: the time has no zone.
    """
    try:
        delta = time - _EPOCH
    except TypeError:
        raise ValueError("a time without zone has no place in the log") from None
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def moment(text: str) -> Moment:
    """The moment of a :data:`Timestamp`.

    Raises:
        ValueError: it is no time, one without zone, or outside of the years 1 to 9999 in UTC.
    """
    ms = to_ms(datetime.fromisoformat(text))
    if not _FIRST_MS <= ms <= _LAST_MS:
        raise ValueError("outside of the years 1 to 9999 in UTC")
    return Moment(ms)


def from_ms(ms: int) -> datetime:
    """The aware UTC datetime of milliseconds since the epoch."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS, _LAST_MS = to_ms(datetime.min.replace(tzinfo=UTC)), to_ms(datetime.max.replace(tzinfo=UTC))
