"""What is known of the meters themselves: which are stuck, which are pumps, whether a level gauge jumped."""

import msgspec
import numpy as np
import numpy.typing as npt

from processors.detectors.leak_stats import MEMORY, Floats, Scale, filled

_REST = 0.02  # of its highest flow: a meter below it is at rest
_SWITCHED = (0.03, 0.10)  # share of time at rest below which a meter is no pump (any more), above which it is one
_CLASSIFY_H = 6.0
_WEEK_H = 7 * 24.0
_FORGET_H = 21 * 24.0
_JUMP = 12.0
_FLOOR_M = 0.005


class Meters(msgspec.Struct):
    """Memory of the newest values and of how each meter usually behaves."""

    last: np.ndarray  # [n] newest raw pressures
    run: np.ndarray  # [n] steps the raw value has not moved
    usual_run: np.ndarray
    last_height: np.ndarray
    height_scale: Scale
    resting: np.ndarray  # [k] share of time at rest
    peak: np.ndarray  # [k] m3/h
    mean_flow: np.ndarray  # [k] m3/h
    switched: np.ndarray  # [k] 1.0 for pumps
    blinded: int = 0
    """Steps for which nothing can be judged."""

    @classmethod
    def empty(cls, pressures: int, meters: int, heights: int) -> "Meters":
        """Nothing known."""
        return cls(
            last=np.full(pressures, np.nan),
            run=np.zeros(pressures),
            usual_run=np.ones(pressures),
            last_height=np.full(heights, np.nan),
            height_scale=Scale(np.ones(heights)),
            resting=np.zeros(meters),
            peak=np.zeros(meters),
            mean_flow=np.zeros(meters),
            switched=np.zeros(meters),
        )

    def stuck(self, pressure: Floats) -> npt.NDArray[np.bool_]:
        """Sensors whose value has not moved for much longer than is usual for them: they say nothing."""
        same, gone = pressure == self.last, np.isnan(pressure)
        ended = ~same & ~gone & (self.run > 0)
        self.usual_run += np.where(ended, 0.02 * (np.minimum(self.run, 3 * self.usual_run) - self.usual_run), 0.0)
        self.run = np.where(same, self.run + 1, np.where(gone, self.run, 1.0))
        self.last = np.where(gone, self.last, pressure)
        return self.standing()

    def standing(self) -> npt.NDArray[np.bool_]:
        """[n] what :meth:`stuck` said of the newest step."""
        return np.asarray(self.run >= 4 + 4 * self.usual_run)

    def watch_flows(self, flow: Floats, steps: int, step_h: float) -> bool:
        """Tell meters that stand still for part of the day (pumps) from inflows; True when that changed.

        A pump between two parts of an area moves water that an inlet has already counted, at hours of its own.
        """
        rate = max(1 / steps, step_h / _WEEK_H)
        known = ~np.isnan(flow)
        self.peak = np.where(known, np.maximum(np.abs(flow), self.peak * np.exp(-step_h / _FORGET_H)), self.peak)
        resting = np.where(np.abs(flow) <= _REST * self.peak, 1.0, 0.0)
        self.resting += np.where(known, rate * (resting - self.resting), 0.0)
        self.mean_flow += np.where(known, rate * (filled(flow) - self.mean_flow), 0.0)
        if steps % max(round(_CLASSIFY_H / step_h), 1):
            return False
        low, high = _SWITCHED
        switched = np.where(self.resting > high, 1.0, np.where(self.resting < low, 0.0, self.switched))
        if switched.all():
            switched = np.zeros(len(switched))
        changed = bool((switched != self.switched).any())
        self.switched = switched
        return changed

    def watch_heights(self, height: Floats) -> None:
        """A tank cannot rise or fall at a bound: a level that jumps is a gauge that lies, and spoils the memory."""
        step = height - self.last_height
        limit = _JUMP * np.maximum(self.height_scale.value, _FLOOR_M)
        if self.height_scale.seen > MEMORY and bool((np.abs(step) > limit).any()):
            self.blinded = MEMORY
        else:
            self.blinded = max(self.blinded - 1, 0)
        if not np.isnan(step).all():
            self.height_scale.update(step, _FLOOR_M)
        self.last_height = np.where(np.isnan(height), self.last_height, height)

    def inflow(self, flow: Floats) -> float:
        """The sum of the inflows, m3/h; NaN when one is missing."""
        return float(np.sum(flow * (1 - self.switched)))

    def share(self) -> Floats:
        """[k] how extra water divides among the inflow meters."""
        inflow = np.maximum(self.mean_flow, 0.0) * (1 - self.switched)
        return np.asarray(inflow / max(float(inflow.sum()), 1e-9), dtype=np.float64)
