"""What the values of sensors are counted in, and how exactly."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WHOLE: Final = 1.5 * 2.0**52
"""Added and taken away again, it rounds to whole numbers, half to even: doubles of this size have no fractions."""


class Scale:
    """Divides by units and rounds to digits: what a conversion of units adds behind them is no reading."""

    def __init__(self, units: Floats, digits: int) -> None:
        """``units``: what the core counts each value in."""
        self.units, self.digits = units, digits
        self.share = 10.0**digits

    def of(self, places: npt.NDArray[np.intp]) -> "Scale":
        """The same for values that stand in other places."""
        return Scale(self.units[places], self.digits)

    def counted(self, values: Floats) -> Floats:
        """Change values; NaN, where nothing came, stays. As :meth:`.moving.Moving.read` has it, number by number."""
        np.divide(values, self.units, values)
        np.multiply(values, self.share, values)
        np.add(values, WHOLE, values)
        np.subtract(values, WHOLE, values)
        return np.divide(values, self.share, values)
