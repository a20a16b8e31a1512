"""What the metrics of a birth mean: each becomes a tag, by which later messages are read without asking again."""

import re
from collections import Counter
from typing import Any, Final, NamedTuple

from ingest.decoders.base import schema
from ingest.decoders.sparkplug.wire import METRICS_MAX, name_of, parts, scalar, texts
from ingest.meaning.times import plausible
from ingest.meaning.words import Meaning, meaning, unit_in
from ingest.messages import About
from schemas.properties import PROPERTIES

_BOOLEAN: Final = 11
_UNIT_KEYS: Final = ("engunit", "engineering units", "engunits", "engineeringunits", "unit", "units", "uom")
_UNIT_NAMES: Final = frozenset({"units", "unit", "engunit", "engunits", "engineering units", "uom"})
_CONTROL: Final = ("Node Control/", "Device Control/")
_PROPERTIES: Final = "Properties/"
_BD_SEQ: Final = "bdSeq"
_ABOUT: Final = {
    "hardware make": "vendor",
    "make": "vendor",
    "manufacturer": "vendor",
    "vendor": "vendor",
    "hardware model": "model",
    "model": "model",
    "hardware version": "hardware",
    "hardware revision": "hardware",
    "fw": "firmware",
    "firmware": "firmware",
    "firmware version": "firmware",
    "software version": "firmware",
}
_TAGS_MAX: Final = 64
_CHANNEL_MAX: Final = 128
_NO_CHANNEL: Final = re.compile(r"[^\w./-]+")


class Tag(NamedTuple):
    """One metric of a birth, ready to read values by."""

    name: str
    datatype: int
    observed_property: str | None = None
    """None: it is nothing we measure."""
    unit: str | None = None
    flag: bool = False
    inverted: bool = False
    channel: str = ""
    quiet: bool = False
    """Bookkeeping of the protocol, or said in :class:`About`: not even unmapped."""
    why: str = ""
    """Why it is nothing we measure, where that is known."""


class Table:
    """What one birth said: its tags by alias and by name, and when."""

    __slots__ = ("_units", "about", "born_ms", "by_alias", "by_name")

    def __init__(self, payload: Any, gateway: str | None) -> None:
        """Read a birth.

        Raises:
            RefusedError: a name that cannot be kept.
        """
        self.born_ms: int | None = plausible(payload.timestamp)
        leaves = [
            (path, leaf, outer)
            for outer in payload.metrics
            for path, leaf in parts(outer, name_of(outer))
            if path or leaf.HasField("alias")
        ]
        if len(leaves) > METRICS_MAX:
            schema("metrics", f"{len(leaves)} metrics with those in Templates, more than {METRICS_MAX}")
        self._units = _sibling_units(leaves)
        self.by_name: dict[str, Tag] = {path: _tag(path, leaf, self._units) for path, leaf, _ in leaves if path}
        _tell_apart(self.by_name)
        self.by_alias: dict[int, Tag] = {}
        for path, leaf, outer in leaves:
            if leaf.HasField("alias"):
                self.by_alias[leaf.alias] = self.by_name.get(path) or Tag(path, leaf.datatype)
            elif outer is not leaf and outer.HasField("alias"):
                self.by_alias.setdefault(outer.alias, Tag(name_of(outer), outer.datatype))
        self.about = _about(leaves, gateway)

    def __len__(self) -> int:
        return 1 + max(len(self.by_name), len(self.by_alias))

    def find(self, metric: Any) -> Tag | None:
        """The tag of a metric in a later message, by its name or else its alias.

        A metric that was in no birth and yet has its name is read by it, as far as that goes.

        Raises:
            RefusedError: the name is none.
        """
        if not metric.name:
            return self.by_alias.get(metric.alias) if metric.HasField("alias") else None
        tag = self.by_name.get(metric.name)
        if tag is None:
            name = name_of(metric)
            tag = _tag(name, metric, self._units)
            taken = any(one.observed_property == tag.observed_property for one in self.by_name.values())
            tag = tag._replace(channel=_channel(name) if taken else "")
        return tag


