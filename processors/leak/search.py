"""Which pipe explains a shift best: generalised least squares over all candidates at once.

The log likelihood ratio of "a leak of some size in pipe c" against "nothing" is ``(s'W d)^2 / (2 s'W s)`` with the
shift ``d``, the signature ``s`` and ``W`` the inverse of the covariance of ``d`` (Kay, Detection Theory, 4.4).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak.network import Candidates

Floats = npt.NDArray[np.float64]

OUT: Final = 1e6
"""Variance that takes a sensor out of the sum."""
ALONE: Final = 0.4
"""Share of the evidence that must be left without the sensor that says most."""


class Verdict(NamedTuple):
    """What the best pipes say about a shift."""

    leak: float
    """Twice the log likelihood ratio of the best leak."""
    repair: float
    """The same of the best "a leak less"."""
    pipe: int
    """Candidate to name: most probability nearby, less what a walk costs."""
    peak: int
    """Candidate that explains best."""
    flow: float
    sure: float
    """Probability that the named pipe is near enough."""
    repaired: int
    repaired_flow: float
    misfit: float = 0.0
    """What the best leak leaves unexplained, squared and whitened, per sensor: about 1 when it explains all."""


NOTHING: Final = Verdict(0.0, 0.0, 0, 0, 0.0, 0.0, 0, 0.0)


def whitener(covariance: Floats) -> Floats:
    """``L^-1`` of the covariance's Cholesky factor."""
    inverse: Floats = np.linalg.inv(np.linalg.cholesky(covariance))
    return inverse


def judge(
    shift: Floats, covariance: Floats, signatures: Floats, area: Candidates, mismatch: float, least: float
) -> Verdict:
    """Judge a shift; ``NOTHING`` when no candidate reaches ``least`` in either direction.

    Twice: the second time with the error of the best signature in the covariance, so that a loud leak does not make
    its place look surer than the model is exact.
    """
    root = whitener(covariance)
    white, bank = root @ shift, signatures @ root.T
    if white @ white < least:
        return NOTHING
    match, power = bank @ white, np.einsum("cs,cs->c", bank, bank)
    ratio = match * np.abs(match) / power
    best = int(ratio.argmax()) if ratio.max() >= -ratio.min() else int(ratio.argmin())
    if abs(ratio[best]) < least:
        return NOTHING
    error = mismatch * match[best] / power[best] * signatures[best]
    wider = covariance + np.diag(error * error)
    root = whitener(wider)
    white, bank = root @ shift, signatures @ root.T
    match, power = bank @ white, np.einsum("cs,cs->c", bank, bank)
    ratio = match * np.abs(match) / power
    peak, low = int(ratio.argmax()), int(ratio.argmin())
    gain = 0.5 * np.maximum(match, 0.0) ** 2 / power
    weight = np.exp(gain - gain.max()) * area.lengths
    weight /= weight.sum()
    pipe = int((area.worth @ weight).argmax())
    strength = float(ratio[peak])
    if strength >= least and not _shared(shift, wider, signatures[peak], white, root, least):
        strength = 0.0
    return Verdict(
        leak=strength,
        repair=float(-ratio[low]),
        pipe=pipe,
        peak=peak,
        flow=float(match[peak] / power[peak]),
        sure=float(area.near[pipe] @ weight),
        repaired=low,
        repaired_flow=float(-match[low] / power[low]),
        misfit=float(white @ white - abs(ratio[peak])) / len(shift),
    )


def _shared(shift: Floats, covariance: Floats, signature: Floats, white: Floats, root: Floats, least: float) -> bool:
    """Whether more than one sensor says so: one that lies must never raise a leak."""
    part = (root @ signature)[:, None] * root * shift[None, :]
    loudest = int(np.abs(part.sum(axis=0)).argmax())
    without = covariance.copy()
    without[loudest, loudest] += OUT
    root = whitener(without)
    white, filtered = root @ shift, root @ signature
    match = float(filtered @ white)
    return match > 0 and match * match / float(filtered @ filtered) >= ALONE * least
