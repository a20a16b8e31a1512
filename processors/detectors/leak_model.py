"""What a metered area usually does, learnt while it runs: two regressions and the scales of what they leave over.

- *hydraulic*: each pressure from the flows of all meters (and their products: head loss is about quadratic in flow)
  and tank levels. What is left does not depend on how much water people use, only on where it goes: a burst lowers
  the pressures near it against what the flows explain. After the pressure residuals of BattLeDIM's best entries
  (Vrachimis et al., J. Water Resour. Plann. Manage. 2022; Daniel et al., LILA, 2022).
- *seasonal*: the sum of inflows, and each pressure, from the time of day. What is left shows whether more water
  flows in than usual.

Pressures in kPa, flows in m3/h, levels in m. Nothing grows with time.
"""

from typing import Final

import msgspec
import numpy as np

from processors.detectors.leak_meters import Meters
from processors.detectors.leak_stats import (
    CHANGE_WINDOWS,
    MEMORY,
    WINDOWS,
    Floats,
    Regression,
    Scale,
    changes,
    filled,
    push,
    recent,
)

PA_PER_KPA: Final = 1000.0
HARMONICS: Final = 6
FORGET_H: Final = 21 * 24.0
"""Time constant of the regressions."""
OFFSET_FORGET_H: Final = 42 * 24.0
"""Time constant with which the effect of an open leak becomes part of the usual."""
LEVEL_H: Final = 24.0
"""Time constant of the slow level of hydraulic residuals (a growing leak, a drifting sensor)."""
FLOOR_KPA: Final = 0.03
"""Finer than this no pressure of one step is believed: rounding and transmitters (3 mm)."""
FLOOR_M3H: Final = 0.1
LOAD_ERROR: Final = 0.25
"""The effect of an open leak changes with the load; so much of it is taken for noise at first."""
LOAD_FORGET_H: Final = 3 * 24.0
"""Time constant with which that is left to the regression and the scales, which see it every day."""
_MANY_METERS: Final = 4
_SEASONS_H: Final = 18.0  # of learning, before the time of day means anything
_FIRST_SOLVE: Final = 36
_SOLVE_EVERY: Final = 6


class Evidence(msgspec.Struct, frozen=True):
    """What the last windows look like against the usual; rows are windows, columns sensors."""

    shift: np.ndarray  # [WINDOWS, n] hydraulic residual, kPa
    scale: np.ndarray  # [WINDOWS, n] its usual size, with the load error of young leaks
    quiet_scale: np.ndarray  # [WINDOWS, n] without
    change: np.ndarray  # [CHANGE_WINDOWS, 1 + n] seasonal: inflow m3/h, then pressures kPa
    change_scale: np.ndarray
    usable: np.ndarray  # [n] 1.0 for sensors that are alive
    flow: np.ndarray  # [meters] m3/h, missing ones as usual


