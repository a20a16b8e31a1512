"""How pressures answer to flows: the regressors, their slopes, and the basis of leak signatures."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from processors.leak.network import AreaModel, Basis

Floats = npt.NDArray[np.float64]

LOSS: Final = 1.85
"""Hazen-Williams: head loss goes with flow to this power (EPANET 2 manual, table 3.1)."""
BENT: Final = 2.5
"""A second power for what the first does not bend enough."""
SLOPE: Final = 0.85
FLOOR: Final = 0.3
"""Share of noise that does not go with load: rounding, the meters' own."""
PLAIN: Final = 2
PUMPED: Final = 4
"""Terms of a basis without a pump, and with one."""
LEAST: Final = 0.04
"""Load below which nothing is extrapolated, as a share of the reference."""


def regressors(model: AreaModel) -> int:
    """How many :func:`inflow_regressors` or :func:`consumption_regressors` an area has."""
    return 6 + 3 * max(0, len(model.inflows) - 1) if model.basis is Basis.INFLOW else 3


def inflow_regressors(inflows: Floats, pump: Floats, reference: float) -> Floats:
    """``[rows, regressors]``, the first constant: total inflow to three powers, its split, the pump's draw.

    Quadratic in what splits, because the head along a main goes with its flow to 1.85 while the mains share demands.
    """
    total = inflows.sum(axis=1) / reference
    clipped = np.abs(total)
    drawn = pump / (0.25 * reference)
    columns = [np.ones_like(total), total, clipped**LOSS, clipped**BENT, drawn, drawn * total]
    for other in range(1, inflows.shape[1]):
        split = (inflows[:, 0] - inflows[:, other]) / reference
        columns += [split, split * total, split * split]
    return np.array(columns).T


def inflow_slopes(inflows: Floats, pump: Floats, reference: float) -> Floats:
    """Per inflow the change of every regressor per m3/h, ``[inflow, rows, regressors]`` (central differences)."""
    count, width = inflows.shape
    steps = np.eye(width)[:, None, :]
    tried = np.concatenate([inflows + steps, inflows - steps])
    found = inflow_regressors(tried.reshape(-1, width), np.tile(pump, 2 * width), reference).reshape(
        2, width, count, -1
    )
    slopes: Floats = (found[0] - found[1]) / 2.0
    return slopes


def consumption_regressors(used: Floats, reference: float) -> Floats:
    """``[rows, regressors]`` of an area behind a tank, the first constant."""
    share = np.abs(used) / reference
    return np.array([np.ones_like(share), share, share**LOSS]).T


def basis(model: AreaModel, load: Floats, pump: Floats) -> Floats:
    """What signatures are a sum over, ``[rows, basis]``; ``load`` without half of what leaks (the secant's middle)."""
    u = (np.maximum(load / model.reference, LEAST)) ** SLOPE
    if len(model.signatures) == PLAIN:
        return np.array([np.ones_like(u), u]).T
    on = (pump > 1.0).astype(np.float64)
    return np.array([np.ones_like(u), u, on, on * u]).T


def scale(load: Floats, reference: float) -> Floats:
    """Weight that makes noise even over the day: demands, and what they do to pressures, vary with the load."""
    return 1.0 / (np.maximum(load / reference, LEAST) ** SLOPE + FLOOR)


def columns(names: Sequence[str], wanted: Sequence[str | None]) -> list[int]:
    """Where the wanted sensors are among ``names``."""
    at = {name: i for i, name in enumerate(names)}
    return [at[name] for name in wanted if name is not None]
