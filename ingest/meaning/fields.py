"""What the fields of a decoded payload mean, from a table that people can read: ``fields.toml``, and one of their own.

The table is checked as a whole when it is loaded: a property that does not exist or a unit that is none of it is an
error that names the block.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ingest.meaning.values import ucum
from schemas.properties import PROPERTIES

BATTERY: Final = "battery"
FIRMWARE: Final = "firmware"
HARDWARE: Final = "hardware"
IGNORED: Final = "ignored"
UNMAPPED: Final = "unmapped"
_SPECIAL: Final = frozenset({BATTERY, FIRMWARE, HARDWARE, IGNORED, UNMAPPED})
_SHIPPED: Final = Path(__file__).with_name("fields.toml")
_MODELS_MAX: Final = 500
_NAMES_MAX: Final = 1_024
_NAME_MAX: Final = 64

_SUFFIX: Final = re.compile(r"(.*?[^\W\d].*?)[\s_.-]?(\d{1,3})", re.DOTALL)
_INFIX: Final = re.compile(r"(.*?[^\W\d])[\s_.-]?(\d{1,3})[\s_.-]+([^\W\d].*)", re.DOTALL)
_DECIMAL: Final = re.compile(r"(?<=\d)_(?=\d)")  # pm1_0 is not pm10
_NOT_A_SUFFIX: Final = frozenset({"in", "d", "h", "g", "l", "s", "1", "%"})


class FieldsError(ValueError):
    """A table of fields that cannot be used; the message says where it is wrong."""


def fold(name: str) -> str:
    """A name without what people vary: case, blanks, dashes, underscores, brackets.

    Dots part levels and stay; an underscore between two digits is a decimal point.
    """
    return "".join(char for char in _DECIMAL.sub(".", name.casefold()) if char.isalnum() or char == ".")


class _Block(BaseModel):
    """One block of the table, as ``fields.toml`` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_: str = Field(alias="is")
    names: tuple[str, ...] = Field(min_length=1)
    unit: str | None = None
    needs_unit: bool = False
    ranges: tuple[tuple[float, float, str], ...] = ()
    factor: float = 1.0
    own_unit: bool = False
    milli_above: float | None = None
    words_only: bool = False
    invert: bool = False
    counts: bool = False
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    invalid: tuple[float, ...] = ()
    channel: str = ""
    models: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> "_Block":
        if self.is_ in _SPECIAL:
            return self
        prop = PROPERTIES.get(self.is_)
        if prop is None:
            raise ValueError(f"{self.is_!r} is no property")
        for unit in (self.unit, *(unit for _, _, unit in self.ranges)):
            if unit is not None and not prop.accepts(unit):
                raise ValueError(f"{unit!r} is no unit of {self.is_}")
        return self


class _Vendor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    also: tuple[str, ...] = ()
    known_by: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    fields: tuple[_Block, ...] = ()


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    containers: tuple[str, ...] = ()
    histories: tuple[str, ...] = ()
    words: dict[str, _Words] = {}
    general: tuple[_Block, ...] = ()
    vendor: tuple[_Vendor, ...] = ()


class Meaning(NamedTuple):
    """What one field is, ready to be applied to a value."""

    is_: str
    is_flag: bool
    unit: str | None
    needs_unit: bool
    ranges: Sequence[tuple[float, float, str]]
    factor: float
    own_unit: bool
    milli_above: float | None
    words_only: bool
    invert: bool
    counts: bool
    true: frozenset[str]
    false: frozenset[str]
    invalid: frozenset[float]
    channel: str


class Who(NamedTuple):
    """The make of a device, as far as a message says it, in folded spelling; empty: unknown."""

    vendor: str = ""
    model: str = ""


UNKNOWN: Final = Who()


class Names:
    """The meanings of field names for one make of device. Names that were met are remembered, up to a bound."""

    def __init__(self, meanings: Mapping[str, Meaning], containers: frozenset[str], histories: frozenset[str]) -> None:
        self._meanings = meanings
        self._met: dict[str, tuple[Meaning, str] | None] = {}
        self.containers = containers
        self.histories = histories
        self.answers: frozenset[str] = frozenset()
        """Folded names that mark an object as an answer to a command."""

    def find(self, name: str) -> tuple[Meaning, str] | None:
        """What a field of this name means, and which channel its name says it is; None where nobody told us."""
        if name in self._met:
            return self._met[name]
        if len(name) > _NAME_MAX:
            return None
        found = self._find(name)
        if len(self._met) >= _NAMES_MAX:
            self._met.clear()
        self._met[name] = found
        return found

    def _find(self, name: str) -> tuple[Meaning, str] | None:
        exact = self._meanings.get(fold(name))
        if exact is not None:
            return exact, exact.channel
        with_unit = self._with_unit(name)
        if with_unit is not None:
            return with_unit, with_unit.channel
        for pattern in (_SUFFIX, _INFIX):
            match = pattern.fullmatch(name)
            if match is None:
                continue
            rest = match[1] + (match[3] if pattern is _INFIX else "")
            meaning = self._meanings.get(fold(rest)) or self._with_unit(rest)
            if meaning is not None:
                channel = f"{meaning.channel}{match[2].lstrip('0') or '0'}" if meaning.channel else match[2]
                return meaning, channel
        return None

    def _with_unit(self, name: str) -> Meaning | None:
        """``distance_mm``: the unit stands behind the name."""
        base, parted, tail = name.rstrip(" )]").replace("(", "_").replace("[", "_").rpartition("_")
        if not parted or tail.lower() in _NOT_A_SUFFIX:
            return None
        meaning = self._meanings.get(fold(base))
        unit = ucum(tail)
        if meaning is None or unit is None or meaning.is_flag or meaning.is_ in _SPECIAL - {BATTERY}:
            return None
        if meaning.is_ == BATTERY:
            is_ = "battery_voltage" if unit in ("V", "mV") else "battery_percent" if unit == "%" else None
            return None if is_ is None else meaning._replace(is_=is_, unit=unit)
        if not PROPERTIES[meaning.is_].accepts(unit):
            return None
        return meaning._replace(unit=unit, needs_unit=False, ranges=(), milli_above=None)


