"""What applies to the facilities of a zone by the rules of one detector: resolved when it is configured, not when read.

A detector keeps a rulebook in its state, shows it every registration and configuration, and asks it by facility.
"""

from functools import lru_cache
from typing import Final

import msgspec

from schemas.facility import Facility, FacilityClass
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules import RULES, Values, resolve, said

RegistryEvent = FacilityRegistered | FacilityLeft | ZoneConfigured | ClassConfigured
"""What a detector that has rules hears of the registry."""

_ALIKE: Final = 16_384  # policies that are told apart
_RESOLVED: Final = "resolved"  # kept beside the state and never written: it follows from it


class Rulebook(msgspec.Struct, dict=True, array_like=True):
    """Only what somebody said is written to snapshots."""

    rules: tuple[str, ...]
    """The names of those that it is about; ``limit_*`` are all that begin like this."""
    zone: dict[str, float] = {}
    classes: dict[str, dict[str, float]] = {}
    facilities: dict[str, dict[str, float]] = {}  # of those that have any of their own

    def configure(self, event: ZoneConfigured | ClassConfigured) -> bool:
        """Take in what was said of the zone or of a class; whether anything may apply that did not before.

        Those who are concerned are asked for by :meth:`of`, which is cheap.
        """
        if isinstance(event, ZoneConfigured):
            values = said(event.policy, _expanded(self.rules))
            before, self.zone = self.zone, values
        else:
            values = said(event.policy, self._rules_of(event.facility_class))
            before = self.classes.pop(event.facility_class.value, {})
            if values:
                self.classes[event.facility_class.value] = values
        self.__dict__.pop(_RESOLVED, None)
        return values != before

    def register(self, facility: Facility) -> None:
        """Take in what a registration says of the facility itself."""
        values = said(facility.policy, self._rules_of(facility.facility_class))
        before = self.facilities.pop(facility.facility, {})
        if values:
            self.facilities[facility.facility] = values
        if values != before:
            self._forget_resolved(facility.facility)

    def forget(self, facility: str) -> None:
        """The facility is gone."""
        if self.facilities.pop(facility, None) is not None:
            self._forget_resolved(facility)

    def of(self, facility: str, facility_class: FacilityClass, rule: str = "") -> Values:
        """What applies, by full name; the same object for all that have nothing of their own.

        Args:
            facility: to whom.
            facility_class: of it.
            rule: only of this one; of all when empty.
        """
        own = self.facilities.get(facility)
        key = (facility_class, True, rule) if own is None else (facility, False, rule)
        resolved = self._resolved()
        found = resolved.get(key)
        if found is None:
            layers = ({} if own is None else own, self.zone, self.classes.get(facility_class.value, {}))
            rules = (rule,) if rule else _expanded(self.rules)
            found = resolved[key] = _applying(rules, tuple(tuple(layer.items()) for layer in layers))
        return found

    def _rules_of(self, facility_class: FacilityClass) -> list[str]:
        return [name for name in _expanded(self.rules) if RULES[name].applies(facility_class)]

    def _resolved(self) -> dict[tuple[str, bool, str], Values]:
        try:
            found: dict[tuple[str, bool, str], Values] = self.__dict__[_RESOLVED]
        except KeyError:
            found = self.__dict__[_RESOLVED] = {}
        return found

    def _forget_resolved(self, facility: str) -> None:
        for rule in ("", *_expanded(self.rules)):
            self._resolved().pop((facility, False, rule), None)


@lru_cache(maxsize=_ALIKE)
def _applying(rules: tuple[str, ...], layers: tuple[tuple[tuple[str, float], ...], ...]) -> Values:
    """The same object for all to whom the same was said: there are many more facilities than policies."""
    return resolve(rules, [dict(layer) for layer in layers])


@lru_cache(maxsize=256)
def _expanded(rules: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the rules that are meant."""
    return tuple(
        name
        for said_of in rules
        for name in ([one for one in RULES if one.startswith(said_of[:-1])] if said_of.endswith("*") else [said_of])
    )
