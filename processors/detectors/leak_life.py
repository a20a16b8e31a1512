"""One closed step: keep the model fed, and give findings their life (raised, updated, cleared)."""

from typing import Final

import numpy as np

from processors.detectors.leak_book import standing
from processors.detectors.leak_doubts import no_doubts
from processors.detectors.leak_judge import CLEAR, Size, Verdict, judge, lonely, repaired, signature, size_of, strengths
from processors.detectors.leak_model import PA_PER_KPA, Evidence, Model
from processors.detectors.leak_nightly import end_night
from processors.detectors.leak_paired import end_drifts, know_change, listen
from processors.detectors.leak_report import report
from processors.detectors.leak_state import Finding, LeakState
from processors.detectors.leak_stats import MEMORY, WINDOWS, Floats, filled
from processors.detectors.leak_steps import Step, Steps
from schemas.anomaly import Anomaly, Transition

WARM_UP_MS: Final = 24 * 3_600_000
"""Nothing is judged before one whole day was seen."""
_PROPERTIES: Final = ("pressure", "flow", "water_level")
_PATIENCE: Final = 144
"""Steps after which a flow meter that is gone is given up, and a new meter becomes part of the model."""
_GATHER: Final = 12
_REFINE: Final = (12, 24, 36)
_MOST_OPEN: Final = 16
_MOST_UPDATES: Final = 4
_CHANGED: Final = 0.25
_HOPELESS: Final = 36
_CHANGED_METERS: Final = "the meters changed: it can not be followed any more"


def advance(state: LeakState, step: Step, version: int) -> list[Anomaly]:
    """Take in a step and say what it changes."""
    outputs: list[Anomaly] = []
    gap = (step.time_ms - state.last_ms) // state.steps.interval_ms - 1 if state.last_ms else 0
    state.first_ms = state.first_ms or step.time_ms
    state.last_ms = step.time_ms
    _count(state, step, gap)
    if state.layout and _outdated(state):
        outputs.extend(_end(state, step, f, version, _CHANGED_METERS) for f in state.findings)
        outputs += end_drifts(state, step.time_ms, version, _CHANGED_METERS)
        state.findings, state.model, state.layout, state.settling = [], None, (), 0
        state.first_ms = step.time_ms
    if state.model is None and not _lay_out(state, step):
        return outputs
    model = state.model
    assert model is not None
    model.gap(gap)
    pressure, flow, height = _rows(state, step)
    evidence = model.step(pressure / PA_PER_KPA, flow, height, step.time_ms / 3_600_000 % 24)
    listen(state, model, step, (pressure / PA_PER_KPA, flow, height))
    state.settling += state.settling > 0
    if evidence is None or model.meters.blinded or step.time_ms - state.first_ms < WARM_UP_MS:
        return outputs
    said = _judge(state, model, evidence, step, version)
    if any(one.transition is not Transition.UPDATED for one in said):
        know_change(state, step)
    return outputs + said


def end_all(state: LeakState, at_ms: int, version: int, reason: str) -> list[Anomaly]:
    """Forget everything but where things stand: from now on nobody listens."""
    step = Step(at_ms, {})
    outputs = [_end(state, step, finding, version, reason) for finding in state.findings]
    outputs += end_drifts(state, at_ms, version, reason)
    outputs += end_night(state, at_ms, version, reason)
    outputs += no_doubts(state, at_ms, version, reason)
    state.findings, state.model, state.layout, state.settling = [], None, (), 0
    state.sensors, state.steps, state.first_ms, state.last_ms = {}, Steps(), 0, 0
    return outputs


def _judge(state: LeakState, model: Model, evidence: Evidence, step: Step, version: int) -> list[Anomaly]:
    if (cleared := _repair(state, model, evidence)) is not None:
        return [_end(state, step, cleared, version, "inflow and pressures are back to what they were before")]
    if state.settling:
        return _settle(state, model, evidence, step, version)
    if (sensor := lonely(evidence)) is not None:
        _relearn(model, evidence, sensor)
        return []
    verdict = judge(evidence, model)
    if verdict is None or (verdict.size.sign == 0 and verdict.steps < _HOPELESS):
        return []
    cause = ""
    outputs = []
    if verdict.size.sign > 0 and len(state.findings) < _MOST_OPEN:
        finding = _open(state, verdict, evidence, step)
        cause = finding.cause
        outputs = [report(state, step, finding, Transition.RAISED, version)]
    model.shift(verdict.steps, verdict.shift, verdict.change)
    if cause:
        model.expect_load_error(verdict.shift, verdict.change)
    state.settling, state.settling_cause = verdict.steps, cause
    return outputs


def _open(state: LeakState, verdict: Verdict, evidence: Evidence, step: Step) -> Finding:
    since = step.time_ms - (verdict.steps - 1) * state.steps.interval_ms
    pattern, scale = signature(verdict.steps, verdict.shift, verdict.change, evidence)
    finding = Finding(
        cause=str(since),
        since_ms=since,
        pattern=pattern,
        scale=scale,
        shift=verdict.shift,
        change=verdict.change,
        flow=0.0,
        published=0.0,
        drop=0.0,
        sensors=(),
        score=verdict.score,
    )
    _measure(state, finding, verdict.size, evidence, verdict.steps)
    finding.published = finding.flow
    state.findings.append(finding)
    return finding


