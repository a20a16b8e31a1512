"""A reading that no street can have caused: beyond what the sensor can show, or a change faster than physics.

The limits are wide (:data:`schemas.health.LIMITS`), so one such reading is enough. It ends after ``clear_samples``
possible ones in a row.
"""

from typing import Final

from processors.detectors.common import Evidence, Opening, Step, Turn, span
from processors.detectors.health.bounds import Bounds
from processors.detectors.health.state import State, Watch
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind

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
    """It is impossible: say so, unless that is known."""
    watch.sane = 0
    if KIND in watch.opened:
        return
    elapsed_ms = reading.time_ms - watch.time_ms
    evidence = Evidence.of(reading)
    numbers = {"value": reading.value}
    if bounds.low <= reading.value <= bounds.high:
        numbers |= {"change": reading.value - watch.value, "elapsed_s": elapsed_ms / 1000}
        numbers["most"] = round(bounds.step + bounds.per_ms * elapsed_ms, 6)
        summary = f"{name} went from {watch.value:g} to {reading.value:g} within {span(elapsed_ms)}"
    else:
        numbers["most"] = bounds.high if reading.value > bounds.high else bounds.low
        summary = f"{name} says {reading.value:g}, beyond {numbers['most']:g}"
    opening = Opening(name, state.sites[watch.facility], evidence.id, reading.time_ms)
    watch.opened[KIND] = turn.raises(KIND, opening, Step(reading.time_ms, summary, numbers, (evidence,)))


def calm(watch: Watch, reading: Reading, name: str, samples: float, turn: Turn) -> None:
    """It is possible while a jump is open."""
    watch.sane += 1
    if watch.sane < samples:
        return
    watch.sane = 0
    step = Step(reading.time_ms, f"{name} has been possible again", {"value": reading.value}, (Evidence.of(reading),))
    turn.clears(watch.opened.pop(KIND), step)
