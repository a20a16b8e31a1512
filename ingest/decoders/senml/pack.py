"""Resolves the records of a SenML pack (RFC 8428, section 4): base fields, names, times, sums."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from ingest.decoders.base import RefusedError, schema
from ingest.decoders.cbor import loads
from ingest.meaning.times import epoch_s
from ingest.meaning.values import finite
from ingest.messages import Refusal

RECORDS_MAX: Final = 20_000
_TEXT_MAX: Final = 1024
_NAME_MAX: Final = 512
_RELATIVE_BELOW: Final = 2.0**28
"""Seconds; a smaller time is relative to now (section 4.5.3)."""

_BY_NUMBER: Final = {
    -1: "bver",
    -2: "bn",
    -3: "bt",
    -4: "bu",
    -5: "bv",
    -6: "bs",
    0: "n",
    1: "u",
    2: "v",
    3: "vs",
    4: "vb",
    5: "s",
    6: "t",
    7: "ut",
    8: "vd",
}
"""Labels in CBOR (section 6, table 4)."""
LABELS: Final = frozenset(_BY_NUMBER.values()) | {"l"}
VALUES: Final = frozenset({"v", "vs", "vb", "vd"})
_CBOR_ARRAYS: Final = frozenset(bytes([first]) for first in range(0x80, 0xA0))
_SELF_DESCRIBED: Final = b"\xd9\xd9\xf7"
_VERSION: Final = 10
_SECONDARY_UNITS: Final = 1 << 4
"""The feature of RFC 9100 that a pack with units of RFC 8798 may ask for."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")


class Now(NamedTuple):
    """A time relative to the arrival of the message."""

    offset_s: float


class Record(NamedTuple):
    """One resolved record."""

    at: int
    """Its place in the pack."""
    base: str
    """The base name in force."""
    name: str
    """Base name and name in one."""
    unit: str | None
    value: float | bool | str | None
    """None: it has only a sum."""
    total: float | None
    time: int | Now | None
    """Milliseconds since the epoch; None: now, as nobody said when."""
    update_s: float | None


class _Base:
    """The base fields in force: each holds from its record on."""

    def __init__(self) -> None:
        self.name = ""
        self.unit: str | None = None
        self.time = self.value = self.sum = 0.0
        self.has_sum = False

    def take(self, record: Mapping[str, Any]) -> None:
        """Take the base fields of a record.

        Raises:
            RefusedError: one cannot be understood, and with it whatever follows.
        """
        if "bver" in record:
            _check_version(record["bver"])
        if "bn" in record:
            self.name = _text(record, "bn", _NAME_MAX)
        if "bu" in record:
            self.unit = _text(record, "bu", _TEXT_MAX)
        if "bt" in record:
            self.time = _number(record, "bt")
        if "bv" in record:
            self.value = _number(record, "bv")
        if "bs" in record:
            self.sum = _number(record, "bs")
            self.has_sum = True


def is_cbor(payload: bytes) -> bool:
    """Whether this begins as an array in CBOR does, plain or self-described; JSON begins otherwise."""
    return payload[:1] in _CBOR_ARRAYS or payload[:3] == _SELF_DESCRIBED


def cbor_records(payload: bytes) -> Any:
    """A pack in CBOR with the labels it would have in JSON; anything else as it is.

    Raises:
        RefusedError: it is no CBOR.
    """
    found = loads(payload)
    if not isinstance(found, list | tuple):
        return found
    return [_labelled(one) if isinstance(one, Mapping) else one for one in found]


