"""What is known of datastreams: the unit and the observed property of their results."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ingest.meaning.values import ucum

KNOWN_MAX: Final = 200_000
"""Datastreams and parts of MultiDatastreams that are remembered."""
PARTS_MAX: Final = 64
_TEXT_MAX: Final = 200

_UNIT_NAMES: Final = {
    "degree celsius": "Cel",
    "degrees celsius": "Cel",
    "degreecelsius": "Cel",
    "deg_c": "Cel",
    "relative humidity": "%RH",
    "hectopascal": "hPa",
    "kilopascal": "kPa",
    "pascal": "Pa",
    "cubic metre per hour": "m3/h",
    "cubic meter per hour": "m3/h",
    "litre per second": "L/s",
    "liter per second": "L/s",
    "cubic metre": "m3",
    "cubic meter": "m3",
    "metre per second": "m/s",
    "meter per second": "m/s",
    "kilowatt hour": "kWh",
    "parts per million": "ppm",
    "microgram per cubic metre": "ug/m3",
    "microgram per cubic meter": "ug/m3",
}


class Part(NamedTuple):
    """One value of a result."""

    unit: str | None
    """UCUM; None: none was given or none that we know."""
    observed: str
    """The name of the observed property; empty where it is not known."""
    symbol: str
    """The unit as it was given."""

    def over(self, known: "Part") -> "Part":
        """What is known when this is said of it."""
        said = self if self.symbol else known
        return Part(said.unit, self.observed or known.observed, said.symbol)


class Stream(NamedTuple):
    """A Datastream, or a MultiDatastream with several parts."""

    name: str
    parts: tuple[Part, ...]
    multi: bool = False


class Streams:
    """The datastreams that were described, the one used last at the end; the others go when there are too many."""

    def __init__(self, most: int = KNOWN_MAX) -> None:
        self._streams: OrderedDict[str, Stream] = OrderedDict()
        self._parts = 0
        self._most = most

    def __len__(self) -> int:
        return len(self._streams)

    def get(self, key: str) -> Stream | None:
        """The stream of this id, if it was described."""
        found = self._streams.get(key)
        if found is not None:
            self._streams.move_to_end(key)
        return found

    def put(self, key: str, stream: Stream) -> None:
        """Remember a description; what it leaves open stays as it was known."""
        known = self._streams.get(key)
        if known is not None and len(known.parts) == len(stream.parts):
            parts = tuple(new.over(old) for new, old in zip(stream.parts, known.parts, strict=True))
            stream = Stream(stream.name or known.name, parts, stream.multi)
        if known is not None:
            self._parts -= 1 + len(known.parts)
        self._parts += 1 + len(stream.parts)
        self._streams[key] = stream
        self._streams.move_to_end(key)
        while self._parts > self._most:
            _, oldest = self._streams.popitem(last=False)
            self._parts -= 1 + len(oldest.parts)


def stream_of(entity: dict[str, Any]) -> Stream | None:
    """What a (Multi)Datastream entity says of its results; None where it says nothing."""
    name = _text(entity.get("name"))
    units = entity.get("unitOfMeasurements")
    if isinstance(units, list):
        observed = entity.get("ObservedProperties")
        names = [_observed(one) for one in observed[:PARTS_MAX]] if isinstance(observed, list) else []
        names += [""] * (len(units) - len(names))
        parts = tuple(Part(*_unit(unit, said)) for unit, said in zip(units[:PARTS_MAX], names, strict=False))
        return Stream(name, parts, multi=True)
    unit, said = entity.get("unitOfMeasurement"), _observed(entity.get("ObservedProperty"))
    if unit is None and not said and not name:
        return None
    return Stream(name, (Part(*_unit(unit, said)),))


def observed_only(entity: dict[str, Any]) -> Stream:
    """What an ObservedProperty of a datastream says of its results."""
    return Stream("", (Part(None, _observed(entity), ""),))


def id_of(entity: Any, collection: str) -> str:
    """``Datastreams(42)`` of an entity or a reference to one; empty where it has no id."""
    if not isinstance(entity, dict):
        return ""
    found = entity.get("@iot.id")
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 1 << 63:
        return f"{collection}({found})"
    if isinstance(found, str) and 0 < len(found) <= _TEXT_MAX and not set(found) & set("()'/"):
        return f"{collection}('{found}')"
    return ""


def _unit(unit: Any, observed: str) -> tuple[str | None, str, str]:
    if not isinstance(unit, dict):
        return None, observed, ""
    symbol, name, definition = (_text(unit.get(key)) for key in ("symbol", "name", "definition"))
    return next(_codes(symbol, name, definition), None), observed, symbol or name


def _codes(symbol: str, name: str, definition: str) -> Iterator[str]:
    if definition.startswith("ucum:"):
        symbol = definition.removeprefix("ucum:")
    ending = definition.replace("#", "/").rpartition("/")[2]
    for spelled in (symbol, name, ending):
        code = ucum(spelled) or _UNIT_NAMES.get(spelled.lower())
        if spelled and code is not None:
            yield code


def _observed(entity: Any) -> str:
    if not isinstance(entity, dict):
        return ""
    return _text(entity.get("name")) or _text(entity.get("definition")).replace("#", "/").rpartition("/")[2]


def _text(value: Any) -> str:
    return value[:_TEXT_MAX].encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else ""
