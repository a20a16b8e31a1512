"""What the values of sensors are counted in, and how exactly."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Scale:
    """Divides by units and rounds to digits: what a conversion of units adds behind them is no reading."""

    def __init__(self, units: Floats, digits: int) -> None:
        """``units``: what the core counts each value in."""
        self._units, self._digits = units, digits
        self._share = 10.0**digits

    def of(self, places: npt.NDArray[np.intp]) -> "Scale":
        """The same for values that stand in other places."""
        return Scale(self._units[places], self._digits)

    def counted(self, values: Floats) -> Floats:
        """Change values; NaN, where nothing came, stays. `np.round` does the same, and takes longer to begin."""
        np.divide(values, self._units, values)
        np.multiply(values, self._share, values)
        np.rint(values, values)
        return np.divide(values, self._share, values)