class Fields:
    """The whole table."""

    def __init__(self, tables: Sequence[_Table]) -> None:
        self._tables = tables
        self._words: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        for table in tables:
            for name, words in table.words.items():
                true, false = self._words.get(name, (frozenset(), frozenset()))
                self._words[name] = (true | set(words.true), false | set(words.false))
        self._containers = frozenset(fold(name) for table in tables for name in table.containers)
        self._histories = frozenset(fold(name) for table in tables for name in table.histories)
        vendors = [vendor for table in tables for vendor in table.vendor]
        self._aliases = {key(alias): key(one.name) for one in vendors for alias in (one.name, *one.also)}
        self._known_by = [(key(glob, "*"), key(one.name)) for one in vendors for glob in one.known_by]
        self._by_make: dict[Who, Names] = {}
        self._makes: dict[tuple[str, ...], Who] = {}

    def vendor(self, said: str) -> str:
        """The vendor that is meant, in folded spelling, as said where we do not know it."""
        folded = key(said)
        return self._aliases.get(folded, folded)

    def make(self, vendor: str = "", model: str = "", profile: str = "") -> Who:
        """Who made a device: from what it says, else from its profile's name (``Milesight EM300-TH (EU868)``)."""
        asked = (vendor, model, profile)
        who = self._makes.get(asked)
        if who is None:
            who = self._make(vendor[:128], model[:128], profile[:128])
            if len(self._makes) >= _MODELS_MAX:
                self._makes.clear()
            self._makes[asked] = who
        return who

    def _make(self, vendor: str, model: str, profile: str) -> Who:
        maker, kind = self.vendor(vendor) if vendor else "", key(model)
        words = [key(word) for word in re.split(r"[^\w+-]+|_", profile) if word]
        if not maker:
            for at, word in enumerate(words):
                pair = word + words[at + 1] if at + 1 < len(words) else word
                taken = 2 if pair in self._aliases and pair != word else 1
                if pair in self._aliases or word in self._aliases:
                    maker = self._aliases.get(pair) or self._aliases[word]
                    kind = kind or "".join(words[at + taken : at + taken + 1])
                    break
        if not maker or not kind:
            for word in [kind] if kind else words:
                known = next((name for glob, name in self._known_by if fnmatchcase(word, glob)), None)
                if known is not None and maker in ("", known):
                    return Who(known, word)
        return Who(maker, kind)

    def names(self, who: Who = UNKNOWN) -> Names:
        """The meanings for a make of device."""
        names = self._by_make.get(who)
        if names is None:
            if len(self._by_make) >= _MODELS_MAX:
                self._by_make.clear()
            names = self._by_make[who] = self._compile(who)
        return names

    def _compile(self, who: Who) -> Names:
        meanings: dict[str, Meaning] = {}
        answers: set[str] = set()
        ours = [vendor for table in self._tables for vendor in table.vendor if key(vendor.name) == who.vendor]
        for block in (one for table in self._tables for one in table.general):
            self._enter(meanings, block)
        for vendor in ours:
            answers.update(map(fold, vendor.answers))
            for block in vendor.fields:
                if not block.models:
                    self._enter(meanings, block)
        for vendor in ours:
            for block in vendor.fields:
                if any(fnmatchcase(who.model, key(glob, "*")) for glob in block.models):
                    self._enter(meanings, block)
        names = Names(meanings, self._containers, self._histories)
        names.answers = frozenset(answers)
        return names

    def _enter(self, meanings: dict[str, Meaning], block: _Block) -> None:
        prop = PROPERTIES.get(block.is_)
        true, false = self._words.get(block.is_, (frozenset(), frozenset()))
        meaning = Meaning(
            block.is_,
            prop is not None and prop.is_flag,
            block.unit,
            block.needs_unit,
            block.ranges,
            block.factor,
            block.own_unit,
            block.milli_above,
            block.words_only,
            block.invert,
            block.counts,
            (true - set(block.false)) | set(block.true),
            (false - set(block.true)) | set(block.false),
            frozenset(block.invalid),
            block.channel,
        )
        for name in block.names:
            meanings[fold(name)] = meaning


def key(name: str, also: str = "") -> str:
    """A vendor's or model's name without case and everything that is no letter or digit; ``also`` is kept."""
    return "".join(char for char in name.casefold() if char.isalnum() or char in also)


@lru_cache(maxsize=8)
def load_fields(own: Path | None = None) -> Fields:
    """The shipped table, and a user's own whose blocks win over it.

    Raises:
        FieldsError: a file cannot be read, or something in it is wrong.
    """
    return Fields([_read(path) for path in (_SHIPPED, own) if path is not None])


def _read(path: Path) -> _Table:
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return _Table.model_validate(said)
    except OSError as error:
        raise FieldsError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FieldsError(f"{path}: {error}") from None
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise FieldsError(f"{path}: " + "; ".join(lines)) from None
