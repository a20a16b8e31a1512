"""How pressures answer to flows: the regressors, their slopes, and the basis of leak signatures."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak.network import AreaModel

Floats = npt.NDArray[np.float64]

LOSS: Final = 1.85
"""Hazen-Williams: head loss goes with flow to this power (EPANET 2 manual, table 3.1)."""
SLOPE: Final = 0.85
FLOOR: Final = 0.3
"""Share of noise that does not go with load: rounding, the meters' own."""
PLAIN: Final = 2
"""Terms of a basis without a pump."""
LEAST: Final = 0.04
"""Load below which nothing is extrapolated, as a share of the reference."""


def inflow_regressors(inflows: Floats, pump: Floats, reference: float) -> Floats:
    """``[rows, regressors]``, the first constant: total inflow to three powers, its split, the pump's draw.

    Quadratic in what splits, because the head along a main goes with its flow to 1.85 while the mains share demands.
    """
    total = inflows.sum(axis=1) / reference
    clipped = np.abs(total)
    drawn = pump / (0.25 * reference)
    columns = [np.ones_like(total), total, clipped**LOSS, clipped**2.5, drawn, drawn * total]
    for other in range(1, inflows.shape[1]):
        split = (inflows[:, 0] - inflows[:, other]) / reference
        columns += [split, split * total, split * split]
    return np.array(columns).T


def inflow_row(inflows: Sequence[float], pump: float, reference: float) -> list[float]:
    """:func:`inflow_regressors` of one tick, without arrays: they cost more than the arithmetic."""
    total = sum(inflows) / reference
    clipped, drawn = abs(total), pump / (0.25 * reference)
    row = [1.0, total, clipped**LOSS, clipped**2.5, drawn, drawn * total]
    for other in inflows[1:]:
        split = (inflows[0] - other) / reference
        row += (split, split * total, split * split)
    return row


def inflow_slopes(inflows: Floats, pump: Floats, reference: float, beta: Floats) -> list[Floats]:
    """Per inflow the predicted change of every pressure per m3/h, ``[rows, pressures]`` (central differences)."""
    slopes = []
    for i in range(inflows.shape[1]):
        step = np.zeros(inflows.shape[1])
        step[i] = 1.0
        above = inflow_regressors(inflows + step, pump, reference)
        below = inflow_regressors(inflows - step, pump, reference)
        slopes.append((above - below) @ beta / 2.0)
    return slopes


def consumption_regressors(used: Floats, reference: float) -> Floats:
    """``[rows, regressors]`` of an area behind a tank, the first constant."""
    share = np.abs(used) / reference
    return np.array([np.ones_like(share), share, share**LOSS]).T


def consumption_row(used: float, reference: float) -> list[float]:
    """:func:`consumption_regressors` of one tick."""
    share = abs(used) / reference
    return [1.0, share, share**LOSS]


def basis(model: AreaModel, load: Floats, pump: Floats) -> Floats:
    """What signatures are a sum over, ``[rows, basis]``; ``load`` without half of what leaks (the secant's middle)."""
    u = (np.maximum(load / model.reference, LEAST)) ** SLOPE
    if len(model.signatures) == PLAIN:
        return np.array([np.ones_like(u), u]).T
    on = (pump > 1.0).astype(np.float64)
    return np.array([np.ones_like(u), u, on, on * u]).T


def basis_row(terms: int, load: float, pump: float, reference: float) -> list[float]:
    """:func:`basis` of one tick."""
    u: float = _at_least(load / reference) ** SLOPE
    if terms == PLAIN:
        return [1.0, u]
    on = 1.0 if pump > 1.0 else 0.0
    return [1.0, u, on, on * u]


def scale_row(load: float, reference: float) -> float:
    """:func:`scale` of one tick."""
    u: float = _at_least(load / reference) ** SLOPE
    return 1.0 / (u + FLOOR)


def _at_least(share: float) -> float:
    return max(share, LEAST)  # NaN stays NaN


def scale(load: Floats, reference: float) -> Floats:
    """Weight that makes noise even over the day: demands, and what they do to pressures, vary with the load."""
    return 1.0 / (np.maximum(load / reference, LEAST) ** SLOPE + FLOOR)


def columns(names: Sequence[str], wanted: Sequence[str | None]) -> list[int]:
    """Where the wanted sensors are among ``names``."""
    at = {name: i for i, name in enumerate(names)}
    return [at[name] for name in wanted if name is not None]