class Model(msgspec.Struct):
    """The learnt state of one area with ``n`` pressures, ``k`` flow meters and some levels."""

    step_h: float
    hydraulic: Regression
    seasonal: Regression
    scale: Scale
    change_scale: Scale
    row_scale: Scale
    x: np.ndarray
    tod: np.ndarray
    flows: np.ndarray
    hydraulic_output: np.ndarray  # [MEMORY, n] pressures from their origin, known shifts taken out
    seasonal_output: np.ndarray  # [MEMORY, 1 + n]
    hydraulic_residual: np.ndarray
    seasonal_residual: np.ndarray
    origin_flow: np.ndarray
    origin_pressure: np.ndarray
    level: np.ndarray  # [n] slow level of the hydraulic residual
    offset: np.ndarray  # [n] hydraulic effect of known shifts
    seasonal_offset: np.ndarray  # [1 + n]
    load_error: np.ndarray  # [1 + n]
    meters: Meters
    steps: int = 0
    residuals: int = 0

    @classmethod
    def empty(cls, pressures: int, meters: int, heights: int, step_h: float) -> "Model":
        """Nothing learnt."""
        products = meters * (meters + 1) // 2 if meters <= _MANY_METERS else 1
        inputs, seasons = 1 + meters + products + heights, 1 + 2 * HARMONICS + meters

        def ring(columns: int) -> Floats:
            return np.full((MEMORY, columns), np.nan)

        return cls(
            step_h=step_h,
            hydraulic=Regression.empty(inputs, pressures),
            seasonal=Regression.empty(seasons, 1 + pressures),
            scale=Scale(np.ones((len(WINDOWS), pressures))),
            change_scale=Scale(np.ones((len(CHANGE_WINDOWS), 1 + pressures))),
            row_scale=Scale(np.ones(pressures)),
            x=ring(inputs),
            tod=ring(1 + 2 * HARMONICS),
            flows=ring(meters),
            hydraulic_output=ring(pressures),
            seasonal_output=ring(1 + pressures),
            hydraulic_residual=ring(pressures),
            seasonal_residual=ring(1 + pressures),
            origin_flow=np.full(meters, np.nan),
            origin_pressure=np.full(pressures, np.nan),
            level=np.zeros(pressures),
            offset=np.zeros(pressures),
            seasonal_offset=np.zeros(1 + pressures),
            load_error=np.zeros(1 + pressures),
            meters=Meters.empty(pressures, meters, heights),
        )

    def step(self, pressure: Floats, flow: Floats, height: Floats, hour: float) -> Evidence | None:
        """Take in one step (NaN: missing) at this hour of the day; None while too little is known."""
        self.steps += 1
        pressure = np.where(self.meters.stuck(pressure), np.nan, pressure)
        self.origin_flow = np.where(np.isnan(self.origin_flow), flow, self.origin_flow)
        self.origin_pressure = np.where(np.isnan(self.origin_pressure), pressure, self.origin_pressure)
        self._learn_oldest()
        if self.meters.watch_flows(flow, self.steps, self.step_h):
            self._restart_seasons()
        self.meters.watch_heights(height)
        if self.hydraulic.samples >= _FIRST_SOLVE and self.steps % _SOLVE_EVERY == 0:
            self.hydraulic.solve()
            self.seasonal.solve()
        self._age_offsets()
        x, tod = self.regressors(flow, height), _time_of_day(hour)
        deviation = pressure - self.origin_pressure
        seasonal = np.concatenate([[self.meters.inflow(flow)], deviation]) - self.seasonal_offset
        deviation = deviation - self.offset
        for ring, row in (
            (self.x, x),
            (self.tod, tod),
            (self.flows, flow),
            (self.hydraulic_output, deviation),
            (self.seasonal_output, seasonal),
        ):
            push(ring, row)
        if not self.hydraulic.solved:
            return None
        left_over = self.hydraulic.residual(filled(x), deviation)
        push(self.hydraulic_residual, np.where(np.isnan(x).any(), np.nan, left_over))
        inputs = np.concatenate([tod, filled(flow) * self.meters.switched])
        push(self.seasonal_residual, self.seasonal.residual(inputs, seasonal))
        self.residuals += 1
        return self._evidence(flow, pressure) if self.residuals >= MEMORY else None

    def gap(self, steps: int) -> None:
        """Let ``steps`` intervals pass without any reading."""
        for _ in range(min(steps, MEMORY)):
            for ring in self._rings():
                push(ring, np.full(ring.shape[1], np.nan))

    def shift(self, steps: int, shift: Floats, change: Floats) -> None:
        """From ``steps`` ago on this much is known to be different: it is neither judged again nor learnt."""
        shift, change = filled(shift), filled(change)
        self.offset += shift
        self.seasonal_offset += change
        for ring, known in (
            (self.hydraulic_residual, shift),
            (self.hydraulic_output, shift),
            (self.seasonal_residual, change),
            (self.seasonal_output, change),
        ):
            ring[-steps:] -= known

    def expect_load_error(self, shift: Floats, change: Floats) -> None:
        """Until it is learnt how this shift varies with the load, take part of it for noise."""
        self.load_error = np.hypot(self.load_error, LOAD_ERROR * np.concatenate([change[:1], shift]))

    def _rings(self) -> tuple[Floats, ...]:
        return (
            self.x,
            self.tod,
            self.flows,
            self.hydraulic_output,
            self.seasonal_output,
            self.hydraulic_residual,
            self.seasonal_residual,
        )

    def _evidence(self, flow: Floats, pressure: Floats) -> Evidence:
        shift = recent(self.hydraulic_residual) - self.level
        change = changes(self.seasonal_residual)
        roots = np.sqrt(np.asarray(WINDOWS, dtype=np.float64))[:, None]
        scale = np.maximum(self.scale.value, FLOOR_KPA / roots) if self.scale.seen else np.abs(shift) + FLOOR_KPA
        usual = self.change_scale.value if self.change_scale.seen else np.abs(change) + FLOOR_M3H
        if self.seasonal.samples * self.step_h < _SEASONS_H:
            change = np.full(change.shape, np.nan)
        self.scale.update(shift, FLOOR_KPA)
        self.change_scale.update(change, FLOOR_M3H)
        self.row_scale.update(self.hydraulic_residual[-1] - self.level, FLOOR_KPA)
        usable = (~np.isnan(pressure)).astype(np.float64)
        return Evidence(
            shift=shift,
            scale=np.hypot(scale, self.load_error[1:]),
            quiet_scale=scale,
            change=change,
            change_scale=np.maximum(np.hypot(usual, np.append(self.load_error[0], np.zeros(len(pressure)))), FLOOR_M3H),
            usable=usable,
            flow=np.where(np.isnan(flow), self.meters.mean_flow, flow),
        )

    def _learn_oldest(self) -> None:
        x, tod, flow = self.x[0].copy(), self.tod[0], self.flows[0]
        if np.isnan(tod).any():
            return
        keep = float(np.exp(-self.step_h / FORGET_H))
        if not np.isnan(x).any():
            self.hydraulic.learn(x, self.hydraulic_output[0], keep)
        if not np.isnan(self.seasonal_output[0, 0]):
            self.seasonal.learn(np.concatenate([tod, flow * self.meters.switched]), self.seasonal_output[0], keep)
        oldest = self.hydraulic_residual[0]
        if self.row_scale.seen > MEMORY:
            limit = 6 * self.row_scale.value
            known = max(self.step_h / LEVEL_H, 1.0 / (self.row_scale.seen - MEMORY))
            self.level += known * filled(np.clip(oldest - self.level, -limit, limit))

    def regressors(self, flow: Floats, height: Floats) -> Floats:
        """What pressures are explained by: m3/h, their products, levels."""
        d = flow - self.origin_flow
        k = len(d)
        if k <= _MANY_METERS:
            products = np.array([d[i] * d[j] for i in range(k) for j in range(i, k)])
        else:
            products = np.array([d.sum() ** 2])
        return np.concatenate([[1.0], d, products, height])

    def slopes(self, flow: Floats) -> Floats:
        """[meters, n] d pressure / d flow of each meter at this load, kPa per m3/h."""
        d, beta, k = flow - self.origin_flow, self.hydraulic.beta, len(flow)
        slopes = beta[1 : 1 + k].copy()
        row = 1 + k
        if k > _MANY_METERS:
            return np.asarray(slopes + 2 * d.sum() * beta[row], dtype=np.float64)
        for i in range(k):
            for j in range(i, k):
                slopes[i] += d[j] * beta[row]
                slopes[j] += d[i] * beta[row]
                row += 1
        return np.asarray(slopes, dtype=np.float64)

    def lies(self, flow: Floats) -> list[Floats]:
        """What flow meters that lie can do to what the flows explain, kPa: [directions, n], in any mixture.

        One entry per meter that may say anything, and one for all of them in another unit at these flows.
        """
        beta, k = self.hydraulic.beta, len(flow)
        if k > _MANY_METERS:
            both, twice = beta[1 + k], 2 * float(self.origin_flow.sum())
            scaled = np.array([flow @ beta[1 : 1 + k] - twice * flow.sum() * both, flow.sum() ** 2 * both])
            return [*(beta[[1 + j, 1 + k]] for j in range(k)), scaled]
        pairs = [(i, j) for i in range(k) for j in range(i, k)]
        products = beta[1 + k : 1 + k + len(pairs)]
        of_each = [
            beta[[1 + meter, *(1 + k + at for at, pair in enumerate(pairs) if meter in pair)]] for meter in range(k)
        ]
        origin = self.origin_flow
        cross = np.array([flow[i] * origin[j] + flow[j] * origin[i] for i, j in pairs])
        square = np.array([flow[i] * flow[j] for i, j in pairs])
        return [*of_each, np.array([flow @ beta[1 : 1 + k] - cross @ products, square @ products])]

    def _restart_seasons(self) -> None:
        """What counts as inflow changed: what was learnt of it is void."""
        self.seasonal = Regression.empty(*self.seasonal.products.shape)
        self.change_scale.seen = 0
        self.seasonal_output[:] = np.nan
        self.seasonal_residual[:] = np.nan

    def _age_offsets(self) -> None:
        keep = float(np.exp(-self.step_h / OFFSET_FORGET_H))
        self.offset *= keep
        self.seasonal_offset *= keep
        self.load_error *= float(np.exp(-self.step_h / LOAD_FORGET_H))


def _time_of_day(hour: float) -> Floats:
    angle = 2 * np.pi * hour / 24
    waves = [wave(k * angle) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
    return np.array([1.0, *waves], dtype=np.float64)
