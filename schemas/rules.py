"""Rules as data: every threshold by which a detector decides is a named parameter in one closed table.

A parameter is configured for a facility, a zone or a class of facilities (:class:`schemas.facility.Policy`); where
several are, the nearest wins: facility, zone, class, default (docs/decisions/0026-rules-as-data.md). Names and ranges
are checked where people enter them; who reads the log ignores names that are gone and keeps to today's ranges, so that
a table that changes never makes an old log unreadable.

Defaults: the project's domain reference, section 4; all but the 10 degrees of a cover are proposals, not law.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import Facility, FacilityClass, Policy

SECONDS_MAX: Final = 86_400.0 * 366

Values = Mapping[str, float]
"""Values by the full names of parameters."""


class RuleError(ValueError):
    """A policy that no rule takes; the message names the parameter and what would be right."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One threshold; ``low`` and ``high`` are inclusive and, as ``default``, in ``unit`` (UCUM)."""

    name: str
    """Within its rule, ending in its unit where it has one."""
    unit: str
    default: float
    """Infinite: no limit unless somebody sets one."""
    low: float
    high: float
    meaning: str
    field: str | None = None
    """The field of a policy that says the same."""

    def within(self, value: float) -> float:
        """The value, or the end of the range that is nearest to it."""
        return min(max(value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one processor decides by these parameters."""

    name: str
    processor: str
    about: str
    classes: frozenset[FacilityClass]
    """Of facilities it is for; empty: all."""
    kinds: tuple[AnomalyKind, ...]
    parameters: tuple[Parameter, ...]

    def applies(self, facility_class: FacilityClass) -> bool:
        """Whether it decides about facilities of this class."""
        return not self.classes or facility_class in self.classes


def _seconds(name: str, default: float, meaning: str, *, low: float = 0.0, field: str | None = None) -> Parameter:
    return Parameter(name, "s", default, low, SECONDS_MAX, meaning, field)


def _count(name: str, default: int, high: int, meaning: str) -> Parameter:
    return Parameter(name, "1", default, 1, high, meaning)


def _kerb(name: str, about: str, dwell_s: float) -> Rule:
    return Rule(
        name,
        "parking",
        about,
        frozenset({FacilityClass.CURB_ZONE}),
        (AnomalyKind.NO_STOPPING,),
        (
            _seconds("dwell_s", dwell_s, "a vehicle that stands longer is a finding", field="grace_s"),
            _seconds("clear_s", 60.0, "it is gone when nothing stood there for so long", field="clear_s"),
            _seconds("track_gone_s", 600.0, "a track of which the camera says nothing for so long is gone", low=1.0),
        ),
    )


_RULES: Final = (
    # cover
    Rule(
        "cover",
        "cover",
        "A cover is tilted away from how it was installed, or open.",
        frozenset({FacilityClass.MANHOLE_COVER}),
        (AnomalyKind.COVER_TILTED, AnomalyKind.COVER_OPEN),
        (
            Parameter("install_angle_deg", "deg", 0.0, 0.0, 180.0, "how it lies when all is well", "install_angle_deg"),
            Parameter("tilt_deg", "deg", 10.0, 0.1, 180.0, "a deviation beyond this is a tilt", "tilt_deg"),
            Parameter("calm_share", "1", 0.5, 0.0, 1.0, "a deviation below this share of `tilt_deg` is none"),
            Parameter("open_deg", "deg", 90.0, 1.0, 180.0, "beyond this angle it is no cover any more"),
            _count("confirm_samples", 2, 100, "so many samples in a row confirm an alarm"),
            _seconds("confirm_s", 60.0, "or so long without a contrary one"),
            _count("clear_samples", 2, 100, "so many calm samples in a row end it"),
        ),
    ),
    # parking
    Rule(
        "overstay",
        "parking",
        "A bay is taken for longer than is allowed.",
        frozenset({FacilityClass.PARKING_BAY}),
        (AnomalyKind.PARKING_OVERSTAY,),
        (
            _seconds("max_stay_s", math.inf, "how long one may stay", field="max_stay_s"),
            _seconds("grace_s", 0.0, "how much longer is tolerated", field="grace_s"),
            _seconds("clear_s", 30.0, "it is free when nothing stood there for so long", field="clear_s"),
            _seconds("track_gone_s", 600.0, "a track of which the camera says nothing for so long is gone", low=1.0),
        ),
    ),
    _kerb("no_stopping", "A vehicle stands where none may stop.", 180.0),
    _kerb("bus_stop", "A vehicle that is no bus stands at a bus stop.", 60.0),
    _kerb("fire_lane", "A vehicle stands in a fire lane.", 60.0),
    # devices
    Rule(
        "silence",
        "silence",
        "A device does not speak at its interval.",
        frozenset(),
        (AnomalyKind.DEVICE_SILENT,),
        (Parameter("intervals", "1", 3.0, 1.0, 1_000.0, "silent after so many of its intervals without a word"),),
    ),
    Rule(
        "clock",
        "clock",
        "The clock of a device is wrong.",
        frozenset(),
        (AnomalyKind.DEVICE_CLOCK,),
        (
            _count("messages", 3, 100, "so many wrong times make a finding, so many right ones in a row end it"),
            _seconds("within_s", 3_600.0, "the wrong ones within so long", low=1.0),
        ),
    ),
)

RULES: Final[dict[str, Rule]] = {rule.name: rule for rule in _RULES}
PARAMETERS: Final[dict[str, tuple[Rule, Parameter]]] = {
    f"{rule.name}.{parameter.name}": (rule, parameter) for rule in _RULES for parameter in rule.parameters
}
"""By full name: ``cover.tilt_deg``."""


class Scope(StrEnum):
    """Who said a value; the nearest to the facility wins."""

    FACILITY = "facility"
    ZONE = "zone"
    CLASS = "class"
    DEFAULT = "default"


def said(policy: Policy, rules: Iterable[str] | None = None) -> dict[str, float]:
    """What a policy says of parameters, by full name; of these rules only, where they are given.

    Its ``rules`` win over its fields. A field says the same to every rule that reads it.
    """
    found: dict[str, float] = {}
    named = policy.rules or {}
    for name in _names(rules):
        _, parameter = PARAMETERS[name]
        value = named.get(name)
        if value is None and parameter.field is not None:
            value = getattr(policy, parameter.field)
        if value is not None:
            found[name] = parameter.within(value)
    return found


def resolve(rules: Iterable[str], layers: Sequence[Values]) -> dict[str, float]:
    """What applies of these rules, by full name.

    Args:
        rules: their names.
        layers: what :func:`said` gave, the nearest first.
    """
    return {
        name: next((layer[name] for layer in layers if name in layer), PARAMETERS[name][1].default)
        for name in _names(rules)
    }


def explain(facility: Facility, zone: Policy | None, of_class: Policy | None) -> Iterator[tuple[str, float, Scope]]:
    """What applies to a facility, and who said it: full name, value, scope, in the order of the table."""
    layers = [
        (Scope.FACILITY, said(facility.policy)),
        (Scope.ZONE, {} if zone is None else said(zone)),
        (Scope.CLASS, {} if of_class is None else said(of_class)),
    ]
    for name, (rule, parameter) in PARAMETERS.items():
        if rule.applies(facility.facility_class):
            found = ((layer[name], scope) for scope, layer in layers if name in layer)
            yield name, *next(found, (parameter.default, Scope.DEFAULT))


def check(policy: Policy, facility_class: FacilityClass | None = None) -> None:
    """Refuse what no rule takes, before it is written down.

    Args:
        policy: of a facility, a zone or a class.
        facility_class: of the facilities that it is for; None: of a zone, where any may stand.

    Raises:
        RuleError: an unknown parameter, one that is not for this class, or a value out of its range.
    """
    for name, value in sorted((policy.rules or {}).items()):
        known = PARAMETERS.get(name)
        if known is None:
            near = get_close_matches(name, PARAMETERS, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "see: eyes rules list"
            raise RuleError(f"there is no parameter {name!r}; {hint}")
        rule, parameter = known
        if facility_class is not None and not rule.applies(facility_class):
            classes = ", ".join(sorted(rule.classes))
            raise RuleError(f"{name} is for {classes}, not for {facility_class.value}")
        if not parameter.low <= value <= parameter.high:
            unit = "" if parameter.unit == "1" else f" {parameter.unit}"
            raise RuleError(f"{name} must be {parameter.low:g} to {parameter.high:g}{unit}, not {value:g}")


def merged(before: Policy, after: Policy) -> Policy:
    """A policy with all that another one has written down: parameter by parameter, null is as if nobody had said it."""
    changes = {name: getattr(after, name) for name in sorted(after.model_fields_set - {"rules"})}
    rules = {name: value for name, value in (before.rules or {}).items() if _field(name) not in changes}
    if "rules" in after.model_fields_set:
        rules = {} if after.rules is None else rules | after.rules
    return before.model_copy(update=changes | {"rules": rules or None})


def without(policy: Policy, names: Iterable[str]) -> Policy:
    """A policy that says nothing of these parameters any more.

    Raises:
        RuleError: it says nothing of one of them now.
    """
    rules = dict(policy.rules or {})
    fields: dict[str, None] = {}
    for name in names:
        field = _field(name)
        if rules.pop(name, None) is None and not (field and getattr(policy, field) is not None):
            raise RuleError(f"nothing is said here of {name!r}")
        if field:
            fields[field] = None
    return policy.model_copy(update=fields | {"rules": rules or None})


def _field(name: str) -> str:
    """The field of a policy that says the same as a parameter, if there is one."""
    known = PARAMETERS.get(name)
    return (known[1].field if known is not None else None) or ""


def read_value(text: str) -> tuple[str, float]:
    """A parameter as a person sets it: ``cover.tilt_deg=12``.

    Raises:
        RuleError: no name, or no number.
    """
    name, equals, number = text.partition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not equals or not name.strip() or not math.isfinite(value):
        raise RuleError(f"{text.strip()!r} is not a parameter and its value, as in cover.tilt_deg=12")
    return name.strip(), value


def plain(value: float) -> str:
    """A value as a person reads it."""
    return "none" if math.isinf(value) else f"{value:g}"


_OF_RULE: Final[dict[str, tuple[str, ...]]] = {
    rule.name: tuple(f"{rule.name}.{parameter.name}" for parameter in rule.parameters) for rule in _RULES
}


def _names(rules: Iterable[str] | None) -> Iterable[str]:
    return PARAMETERS if rules is None else [name for rule in rules for name in _OF_RULE[rule]]
