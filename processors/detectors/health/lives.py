"""A device that restarts again and again, and an id under which two devices speak.

Both count events within a span of event time: so many begin the finding, none for as long ends it.
"""

from typing import Final

from processors.detectors.common import Evidence, Opening, Step, Turn, span
from processors.detectors.health.state import Device, State
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.rules import Values

RESTARTS: Final = AnomalyKind.DEVICE_RESTARTS
DUPLICATE: Final = AnomalyKind.DEVICE_DUPLICATE


def judge(state: State, name: str, device: Device, reading: Reading, values: Values, turn: Turn) -> None:
    """Something began anew, or was said while a finding is open: look at both."""
    _judge(state, name, device, reading, turn, (RESTARTS, device.begun, "restarts", "count", values))
    _judge(state, name, device, reading, turn, (DUPLICATE, device.returned, "duplicate", "returns", values))


def _judge(
    state: State,
    name: str,
    device: Device,
    reading: Reading,
    turn: Turn,
    about: tuple[AnomalyKind, list[int], str, str, Values],
) -> None:
    kind, times, rule, count, values = about
    within_ms = values[f"{rule}.within_s"] * 1000
    while times and times[0] < reading.time_ms - within_ms:
        del times[0]
    opened = device.opened.get(kind)
    if opened is None and len(times) >= values[f"{rule}.{count}"]:
        numbers = {count: float(len(times)), "within_s": (reading.time_ms - times[0]) / 1000}
        often = f"{len(times)} times within {span(reading.time_ms - times[0])}"
        if kind is RESTARTS:
            summary = f"Device {name} restarted {often}"
        else:
            summary = f"Two devices speak as {name}: its numbers went back and forth {often}"
        step = Step(reading.time_ms, summary, numbers, (Evidence.of(reading),))
        opening = Opening(name, state.sites[device.facility], times[0], times[0])
        device.opened[kind] = turn.raises(kind, opening, step)
    elif opened is not None and not times:
        what = "restarts no more" if kind is RESTARTS else "speaks with one voice again"
        step = Step(reading.time_ms, f"Device {name} {what}", {}, (Evidence.of(reading),))
        turn.clears(device.opened.pop(kind), step)