def _measure(state: LeakState, finding: Finding, size: Size, evidence: Evidence, steps: int) -> None:
    """Put the estimate into the finding, quantised as it is published."""
    standing_out = size.drops / evidence.scale[WINDOWS.index(steps)]
    order = np.argsort(-standing_out, kind="stable")[:3]
    finding.sensors = tuple(state.layout[int(i)] for i in order)
    finding.flow = round(size.flow, 1) + 0.0
    finding.drop = max(round(float(size.drops[order[0]]), 1), 0.0) + 0.0


def _repair(state: LeakState, model: Model, evidence: Evidence) -> Finding | None:
    if not state.findings or float(strengths(evidence, evidence.quiet_scale).max()) < CLEAR:
        return None
    best: tuple[float, int, Finding] | None = None
    for finding in state.findings:
        found = repaired(evidence, finding.pattern, finding.scale)
        if found is not None and (best is None or found[1] > best[0]):
            best = (found[1], found[0], finding)
    if best is None:
        return None
    _, steps, finding = best
    index = WINDOWS.index(steps)
    shift, change = evidence.shift[index], evidence.change[index]
    model.shift(steps, shift, change)
    state.settling, state.settling_cause = steps, ""
    state.findings.remove(finding)
    return finding


def _settle(state: LeakState, model: Model, evidence: Evidence, step: Step, version: int) -> list[Anomaly]:
    """While a change is young its size is measured again over ever longer windows."""
    age = state.settling
    outputs: list[Anomaly] = []
    finding = next((f for f in state.findings if f.cause == state.settling_cause), None)
    if age in _REFINE:
        index = WINDOWS.index(age)
        shift, change = filled(evidence.shift[index]), filled(evidence.change[index])
        model.shift(age, shift, change)
        if finding is not None:
            finding.shift, finding.change = finding.shift + shift, finding.change + change
            finding.pattern, finding.scale = signature(age, finding.shift, finding.change, evidence)
            _measure(state, finding, size_of(evidence, model, index, (finding.shift, finding.change), 1), evidence, age)
            if abs(finding.flow - finding.published) > _CHANGED * finding.published and finding.updates < _MOST_UPDATES:
                finding.updates += 1
                finding.published = finding.flow
                outputs = [report(state, step, finding, Transition.UPDATED, version)]
    if age >= (_REFINE[-1] if finding is not None else _REFINE[0]):
        state.settling = 0
    return outputs


def _relearn(model: Model, evidence: Evidence, sensor: int) -> None:
    """Believe a sensor anew that is alone in what it says: it was moved, exchanged, or lies."""
    n = evidence.shift.shape[1]
    shift = np.where(np.arange(n) == sensor, evidence.shift[-1], 0.0)
    model.shift(MEMORY, shift, np.zeros(n + 1))


def _end(state: LeakState, step: Step, finding: Finding, version: int, reason: str) -> Anomaly:
    return report(state, step, finding, Transition.CLEARED, version, reason=reason)


def _count(state: LeakState, step: Step, gap: int) -> None:
    for key, sensor in state.sensors.items():
        if key in step.values:
            sensor.present, sensor.missing = min(sensor.present + 1, _PATIENCE), 0
        else:
            sensor.present, sensor.missing = max(sensor.present - 1 - gap, 0), sensor.missing + 1 + gap


def _outdated(state: LeakState) -> bool:
    """Whether the model is made of other meters than those that speak."""
    pressures = state.counts[0]
    known = set(state.layout)
    if any(key not in state.sensors for key in state.layout):
        return True
    if any(state.sensors[key].missing >= _PATIENCE for key in state.layout[pressures:]):
        return any(sensor.missing == 0 for sensor in state.sensors.values())
    return any(
        sensor.present >= _PATIENCE
        for key, sensor in state.sensors.items()
        if key not in known and sensor.observed_property in _PROPERTIES
    )


def _lay_out(state: LeakState, step: Step) -> bool:
    """Make an empty model of the meters that speak, once they had time to; False while there are too few."""
    if step.time_ms - state.first_ms < _GATHER * state.steps.interval_ms:
        return False
    flows = _there(state, "flow")
    if not flows:
        return False
    pressures, heights = _there(state, "pressure"), _there(state, "water_level")
    if not pressures:
        return False
    state.layout = (*pressures, *flows, *heights)
    state.counts = (len(pressures), len(flows), len(heights))
    state.model = Model.empty(*state.counts, state.steps.interval_ms / 3_600_000)
    return True


def _there(state: LeakState, name: str) -> list[str]:
    """The meters of a property that have spoken often enough."""
    return sorted(k for k, s in state.sensors.items() if s.observed_property == name and s.present >= _GATHER // 2)


def _rows(state: LeakState, step: Step) -> tuple[Floats, Floats, Floats]:
    row = np.array([step.values[key][0] if key in step.values else np.nan for key in state.layout], dtype=np.float64)
    n, k, _ = state.counts
    out = state.trust.doubts.keys() | standing(state.trust.book, step)
    if out:
        row[[at for at, key in enumerate(state.layout) if key in out and n <= at < n + k]] = np.nan
    return row[:n], row[n : n + k], row[n + k :]