def _labelled(record: Mapping[Any, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in record.items():
        label = _BY_NUMBER.get(key, f"label {key}") if key.__class__ is int else key
        if not isinstance(label, str):
            schema(None, f"a label that is neither a number nor text: {key!r}")
        if label in out:
            schema(label, f"{label!r} is given twice, by number and by name")
        out[label] = value
    return out


def resolve(pack: Any) -> Iterator[Record | Refusal]:
    """The records of a pack that say something; a record that cannot be understood is a refusal, the others go on.

    Raises:
        RefusedError: it is no pack, or a base field makes what follows unreadable.
    """
    if not isinstance(pack, list):
        schema(None, "not a SenML pack: neither an array of records in JSON nor in CBOR")
    if len(pack) > RECORDS_MAX:
        schema(None, f"{len(pack)} records, more than {RECORDS_MAX}")
    base = _Base()
    for index, record in enumerate(pack):
        try:
            if not isinstance(record, dict):
                schema(None, "no record, which is an object")
            base.take(record)
        except RefusedError as error:
            at = error.refusal
            raise RefusedError(
                at.reason, _where(index, at.field), f"{at.detail}; nothing behind it can be read"
            ) from None
        try:
            found = _resolved(index, record, base)
        except RefusedError as error:
            yield error.refusal._replace(field=_where(index, error.refusal.field))
            continue
        if found is not None:
            yield found


def _where(index: int, field: str | None) -> str:
    return f"[{index}]" if field is None else f"[{index}].{field}"


def _resolved(index: int, record: Mapping[str, Any], base: _Base) -> Record | None:
    for label in record:
        if label.endswith("_"):
            schema(label, "must be understood (its name ends in _) and is not known")
    given = [label for label in record if label in VALUES]
    if not given and "s" not in record:
        if "n" in record or "u" in record or "t" in record:
            schema(None, "neither a value nor a sum")
        return None  # base fields alone
    if len(given) > 1:
        schema(given[1], f"a second value beside {given[0]!r}")
    name = base.name + (_text(record, "n", _NAME_MAX) if "n" in record else "")
    if not _NAME.fullmatch(name):
        schema("n", f"{name!r} is no name: letters, digits and - : . / _, beginning with a letter or digit")
    total = _number(record, "s") + base.sum if "s" in record else base.sum if base.has_sum else None
    return Record(
        index,
        base.name,
        name,
        _text(record, "u", _TEXT_MAX) if "u" in record else base.unit,
        _value(record, given[0], base) if given else None,
        total,
        _time(base.time + (_number(record, "t") if "t" in record else 0.0)),
        _number(record, "ut") if "ut" in record else None,
    )


def _value(record: Mapping[str, Any], label: str, base: _Base) -> float | bool | str:
    value = record[label]
    if label == "v":
        return _number(record, "v") + base.value
    if label == "vb":
        if not isinstance(value, bool):
            schema(label, "neither true nor false")
        return value
    if label == "vd" and isinstance(value, bytes):
        return urlsafe_b64encode(value[:_TEXT_MAX]).decode().rstrip("=")
    if not isinstance(value, str):
        schema(label, "no text")
    return value[:_TEXT_MAX].encode("utf-8", "backslashreplace").decode()


def _time(seconds: float) -> int | Now | None:
    if seconds == 0:
        return None
    return Now(seconds) if seconds < _RELATIVE_BELOW else epoch_s(seconds)


def _check_version(value: Any) -> None:
    """Refuse what this specification does not explain; RFC 9100 makes the version a sum of features."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        schema("bver", "no version")
    if value > _VERSION and value != _VERSION + _SECONDARY_UNITS:
        schema("bver", f"version {str(value)[:20]} is not understood, {_VERSION} is (and secondary units)")


def _number(record: Mapping[str, Any], label: str) -> float:
    value = record[label]
    if isinstance(value, Decimal):
        value = float(value)  # infinite where it is too large, and refused below
    number = finite(value)
    if number is None:
        schema(label, "no number")
    return number


def _text(record: Mapping[str, Any], label: str, longest: int) -> str:
    value = record[label]
    if not isinstance(value, str):
        schema(label, "no text")
    if len(value) > longest:
        schema(label, f"{len(value)} characters, more than {longest}")
    return value.encode("utf-8", "backslashreplace").decode()
