"""One area, tick by tick: normal behaviour taken off, what is left compared with what each leak would leave.

The order of a tick: read, take off known leaks and normal behaviour, compare windows with the day before (``fast``). At
midnight: learn the day, compare days with the weeks before (``slow``).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.leak import hydraulics
from processors.leak.creep import look_at_meters
from processors.leak.explain import Days
from processors.leak.gate import Gate, Whiteners
from processors.leak.growth import compare, judge_growth
from processors.leak.incidents import Alarm, Incidents
from processors.leak.learning import carried, learn_day, learn_week, usual_inflow
from processors.leak.liars import Liars
from processors.leak.network import AreaModel, Basis, Candidates, NetworkModel, candidates
from processors.leak.noise import Noise, taught
from processors.leak.quick import Quick, Sheet
from processors.leak.rows import FLOW_UNIT, Reader, Rows
from processors.leak.screen import Screen
from processors.leak.search import NOTHING, OUT, Verdict, judge
from processors.leak.settings import RING_DAYS, WINDOWS, Settings
from processors.leak.state import AreaState
from processors.leak.suspects import Shifted, explains, forget_flows, is_blind, look, look_at_day, look_at_standing

Floats = npt.NDArray[np.float64]

FLOOR_M: Final = 0.001
WHOLE: Final = 0.5
"""Share of a day that must be there for it to teach."""
BEYOND_DOUBT: Final = 4.0
"""That so much evidence is no leak is out of the question: a crew goes although the place is not clear."""
SURE_LEAST: Final = 0.5
"""Then the named place must at least be likelier than not."""
PAUSE: Final = 3
"""Ticks without evidence after which a shift counts as a new one."""
LEARNT: Final = 2
"""Days after which there is a regression at all."""
TWO_WEEKS: Final = 14
KNOWN_WEEK: Final = 0.02
UNKNOWN_WEEK: Final = 0.2
"""Least standard deviation of the balance in hundreds of m3/h, once every weekday was seen twice, and before."""


class _Driven(NamedTuple):
    """What signatures of some rows are made of."""

    weighted: Floats
    """The basis of signatures, scaled, per row."""
    slopes: Floats | None
    """What each inflow does to the regressors, ``[inflow, row, regressor]``."""

    def newest(self, count: int) -> "_Driven":
        """The same of the last rows only."""
        return _Driven(self.weighted[-count:], None if self.slopes is None else self.slopes[:, -count:])


class Area:
    """The unchanging part: model, neighbourhoods, settings. The changing part is an ``AreaState``."""

    def __init__(
        self, network: NetworkModel, model: AreaModel, names: tuple[str, ...], per_day: int, settings: Settings
    ) -> None:
        """Derive what the search needs."""
        self.network, self.model, self.settings, self.per_day = network, model, settings, per_day
        self.candidates: Candidates = candidates(network, model, settings.found_within_m)
        self.reader = Reader(model, names, per_day)
        self.index, self.columns = self.reader.index, self.reader.columns
        self.pressures, self.inflows = len(model.pressures), len(model.inflows)
        self.outputs = self.pressures + 1
        self.kept = 3 * per_day
        self.per_hour = per_day // 24
        self.incidents = Incidents(network, model, settings, per_day)
        self.liars = Liars(len(self.columns.all), self.pressures, per_day)
        # Derived from the state, never part of it; each knows what it was made from.
        self._cached: Floats | None = None
        self._trusted: tuple[bytes, int] = (b"", 0)
        self._version = 0
        self._whole: Whiteners | None = None
        self._hours: Floats | None = None
        self._usual_day: Floats = np.zeros((0, self.outputs))
        self.quick, self.days = Quick(self.reader), Days()
        self._sheet = Sheet([self.quick], 1)
        self._reading = np.zeros((1, self.reader.width + 1))  # the newest tick, its balance at the end
        self.gate = Gate(self.outputs, self.kept, per_day, settings.fast)
        self.screen = Screen(per_day, settings, self.signatures, self._tonight)

    def initial(self) -> AreaState:
        """Nothing seen."""
        regressors = hydraulics.regressors(self.model)
        outputs, width = self.outputs, self.reader.width
        return AreaState(
            inputs=np.full((self.kept, width + 1), np.nan, dtype=np.float32),
            residuals=np.zeros((self.kept, outputs), dtype=np.float32),
            rows=0,
            tick=-1,
            moments=np.zeros((regressors - 1, regressors - 1)),
            products=np.zeros((regressors - 1, outputs)),
            mean_regressors=np.zeros(regressors),
            mean_outputs=np.zeros(outputs),
            beta=np.zeros((regressors, outputs)),
            offset=np.zeros(self.pressures),
            noise=Noise.empty(outputs),
            day_regressors=np.zeros((RING_DAYS, regressors)),
            day_outputs=np.zeros((RING_DAYS, outputs)),
            day_numbers=np.full(RING_DAYS, -1.0),
            expected=np.full((7, 24), np.nan),
            known=np.zeros((self.model.signatures.shape[0], self.model.signatures.shape[2])),
            known_flow=0.0,
            repeats=np.full(width, 0.5),
            moved=np.zeros(width),
            missing=np.zeros(width),
            back=np.full(width, np.nan),
            stood=np.zeros(width),
            longest=np.zeros(width),
            distrust=np.zeros(width),
        )

    # -- ticks ----------------------------------------------------------------------------------------------------

    def may_wait(self, state: AreaState, number: int) -> bool:
        """Whether what is first seen in this tick is new, so that it must be confirmed before anything is said."""
        return number == state.tick + 1 and state.tick >= 0 and number - state.shifted_last > PAUSE

    def ticks(self, state: AreaState, first: int, values: Floats) -> list[Alarm]:
        """Take in the readings of ticks that follow on one another, one by one."""
        return [alarm for number, row in enumerate(values, first) for alarm in self.tick(state, number, row)]

    def tick(self, state: AreaState, number: int, values: Floats) -> list[Alarm]:
        """Take in the readings of one tick (NaN: lost); returns what is to be said."""
        if number == state.tick + 1 and state.tick >= 0:
            return self._one(state, number, values.take(self.reader.at))
        alarms: list[Alarm] = []
        if state.tick >= 0 and number > state.tick + self.per_day:
            self._restart(state)
        first = number if state.tick < 0 else state.tick + 1
        for at in range(first, number):  # ticks of which nothing came
            alarms += self._one(state, at, np.full(self.reader.width, np.nan))
        if number > state.tick:
            alarms += self._one(state, number, values.take(self.reader.at))
        return alarms

    def _restart(self, state: AreaState) -> None:
        """Nothing came for more than a day: what was kept is no measure any more."""
        state.rows, state.tick = 0, -1
        state.inputs[:] = np.nan
        self.gate.forget()

    def _one(self, state: AreaState, number: int, values: Floats) -> list[Alarm]:
        out: list[Alarm] = []
        if state.tick < 0:
            state.quiet_before = number
            state.moved[:] = number
        state.tick = number
        row, place = state.rows, number % self.per_day
        inputs = state.inputs[row]
        believed = inputs[:-1]
        believed[:] = values
        reading = believed.tolist()
        whole = self.liars.clean(state, values, believed, reading)
        if not whole or self.columns.level:
            whole = self.reader.believe(state, believed, state.inputs[row - 1] if row else None, whole=whole)
        kept = self._reading
        kept[0, :-1] = believed
        self.quick.balance(state, kept, 0, row, number)
        inputs[-1] = kept[0, -1]
        state.rows = row + 1
        if state.learned >= LEARNT:
            left = self.residual(state) - self.expected(state)[place]
            if not whole:
                left = np.where(np.isnan(left), state.residuals[row - 1] if row else 0.0, left)
            state.residuals[row] = left
            if state.learned >= self.settings.first_days:
                out += self.fast(state)
        return out + self.ended(state)

    def ended(self, state: AreaState) -> list[Alarm]:
        """What is to be done when an hour or a day ended with this tick."""
        after = (state.tick + 1) % self.per_day
        if after % self.per_hour:
            return []
        look_at_standing(self, state)
        return [] if after else self._midnight(state)

    def _day(self, number: int) -> int:
        return number // self.per_day

    # -- residuals --------------------------------------------------------------------------------------------------

    def residual(self, state: AreaState) -> Floats:
        """What the regression leaves of the newest tick, as it was read last."""
        self.quick.follow(state)
        left: Floats = self._sheet.leave(self._reading)[0]
        return left

    def expected(self, state: AreaState) -> Floats:
        """The hours' deviations, by tick of the day."""
        if self._hours is not state.noise.hours:
            self._hours, self._usual_day = state.noise.hours, state.noise.expected(self.per_day)
        return self._usual_day

    def _left(self, state: AreaState, rows: Rows) -> Floats:
        """Residuals anew, with the hours' deviations."""
        return carried(rows.outputs - rows.regressors @ state.beta)

    def _settle(self, state: AreaState, left: Floats) -> None:
        """After learning, or when a leak became known: of the newest rows, as many as there are of ``left``."""
        count, day = len(left), state.noise.expected(self.per_day)
        start = (state.tick - count + 1) % self.per_day
        usual = np.concatenate([day[start:], *[day] * (count // self.per_day + 1)])[:count]
        np.subtract(left, usual, state.residuals[state.rows - count : state.rows])
        self.gate.forget()

    # -- bursts -----------------------------------------------------------------------------------------------------

    def fast(self, state: AreaState) -> list[Alarm]:
        """Compare the last minutes and hours with the day before them."""
        loud = self.gate.loud(state, self.whiteners(state))
        if not loud:
            return []
        best, seen, loudest, driven = NOTHING, None, None, None
        for row, baseline, shift, power in loud:
            loudest = loudest or (row, baseline, shift)
            if baseline == self.per_day and power <= max(best.leak, best.repair):
                continue  # no pipe can say more of it than there is
            if not self.screen.passes(state, row, shift, self._version):
                continue
            window = WINDOWS[row]
            covariance = self.covariance(state, row, baseline)
            driven = driven or self._driven(state, max(0, state.rows - WINDOWS[-1]), state.rows)
            signatures = self._pattern(state, driven.newest(window))
            covariance += self.incidents.doubt(state, signatures, state.tick)
            verdict = judge(shift, covariance, signatures, self.candidates, self.settings.mismatch, self.settings.fast)
            if max(verdict.leak, verdict.repair) > max(best.leak, best.repair):
                best, seen = verdict, Shifted(window, shift, covariance)
        alarms = [] if seen is None else self._shifted(state, best, seen)
        if loudest is not None and not alarms and (state.tick + 1) % self.per_hour == 0:
            row, baseline, shift = loudest
            look(self, state, Shifted(WINDOWS[row], shift, self.covariance(state, row, baseline)))
        return alarms

    def _shifted(self, state: AreaState, verdict: Verdict, seen: Shifted) -> list[Alarm]:
        settings, window = self.settings, seen.window
        alarms: list[Alarm]
        if (
            verdict.leak >= settings.fast
            and verdict.leak > settings.against_repair * verdict.repair
            and verdict.flow >= settings.least_burst_m3h
        ):
            if self._wait(state, verdict.sure, verdict.leak) or self._lies(state, seen, verdict, leak=True):
                return []
            alarms = self.incidents.burst(state, verdict, state.tick + 1 - window)
        elif (
            verdict.repair >= settings.fast
            and verdict.repair > settings.against_repair * verdict.leak
            and verdict.repaired_flow >= settings.least_burst_m3h
        ):
            if self._wait(state, 1.0, verdict.repair) or self._lies(state, seen, verdict, leak=False):
                return []
            alarms = self.incidents.repair(state, verdict, state.tick + 1 - window)
        else:
            return []
        state.quiet_before = state.tick + 1 - window
        self._settle(state, self._left(state, self.reader.prepare(state, 0, state.rows)))
        return alarms

    def _lies(self, state: AreaState, seen: Shifted, verdict: Verdict, *, leak: bool) -> bool:
        signatures = self.signatures(state, state.rows - seen.window, state.rows)
        return explains(self, state, seen, signatures, verdict, leak=leak)

    def _wait(self, state: AreaState, sure: float, evidence: float) -> bool:
        """Whether to wait: until a shift has lasted a little, then until its place is clear enough."""
        if state.tick - state.shifted_last > PAUSE:
            state.shifted_since = state.tick
        state.shifted_last = state.tick
        lasted = state.tick - state.shifted_since
        settings = self.settings
        if lasted < settings.confirm_ticks:
            return True
        if sure >= settings.sure_fast or (sure >= settings.sure_late and lasted >= settings.wait_ticks):
            return False
        beyond_doubt = evidence >= BEYOND_DOUBT * settings.fast and lasted >= 2 * settings.wait_ticks
        return not (beyond_doubt and sure >= SURE_LEAST)

    def covariance(self, state: AreaState, row: int, baseline: int) -> Floats:
        """Of the mean of a window minus that of so many ticks before it, without what known steps may still do."""
        if baseline == self.per_day:
            known: Floats = self.whiteners(state).covariances[row]
            return known.copy()
        covariance = state.noise.of_window(row, baseline, self.per_day, self._floor(state))
        return covariance + self.liars.taken_out(state, OUT)

    def _tonight(self, state: AreaState, row: int, signatures: Floats) -> Floats:
        """The covariance of a window at the end of the day, when least is doubted of it."""
        midnight = (self._day(state.tick) + 1) * self.per_day
        return self.covariance(state, row, self.per_day) + self.incidents.doubt(state, signatures, midnight)

    def _floor(self, state: AreaState) -> Floats:
        """Least standard deviation of a shift: rounding, and what the profile of inflow does not know yet."""
        floor = np.full(self.outputs, FLOOR_M)
        if self.model.basis is Basis.INFLOW:
            floor[-1] = KNOWN_WEEK if state.learned >= TWO_WEEKS else UNKNOWN_WEEK
        return floor

    def whiteners(self, state: AreaState) -> Whiteners:
        """Of all windows against a full day; the same until the next day is learnt, or a sensor is doubted."""
        trusted, made = self.liars.trusted(state), self._whole
        if made is None or self._cached is not state.noise.covariance or self._trusted != (trusted, state.learned):
            self._cached, self._trusted = state.noise.covariance, (trusted, state.learned)
            self._version += 1
            covariances = state.noise.of_windows(self._floor(state)) + self.liars.taken_out(state, OUT)
            made = self._whole = Whiteners(covariances)
        return made

    def signatures(self, state: AreaState, begin: int, end: int) -> Floats:
        """What 1 m3/h at each candidate adds to the mean residual of these rows: what the inflows explain taken off."""
        return self._pattern(state, self._driven(state, begin, end))

    def _driven(self, state: AreaState, begin: int, end: int) -> _Driven:
        flows = self.reader.flows(state, begin, state.inputs[begin:end].astype(np.float64))
        slopes = hydraulics.inflow_slopes(flows.inflows, flows.pump, self.model.reference) if self.inflows else None
        return _Driven(flows.basis * flows.scale[:, None], slopes)

    def _pattern(self, state: AreaState, driven: _Driven) -> Floats:
        weighted, slopes = driven
        weighted = weighted / len(weighted)
        mean = [1.0 / FLOW_UNIT, *weighted.sum(axis=0).tolist()]
        while not mean[-1]:
            mean.pop()  # the pump rests
        own = self.candidates.pressure_part[: len(mean)]
        out: Floats = np.array(mean).dot(own.reshape(len(mean), -1)).reshape(own.shape[1:])
        if slopes is not None:
            answer = np.matmul(weighted.T, slopes).reshape(-1, slopes.shape[-1]).dot(state.beta)
            answer[:, -1] = 0.0  # the balance is predicted from nothing
            out -= self.candidates.inflow_part.dot(answer)
        return out

    # -- midnight ---------------------------------------------------------------------------------------------------

    def _midnight(self, state: AreaState) -> list[Alarm]:
        alarms: list[Alarm] = []
        if state.rows < self.per_day:
            self._roll(state)
            return alarms
        begin = state.rows - self.per_day
        lost = np.isnan(state.inputs[begin : state.rows, : self.pressures])
        there = ~lost.all(axis=1)
        if self.model.basis is Basis.INFLOW:
            usual = usual_inflow(state, self._day(state.tick), self.per_day)
            inflow = state.inputs[begin : state.rows, -1].astype(np.float64) + usual
            learn_week(state, self._day(state.tick) % 7, inflow)
        if there.mean() < WHOLE or is_blind(self, state):
            forget_flows(self, state)
            self._roll(state)
            return alarms
        if not state.started:
            state.started = True
            first = state.inputs[begin : state.rows].astype(np.float64)
            level = first[:, [self.reader.level]] if self.columns.level else 0.0
            state.offset = np.nanmean(first[:, : self.pressures] - level, axis=0)
        oldest = max(0, state.rows - taught(self.per_day))
        rows, today = self.reader.prepare(state, oldest, state.rows), slice(begin - oldest, None)
        day, memory = self._day(state.tick), self.settings.memory_days
        learn_day(state, day, rows.regressors[today], rows.outputs[today], rows.scale[today], memory)
        if state.learned >= LEARNT and state.rows >= 2 * self.per_day:
            left = self._left(state, rows)
            state.noise.learn(left, self.per_day, np.append(lost.mean(axis=0) <= WHOLE, True))
            self._settle(state, left)
        if state.learned >= self.settings.first_days * 3 // 2 and state.noise.days:
            signatures = self.signatures(state, begin, state.rows)
            look_at_day(self, state, signatures)
            spans = compare(self, state, signatures)
            look_at_meters(self, state, signatures, spans)
            found = judge_growth(self, state, signatures, spans)
            if found is not None:
                alarms += self.incidents.growth(state, found)
        self._roll(state)
        return alarms

    def _roll(self, state: AreaState) -> None:
        """Keep two days."""
        keep = 2 * self.per_day
        if state.rows > keep:
            drop = state.rows - keep
            state.inputs[:keep] = state.inputs[drop : state.rows].copy()
            state.residuals[:keep] = state.residuals[drop : state.rows].copy()
            state.inputs[keep:] = np.nan
            state.rows = keep
            self.gate.forget()
        self.incidents.settle(state, state.tick - state.rows + 1)
