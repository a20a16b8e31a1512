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
    """Candidate to name: most probability nearby, less what a walk costs; :attr:`peak` where no leak is believed."""
    peak: int
    """Candidate that explains best."""
    flow: float
    sure: float
    """Probability that the named pipe is near enough; 0 where no leak is believed."""
    repaired: int
    repaired_flow: float
    misfit: float = 0.0
    """What the best leak leaves unexplained, squared and whitened, per sensor: about 1 when it explains all."""


NOTHING: Final = Verdict(0.0, 0.0, 0, 0, 0.0, 0.0, 0, 0.0)


NOWHERE: Final = 1e-9
"""Probability of a pipe that decides nothing."""


def judge(
    shift: Floats, covariance: Floats, signatures: Floats, area: Candidates, mismatch: float, least: float
) -> Verdict:
    """Judge a shift; ``NOTHING`` when no candidate reaches ``least`` in either direction.

    Twice: the second time with the error of the best signature in the covariance, so that a loud leak does not make
    its place look surer than the model is exact.
    """
    inverse = _inverse(covariance)
    white = inverse @ shift
    if shift @ white < least:
        return NOTHING
    match, power = signatures @ white, _power(signatures, inverse)
    ratio = match * np.abs(match) / power
    best = int(ratio.argmax()) if ratio.max() >= -ratio.min() else int(ratio.argmin())
    if abs(ratio[best]) < least:
        return NOTHING
    error = mismatch * match[best] / power[best] * signatures[best]
    inverse = _inverse(covariance + np.diag(error * error))
    white = inverse @ shift
    match, power = signatures @ white, _power(signatures, inverse)
    ratio = match * np.abs(match) / power
    peak, low = int(ratio.argmax()), int(ratio.argmin())
    strength = float(ratio[peak])
    if strength >= least and not _shared(shift, signatures[peak], inverse, least):
        strength = 0.0
    pipe, sure = _place(match, power, area) if strength >= least else (peak, 0.0)
    return Verdict(
        leak=strength,
        repair=float(-ratio[low]),
        pipe=pipe,
        peak=peak,
        flow=float(match[peak] / power[peak]),
        sure=sure,
        repaired=low,
        repaired_flow=float(-match[low] / power[low]),
        misfit=float(shift @ white - abs(ratio[peak])) / len(shift),
    )


def _place(match: Floats, power: Floats, area: Candidates) -> tuple[int, float]:
    """The candidate to name, and the probability that it is near enough."""
    gain = 0.5 * np.maximum(match, 0.0) ** 2 / power
    weight = np.exp(gain - gain.max()) * area.lengths
    weight /= weight.sum()
    return named(weight, area)


def named(probability: Floats, area: Candidates) -> tuple[int, float]:
    """The candidate to name of all that are possible, and the probability that the leak is near enough to it."""
    likely = np.flatnonzero(probability > NOWHERE)
    around = probability.take(area.neighbours.take(likely, 0))
    pipe = int(likely[np.vecdot(around, area.worth.take(likely, 0)).argmax()])
    return pipe, float(area.near[pipe] @ probability)


def matched(shift: Floats, covariance: Floats, signatures: Floats) -> tuple[Floats, Floats]:
    """Of every signature ``s' W d`` and ``s' W s``."""
    inverse = _inverse(covariance)
    return signatures @ (inverse @ shift), _power(signatures, inverse)


def _inverse(covariance: Floats) -> Floats:
    return np.asarray(np.linalg.inv(covariance), dtype=np.float64)


def _power(signatures: Floats, inverse: Floats) -> Floats:
    power: Floats = np.vecdot(signatures @ inverse, signatures)
    return power


def _shared(shift: Floats, signature: Floats, inverse: Floats, least: float) -> bool:
    """Whether more than one sensor says so: one that lies must never raise a leak."""
    filtered = inverse @ signature
    loudest = int(np.abs(filtered * shift).argmax())
    own = inverse[loudest]  # without a sensor: as if its variance were infinite
    match = float(filtered @ shift) - float(own @ signature) * float(own @ shift) / float(own[loudest])
    power = float(filtered @ signature) - float(own @ signature) ** 2 / float(own[loudest])
    return match > 0 and match * match >= ALONE * least * power
