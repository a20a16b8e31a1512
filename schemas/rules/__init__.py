"""Rules as data: every threshold by which a detector decides is a named parameter in one closed table.

A parameter is configured for a facility, a zone or a class of facilities (:class:`schemas.facility.Policy`); where
several are, the nearest wins: facility, zone, class, default (docs/decisions/0026-rules-as-data.md). Names and ranges
are checked where people enter them; who reads the log ignores names that are gone and keeps to today's ranges, so that
a table that changes never makes an old log unreadable.

Defaults: the project's domain reference, section 4; all but the 10 degrees of a cover are proposals, not law.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from schemas.facility import Facility, FacilityClass, Policy
from schemas.rules import clock, cover, gateway, health, lamp, level, limit, novelty, parking, silence, surface
from schemas.rules.rule import SECONDS_MAX, Parameter, Rule

__all__ = [
    "PARAMETERS",
    "RULES",
    "SECONDS_MAX",
    "Parameter",
    "Rule",
    "RuleError",
    "Scope",
    "Values",
    "check",
    "deciding",
    "explain",
    "merged",
    "plain",
    "read_value",
    "resolve",
    "said",
    "without",
]

Values = Mapping[str, float]
"""Values by the full names of parameters."""


class RuleError(ValueError):
    """A policy that no rule takes; the message names the parameter and what would be right."""


_RULES: Final = (
    *cover.RULES,
    *parking.RULES,
    *level.RULES,
    *lamp.RULES,
    *limit.RULES,
    *novelty.RULES,
    *surface.RULES,
    *silence.RULES,
    *clock.RULES,
    *health.RULES,
    *gateway.RULES,
)

RULES: Final[dict[str, Rule]] = {rule.name: rule for rule in _RULES}
PARAMETERS: Final[dict[str, tuple[Rule, Parameter]]] = {
    f"{rule.name}.{parameter.name}": (rule, parameter) for rule in _RULES for parameter in rule.parameters
}
"""By full name: ``cover.tilt_deg``."""
_FIELDS: Final = {name: parameter.field for name, (_, parameter) in PARAMETERS.items() if parameter.field is not None}


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
    its = None if rules is None else frozenset(rules)
    found: dict[str, float] = {}
    for name, field in _FIELDS.items():
        value = getattr(policy, field)
        if value is not None and (its is None or PARAMETERS[name][0].name in its):
            found[name] = PARAMETERS[name][1].within(value)
    for name, value in (policy.rules or {}).items():
        known = PARAMETERS.get(name)
        if known is not None and (its is None or known[0].name in its):
            found[name] = known[1].within(value)
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


def deciding(explained: Sequence[tuple[str, float, Scope]]) -> Iterator[tuple[str, float, Scope]]:
    """Of what :func:`explain` gave: the rules that decide something; those of families may have no limit at all."""
    limited = {
        PARAMETERS[name][0].name
        for name, value, _ in explained
        if PARAMETERS[name][0].family is None or (PARAMETERS[name][1].unlimited and not math.isinf(value))
    }
    return (one for one in explained if PARAMETERS[one[0]][0].name in limited)


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
