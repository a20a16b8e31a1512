"""A reading that no street can have caused: beyond what the sensor can show, or a change faster than physics.

The limits are wide (:data:`schemas.health.LIMITS`), so one such reading is enough. Where it went is no proof of
anything, however steady it is there: it ends after ``clear_samples`` in a row nearer to where it was than to that, or
when it has been possible for ``settle_s`` elsewhere, as after a calibration. From beyond what the sensor can show any
possible reading is a way back.
"""

from typing import Final

from processors.detectors.common import Evidence, Opening, Step, Turn, span
from processors.detectors.health.bounds import Bounds
from processors.detectors.health.state import State
from processors.detectors.health.watch import Leap, Watch
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.rules import Values

KIND: Final = AnomalyKind.DEVICE_JUMP


def is_possible(bounds: Bounds, value: float, before: float | None = None, elapsed_ms: int = 0) -> bool:
    """Whether a value may follow the one before, or stand at all where there is none."""
    if not bounds.low <= value <= bounds.high:
        return False
    if before is None:
        return True
    most = bounds.step + bounds.per_ms * elapsed_ms
    return -most <= value - before <= most


def judge(state: State, watch: Watch, reading: Reading, name: str, turn: Turn, bounds: Bounds) -> None:
    """It is impossible: say so, unless that is known, as of the way back."""
    watch.sane = 0
    if KIND in watch.opened:
        watch.leap = Leap(reading.time_ms) if watch.leap is None else watch.leap.again(reading.time_ms)
        return
    elapsed_ms = reading.time_ms - watch.time_ms
    evidence = Evidence.of(reading)
    numbers = {"value": reading.value}
    if bounds.low <= reading.value <= bounds.high:
        change = reading.value - watch.value
        watch.leap = Leap(reading.time_ms, watch.value, abs(change) / 2)
        numbers |= {"change": change, "elapsed_s": elapsed_ms / 1000}
        numbers["most"] = round(bounds.step + bounds.per_ms * elapsed_ms, 6)
        summary = f"{name} went from {watch.value:g} to {reading.value:g} within {span(elapsed_ms)}"
    else:
        watch.leap = Leap(reading.time_ms)
        numbers["most"] = bounds.high if reading.value > bounds.high else bounds.low
        summary = f"{name} says {reading.value:g}, beyond {numbers['most']:g}"
    opening = Opening(name, state.sites[watch.facility], evidence.id, reading.time_ms)
    watch.opened[KIND] = turn.raises(KIND, opening, Step(reading.time_ms, summary, numbers, (evidence,)))


def calm(watch: Watch, reading: Reading, name: str, values: Values, turn: Turn) -> None:
    """It is possible while a jump is open."""
    watch.sane = watch.sane + 1 if _is_back(watch, reading.value) else 0
    if watch.sane >= values["jump.clear_samples"]:
        summary = f"{name} has been possible again"
    elif watch.leap is not None and reading.time_ms - watch.leap.since_ms >= values["jump.settle_s"] * 1000:
        summary = f"{name} has stayed at {reading.value:g}: it stands there now"
    else:
        return
    watch.sane, watch.leap = 0, None
    step = Step(reading.time_ms, summary, {"value": reading.value}, (Evidence.of(reading),))
    turn.clears(watch.opened.pop(KIND), step)


def _is_back(watch: Watch, value: float) -> bool:
    """Whether it is nearer to where it was than to where it went."""
    leap = watch.leap
    return leap is None or leap.before is None or abs(value - leap.before) <= leap.half