_Leaf = tuple[str, Any, Any]


def _sibling_units(leaves: list[_Leaf]) -> dict[str, str]:
    """Units that a metric such as ``Pressure/Units`` gives for all beside and below it, by its folder."""
    out: dict[str, str] = {}
    for path, leaf, _ in leaves:
        folder, _, last = path.rpartition("/")
        if last.lower() in _UNIT_NAMES and isinstance(text := scalar(leaf, leaf.datatype), str) and text:
            out[folder] = text
    return out


def _tag(path: str, leaf: Any, units: dict[str, str]) -> Tag:
    folder, _, last = path.rpartition("/")
    if path == _BD_SEQ or path.startswith(_CONTROL) or last.lower() in _UNIT_NAMES:
        return Tag(path, leaf.datatype, quiet=True)
    if path.startswith(_PROPERTIES):  # of the device: texts are in About, nothing is a reading
        return Tag(path, leaf.datatype, quiet=isinstance(scalar(leaf, leaf.datatype), str), why="of the device itself")
    truth = leaf.datatype == _BOOLEAN
    said = texts(leaf.properties) if leaf.HasField("properties") else {}
    own = next((said[key] for key in _UNIT_KEYS if said.get(key)), None)
    bare, suffix = unit_in(path)
    found: Meaning | None
    if truth:
        unit, found = None, meaning(path, truth=True)
    elif own or suffix:
        unit = own or suffix
        found = meaning(bare if suffix else path, unit)
    else:
        unit = _nearest(units, path, folder)
        found = None if unit is None else meaning(path, unit, by_unit=False)
        if found is None:
            unit, found = None, meaning(path)
    if found is None:
        named = "" if unit is None else f" in {unit}"
        why = "" if truth or meaning(path, "1") is None else f"which property this is, nobody can tell{named}"
        return Tag(path, leaf.datatype, why=why)
    flag = PROPERTIES[found.observed_property].is_flag
    return Tag(path, leaf.datatype, found.observed_property, unit, flag, found.inverted, found.rest)


def _nearest(units: dict[str, str], path: str, folder: str) -> str | None:
    """The unit said nearest: below the metric's own name, beside it, or above."""
    if path in units:
        return units[path]
    while folder and folder not in units:
        folder = folder.rpartition("/")[0]
    return units.get(folder)


def _channel(name: str) -> str:
    """The whole name, without what has a meaning of its own in identities."""
    return _NO_CHANNEL.sub("_", name)[:_CHANNEL_MAX]


def _tell_apart(tags: dict[str, Tag]) -> None:
    """Keep channels only of properties that a device measures more than once; equal ones are told apart by name."""
    often = Counter(tag.observed_property for tag in tags.values() if tag.observed_property)
    pairs = Counter((tag.observed_property, tag.channel) for tag in tags.values() if tag.observed_property)
    for name, tag in tags.items():
        if tag.observed_property is None:
            continue
        if often[tag.observed_property] == 1:
            tags[name] = tag._replace(channel="")
        elif pairs[tag.observed_property, tag.channel] > 1:
            tags[name] = tag._replace(channel=_channel(name))


def _about(leaves: list[_Leaf], gateway: str | None) -> About:
    found: dict[str, str] = {}
    tags: dict[str, str] = {}
    for path, leaf, _ in leaves:
        if not path.startswith(_PROPERTIES) or leaf.is_null:
            continue
        value = scalar(leaf, leaf.datatype)
        if not isinstance(value, str) or not value:
            continue
        name = path[len(_PROPERTIES) :]
        if (field := _ABOUT.get(name.lower())) is not None:
            found[field] = value
        elif len(tags) < _TAGS_MAX:
            tags[name] = value
    return About(
        vendor=found.get("vendor"),
        model=found.get("model"),
        hardware=found.get("hardware"),
        firmware=found.get("firmware"),
        gateway=gateway,
        tags=tags,
    )
