"""From an object that a vendor's codec made to measurements: walks it, and asks :mod:`ingest.meaning.fields`.

Understood are plain fields, objects of value and unit, numbered channels, history with times of its own, lists of
named values and SenseCAP's measurement ids. Everything else is kept as an unmapped field under its dotted name.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ingest.decoders.draft import Draft
from ingest.meaning.fields import BATTERY, FIRMWARE, HARDWARE, IGNORED, UNMAPPED, Meaning, Names, fold
from ingest.meaning.times import epoch, rfc3339
from ingest.meaning.values import amount, finite, flag

_VALUES_MAX: Final = 4_096  # of one message: no radio frame holds as many
_DEPTH_MAX: Final = 8
_NAMES: Final = ("name", "variable", "parameter", "label", "quantity", "measurement", "key", "type")
_VALUES: Final = ("value", "v", "measurementValue", "val")
_TIMES: Final = ("timestamp", "time", "datetime", "date", "ts", "t")
_LOW: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*V?\s*\(\s*low\s*battery\s*\)\s*", re.IGNORECASE)
_NO_READING: Final = frozenset(
    {"", "null", "none", "nan", "n/a", "na", "no sensor", "nosensor", "invalid", "read failed", "unknown", "undefined"}
)
_VOLTS_MAX: Final = 5


class Reader:
    """Reads one object into a draft."""

    def __init__(self, draft: Draft, names: Names) -> None:
        self._draft = draft
        self._names = names
        self._left = _VALUES_MAX
        self.firmware: str | None = None
        self.hardware: str | None = None

    def read(self, said: Mapping[str, Any]) -> None:
        """Take everything an object says."""
        if self._names.answers and any(fold(name) in self._names.answers for name in said):
            for name, value in said.items():
                self._draft.unknown(name, value, "the answer to a command")
            return
        self._object(said, "", None, 0)
        self._once()

    def _once(self) -> None:
        """Two fields may mean the same: what the second says otherwise is put aside, or one reading had two values."""
        draft = self._draft
        first: dict[tuple[str, str, int | None], float] = {}
        kept = []
        for one in draft.measurements:
            key = one.observed_property, one.channel, one.time_ms
            if key not in first:
                first[key] = one.value
                kept.append(one)
            elif first[key] != one.value:
                draft.unknown(one.observed_property, one.value, "said before, and otherwise")
        if len(kept) < len(draft.measurements):
            draft.measurements[:] = kept

    def _object(self, said: Mapping[str, Any], prefix: str, time_ms: int | None, depth: int) -> None:
        for name, value in said.items():
            if value is None:
                continue
            self._left -= 1
            if self._left < 0:
                return
            dotted = f"{prefix}.{name}" if prefix else name
            if isinstance(value, dict):
                self._inner(name, dotted, value, time_ms, depth)
            elif isinstance(value, list):
                self._list(name, dotted, value, time_ms, depth)
            else:
                self._value(name, dotted, value, None, "", time_ms)

    def _inner(self, name: str, dotted: str, said: dict[str, Any], time_ms: int | None, depth: int) -> None:
        if "value" in said and not isinstance(said["value"], dict | list):
            unit = said.get("unit")
            self._value(name, dotted, said["value"], unit if isinstance(unit, str) else None, "", time_ms)
        elif depth >= _DEPTH_MAX:
            self._draft.unknown(dotted, "...", "nested too deeply")
        elif said and all(key.isdecimal() for key in said):  # {"temperatureSensor": {"1": 21.5}}
            for channel, value in list(said.items())[:256]:
                if isinstance(value, dict):
                    self._object(value, dotted, time_ms, depth + 1)
                else:
                    self._value(name, f"{dotted}.{channel}", value, None, channel[:64], time_ms)
        elif fold(name) in self._names.containers:
            self._contained(said, dotted, time_ms, depth)
        else:
            self._object(said, dotted, time_ms, depth + 1)

    def _contained(self, said: Mapping[str, Any], dotted: str, time_ms: int | None, depth: int) -> None:
        """What stands in a container means what it means outside; only what stays unmapped keeps the whole name."""
        before = len(self._draft.unmapped)
        self._object(said, "", time_ms, depth + 1)
        for at in range(before, len(self._draft.unmapped)):
            one = self._draft.unmapped[at]
            self._draft.unmapped[at] = one._replace(name=f"{dotted}.{one.name}")

    def _list(self, name: str, dotted: str, said: Sequence[Any], time_ms: int | None, depth: int) -> None:
        if depth >= _DEPTH_MAX:
            self._draft.unknown(dotted, "...", "nested too deeply")
            return
        if fold(name) in self._names.histories:
            self._history(dotted, said, depth)
            return
        if len(said) == 1 and not isinstance(said[0], dict | list):
            self._value(name, dotted, said[0], None, "", time_ms)
            return
        if not any(isinstance(one, dict | list) for one in said):
            found = self._names.find(dotted)
            if said and (found is None or found[0].is_ != IGNORED):
                self._draft.unknown(dotted, said[:64], "several values, and no times for them")
            return
        for at, one in enumerate(said):
            self._left -= 1
            if self._left < 0:
                return
            if isinstance(one, list):
                self._list(name, dotted, one, time_ms, depth + 1)
            elif isinstance(one, dict):
                self._entry(f"{dotted}.{at}", one, time_ms, depth)
            else:
                self._draft.unknown(f"{dotted}.{at}", one)

    def _entry(self, dotted: str, said: dict[str, Any], time_ms: int | None, depth: int) -> None:
        """One of a list: a named value, an entry with a time of its own, or fields under a type."""
        own_ms = _time(said)
        when = time_ms if own_ms is None else own_ms
        value = next((said[key] for key in _VALUES if key in said), None)
        name = said.get("measurementId")
        if isinstance(name, int) and not isinstance(name, bool):
            name = str(name) if abs(name) < 1_000_000 else None  # noqa: PLR2004 - far above the ids there are
        if not isinstance(name, str):
            name = next((said[key] for key in _NAMES if isinstance(said.get(key), str)), None)
        if value is not None and isinstance(name, str) and not isinstance(value, dict | list):
            unit = said.get("unit")
            self._value(name, name, value, unit if isinstance(unit, str) else None, "", when)
        elif own_ms is not None:
            self._object(said, "", own_ms, depth + 1)
        elif isinstance(said.get("type"), str):  # SenseCAP: {"type": "upload_battery", "battery": 100}
            self._object(said, "", when, depth + 1)
        else:
            for key, one in list(said.items())[:64]:
                self._draft.unknown(f"{dotted}.{key}", one, "one of several, and no time for it")

    def _history(self, dotted: str, said: Sequence[Any], depth: int) -> None:
        for at, one in enumerate(said):
            self._left -= 1
            if self._left < 0:
                return
            own_ms = _time(one) if isinstance(one, dict) else None
            if own_ms is None:
                self._draft.unknown(f"{dotted}.{at}", one, "history without a time")
            else:
                self._object(one, "", own_ms, depth + 1)

    def _value(self, name: str, dotted: str, value: Any, unit: str | None, channel: str, time_ms: int | None) -> None:
        found = self._names.find(dotted)
        if found is None and channel:
            found = self._names.find(name)
        if found is None or found[0].is_ == UNMAPPED:
            if value is not None:
                self._draft.unknown(dotted, value)
            return
        meaning, named = found
        if meaning.is_ == IGNORED or value is None:
            return
        channel = channel or named
        if meaning.is_ in {FIRMWARE, HARDWARE}:
            setattr(self, meaning.is_, str(value)[:64])
        elif isinstance(value, str) and value.strip().lower() in _NO_READING:
            self._draft.unknown(dotted, value, "no reading")
        elif meaning.is_ == BATTERY:
            self._battery(dotted, value, unit, channel, time_ms)
        elif meaning.is_flag:
            self._flag(meaning, dotted, value, channel, time_ms)
        else:
            self._number(meaning, dotted, value, unit, channel, time_ms)

    def _flag(self, meaning: Meaning, dotted: str, value: Any, channel: str, time_ms: int | None) -> None:
        number = finite(value) if meaning.counts else None
        said: Any = number > 0 if number is not None and number >= 0 else value
        truth = flag(said, meaning.true, meaning.false)
        if truth is not None and meaning.words_only and not _in_words(said, meaning):
            self._draft.unknown(dotted, value, f"which way round this {meaning.is_} is meant is not known")
        elif truth is None:
            self._draft.unknown(dotted, value, f"neither true nor false for {meaning.is_}")
        else:
            self._draft.flag(meaning.is_, truth is not meaning.invert, channel=channel, time_ms=time_ms)

    def _number(
        self, meaning: Meaning, dotted: str, value: Any, unit: str | None, channel: str, time_ms: int | None
    ) -> None:
        draft = self._draft
        if isinstance(value, str):
            low = _LOW.fullmatch(value)
            if low is not None and meaning.is_ == "battery_voltage":  # Netvox: "2.3(low battery)"
                draft.flag("low_battery", value=True, time_ms=time_ms)
                value = float(low[1])
        said = amount(value)
        if said is None:
            draft.unknown(dotted, value, f"no number for {meaning.is_}")
            return
        number, written = said.value, said.unit
        if number in meaning.invalid:
            draft.unknown(dotted, value, "the value by which the device says that it has none")
            return
        if meaning.own_unit:
            written = meaning.unit
        elif written is None:
            written = unit
        if written is None and not meaning.own_unit:
            written = meaning.unit or _by_range(meaning, number)
            if written is None and meaning.needs_unit:
                draft.unknown(dotted, value, f"the unit of this {meaning.is_} is not known")
                return
            if written is None and meaning.milli_above is not None and number >= meaning.milli_above:
                number /= 1000
        draft.number(meaning.is_, number * meaning.factor, written, channel=channel, time_ms=time_ms, field=dotted)

    def _battery(self, dotted: str, value: Any, unit: str | None, channel: str, time_ms: int | None) -> None:
        """Volts or percent: by the unit; else a fraction up to 5 is volts, and above 5 it can only be percent."""
        draft = self._draft
        if isinstance(value, str):
            word = flag(value, frozenset({"low", "critical", "empty"}), frozenset({"good", "high", "full", "medium"}))
            if word is not None and _leading(value) is None:
                draft.flag("low_battery", word, channel=channel, time_ms=time_ms)
                return
        said = amount(value)
        if said is None:
            draft.unknown(dotted, value, "neither volts nor percent")
            return
        written = said.unit if said.unit is not None else unit
        number = said.value
        if written is not None:
            volts = written.strip() in ("V", "mV", "v", "mv", "volt", "volts", "Volt", "Volts")
            draft.number(
                "battery_voltage" if volts else "battery_percent",
                number,
                written,
                channel=channel,
                time_ms=time_ms,
                field=dotted,
            )
        elif number <= _VOLTS_MAX and number.is_integer():
            draft.unknown(dotted, value, "volts or percent: not certain")
        elif number <= _VOLTS_MAX:
            draft.number("battery_voltage", number, channel=channel, time_ms=time_ms, field=dotted)
        else:
            draft.number("battery_percent", number, channel=channel, time_ms=time_ms, field=dotted)


def _in_words(said: Any, meaning: Meaning) -> bool:
    return isinstance(said, str) and said.strip().lower() in meaning.true | meaning.false


def _by_range(meaning: Meaning, number: float) -> str | None:
    """The only unit in which a number can be what it is said to be."""
    return next((unit for low, high, unit in meaning.ranges if low <= number <= high), None)


def _leading(value: str) -> float | None:
    """The number a text begins with, None where it is none."""
    said = amount(value)
    return None if said is None else said.value


def _time(said: Mapping[str, Any]) -> int | None:
    """The time an entry gives itself, milliseconds; None without one, and where its clock was never set."""
    for key in _TIMES:
        value = said.get(key)
        if value is not None:
            found = rfc3339(value) if isinstance(value, str) else epoch(value)
            if found is not None:
                return found
    return None
