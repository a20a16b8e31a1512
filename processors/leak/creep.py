"""Meters of inlets that drift over days: told from leaks that grow, and taken out of the sum.

An error of an inlet's meter moves all pressures that are predicted from it, the balance, and no pressure. A leak that
grows behind it moves some pressures too, the less the nearer to the inlet: right behind the meter the two look alike,
and nothing that is measured tells them apart (``eyes score leak --drift`` has the pipes). There it is called the
meter's: a drift must not raise a leak.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from processors.leak.network import Basis
from processors.leak.search import Verdict, matched
from processors.leak.state import CREEP, AreaState
from processors.leak.suspects import AS_WELL, LEAST_SHARE, Shifted, Suspect, errors, explains, inflow, is_blind, note

if TYPE_CHECKING:
    from processors.leak.area import Area
    from processors.leak.growth import Span

Floats = npt.NDArray[np.float64]

LEFT: Final = 0.03
"""Share that an error may leave, however large: its effect is not quite in proportion to it. Two leaks leave more."""
AGREES: Final = 16.0
"""Less evidence than this over any span, and the meter is believed again."""
FREE: Final = 100.0
"""m3/h by which a meter that creeps may be off, as far as leaks are concerned."""


def inlets(area: "Area") -> range:
    """The columns of the meters that may creep; what is behind a tank has none."""
    return range(area.pressures, area.reader.pump if area.model.basis is Basis.INFLOW else area.pressures)


def bank(area: "Area", state: AreaState) -> Floats:
    """What an error of 1 m3/h of each inlet's meter does to a day, ``[meter, output]``."""
    return errors(area, state, state.rows - area.per_day, state.rows, inlets(area))


def suspect(area: "Area", own: Floats, shift: Floats, covariance: Floats) -> Suspect:
    """The meter whose error explains most; ``own`` is the :func:`bank`."""
    match, power = matched(shift, covariance, own)
    strength = np.divide(match * match, power, out=np.zeros_like(power), where=power > 0)
    best = int(strength.argmax())
    return Suspect(inlets(area)[best], float(strength[best]), float(match[best] / power[best]))


def look_at_meters(area: "Area", state: AreaState, signatures: Floats, spans: list["Span"]) -> None:
    """At midnight: note the meter whose error explains the newest days as well as any leak does; forget the others.

    While a leak that began or ended within the days compared may look like it, nobody is noted.
    """
    creeping = [doubt.column for doubt in state.doubts if doubt.kind == CREEP]
    settled = [span for span in spans if _is_settled(area, state, span)]
    if not inlets(area) or not (settled or creeping):
        return
    own = bank(area, state)
    still = {
        column
        for column in creeping
        if any(
            _strength(span, own[column - area.pressures], _free(area, own, {*creeping} - {column})) >= AGREES
            for span in spans
        )
    }
    if len(still) < len(creeping):
        state.doubts = [doubt for doubt in state.doubts if doubt.kind != CREEP or doubt.column in still]
    free = _free(area, own, still)
    settled = [span._replace(covariance=span.covariance + free) for span in settled]
    tried = [(suspect(area, own, span.shift, span.covariance), span) for span in settled]
    creeps = [one for one in tried if _is_creeping(area, state, signatures, *one)]
    if creeps:
        found, span = max(creeps, key=lambda one: one[0].strength)
        note(state, found, CREEP, state.tick + 1 - span.days * area.per_day)


def _free(area: "Area", own: Floats, columns: Collection[int]) -> Floats:
    """What to add to a covariance of days, so that a leak is seen only by what none of these meters explains."""
    errors = FREE * own[sorted(column - area.pressures for column in columns)]
    free: Floats = errors.T @ errors
    return free


def _strength(span: "Span", error: Floats, free: Floats) -> float:
    filtered = np.linalg.solve(span.covariance + free, error)
    return float(filtered @ span.shift) ** 2 / float(filtered @ error)


def _is_creeping(area: "Area", state: AreaState, signatures: Floats, found: Suspect, span: "Span") -> bool:
    settings = area.settings
    lost = state.distrust[found.column] - area.per_day
    if (
        found.strength < settings.slow
        or abs(found.error) < LEAST_SHARE * area.model.reference
        or state.tick - lost < span.days * area.per_day
    ):
        return False
    if not _is_all(area, found, span):
        return False
    match, power = matched(span.shift, span.covariance, signatures)
    return found.strength >= AS_WELL * float((match * match / power).max())


def _is_all(area: "Area", found: Suspect, span: "Span") -> bool:
    """Whether one meter's error leaves nothing else to be explained."""
    total = float(span.shift @ np.linalg.solve(span.covariance, span.shift))
    return total - found.strength <= max(area.settings.misfit_slow * area.outputs, LEFT * total)


def out_of_the_sum(area: "Area", state: AreaState) -> Floats:
    """What to add to a covariance of days, so that a leak is seen only by what no creeping meter explains."""
    creeping = [doubt.column for doubt in state.doubts if doubt.kind == CREEP]
    if not creeping:
        return np.zeros((area.outputs, area.outputs))
    return _free(area, bank(area, state), creeping)


def is_a_meters(area: "Area", state: AreaState, seen: "Span", signatures: Floats, verdict: Verdict) -> bool:
    """Whether a growing leak may as well be one meter's error, or cannot be known because a flow lies or was lost.

    While a leak that began or ended within the days compared may look like either, a leak is believed as a burst is.
    """
    shifted = Shifted(area.per_day, seen.shift, seen.covariance)
    if not inlets(area) or not _is_settled(area, state, seen):
        return explains(area, state, shifted, signatures, verdict, leak=True)
    last_bad = state.distrust[list(inlets(area))] - area.per_day
    lost = bool((state.tick - last_bad < area.per_day).any())
    if lost or is_blind(area, state) or verdict.flow > inflow(area, state, area.per_day):
        return True
    match, power = matched(seen.shift, seen.covariance, signatures)
    best = float((np.maximum(match, 0.0) ** 2 / power).max())
    found = suspect(area, bank(area, state), seen.shift, seen.covariance)
    return found.strength >= AS_WELL * best and _is_all(area, found, seen)


def _is_settled(area: "Area", state: AreaState, span: "Span") -> bool:
    """Whether no leak began or ended in the days compared, as far as is known."""
    return all(step.tick < span.since * area.per_day for step in state.steps)
