"""What applies to a series by the rules: resolved once per class and property, looked up by facility."""

import math
from typing import Final

import msgspec

from processors.detectors.health.state import State
from processors.detectors.health.watch import NEVER_MS
from schemas.facility import FacilityClass
from schemas.health import LIMITS, STILL_S
from schemas.rules import Values

BURNING: Final = frozenset({FacilityClass.WASTE_BIN})
"""Whose temperature may rise at any rate to any height: that is an incident and no fault of the sensor."""

_KEPT: Final = "bounds"  # beside the state and never written: it follows from it


RESTLESS: Final = frozenset(name for name, still_s in STILL_S.items() if math.isfinite(still_s))
"""Properties that can be stuck, and never rest."""


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """Of one property at facilities to which the same applies; times in ms."""

    is_free: bool
    """It may do whatever it likes: neither stand still too long nor change too fast."""
    low: float
    high: float
    step: float
    per_ms: float
    may_rest: bool
    """Standing at 0 is rest: nothing flows, nothing shines."""
    prior_ms: int
    """How long it may stand still before its own record is known."""
    is_judged: bool
    """Whether it can be stuck at all."""
    longer: float
    peers: float
    moves: float
    learn_ms: int
    least_ms: int
    samples: float
    share: float


Table = dict[str, Bounds]


def bounds_of(state: State, facility: str, observed_property: str) -> Bounds:
    """What applies to a property at a facility of this zone."""
    try:
        found: Bounds = state.__dict__[_KEPT][facility][observed_property]
    except KeyError:
        return _find(state, facility, observed_property)
    return found


def _find(state: State, facility: str, observed_property: str) -> Bounds:
    by_facility: dict[str, Table] = state.__dict__.setdefault(_KEPT, {})
    facility_class = state.sites[facility].facility_class
    table = by_facility.get(facility)
    if table is None:
        own = facility in state.rules.facilities
        key = facility if own else f"class {facility_class.value}"  # no facility's id has a space
        table = by_facility[facility] = by_facility.setdefault(key, {})
    if observed_property not in table:
        values = state.rules.of(facility, facility_class)
        table[observed_property] = _resolve(values, observed_property, facility_class)
    return table[observed_property]


def forget(state: State, facility: str | None = None) -> None:
    """Something else may apply now, at one facility or everywhere."""
    if facility is None:
        state.__dict__.pop(_KEPT, None)
    elif (kept := state.__dict__.get(_KEPT)) is not None:
        kept.pop(facility, None)


def _resolve(values: Values, name: str, facility_class: FacilityClass) -> Bounds:
    limits = LIMITS.get(name)
    low, high, step, per_s = -math.inf, math.inf, math.inf, 0.0
    if limits is not None:
        low, high, step, per_s = (
            values.get(f"jump.{name}_{what}", getattr(limits, what)) for what in ("low", "high", "step", "per_s")
        )
        if name == "temperature" and facility_class in BURNING:
            high, step = math.inf, math.inf
    prior_s = values[f"stuck.{name}_s"] if name in STILL_S else math.inf
    return Bounds(
        is_free=limits is None and name not in STILL_S,
        low=low,
        high=high,
        step=step,
        per_ms=per_s / 1000,
        may_rest=math.isinf(STILL_S.get(name, 0.0)),
        prior_ms=NEVER_MS if math.isinf(prior_s) else round(prior_s * 1000),
        is_judged=name in STILL_S,
        longer=values["stuck.longer"],
        moves=values["stuck.moves"],
        learn_ms=round(values["stuck.lively_s" if math.isfinite(prior_s) else "stuck.learn_s"] * 1000),
        peers=values["stuck.peers"],
        least_ms=round(values["stuck.least_s"] * 1000),
        samples=values["stuck.samples"],
        share=values["stuck.share"],
    )
