"""Curb policies by the moment, computed once for all places that have the same.

A memo of a pure function: what it answers depends on what it is asked only.
"""

from functools import lru_cache
from typing import Final

from pydantic import TypeAdapter

from processors.detectors.curb import Spell, spell
from schemas.curb import DEFAULT_CALENDAR, Calendar, CurbPolicy

_KEPT: Final = 64
_policies: Final = TypeAdapter(tuple[CurbPolicy, ...])


class Timetable:
    """What some policies say at a moment."""

    def __init__(self, curb: str, calendar: str) -> None:
        """From the JSON of policies, and of a calendar ("": the usual one)."""
        self._policies = _policies.validate_json(curb)
        self._calendar = Calendar.model_validate_json(calendar) if calendar else DEFAULT_CALENDAR
        self._known: dict[int, Spell] = {}  # by the moment asked for: it holds from there on

    def at(self, at_ms: int) -> Spell:
        """Which policy applies, and until when."""
        for asked_ms, known in self._known.items():
            if asked_ms <= at_ms < known.until_ms:
                return known
        if len(self._known) >= _KEPT:
            self._known.clear()
        found = self._known[at_ms] = spell(self._policies, self._calendar, at_ms)
        return found


@lru_cache(maxsize=4096)
def timetable(curb: str, calendar: str) -> Timetable:
    """The timetable of these policies under this calendar, both as JSON."""
    return Timetable(curb, calendar)


def written(policies: tuple[CurbPolicy, ...] | None) -> str:
    """Policies as :func:`timetable` takes them; "" where nothing was said."""
    return "" if policies is None else _policies.dump_json(policies).decode()
