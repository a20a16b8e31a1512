"""A device at the end of its radio range: rarely lost yet, but the next wet leaf will do it.

The level is smoothed over some messages, as one of them says little; below the threshold for ``low_s`` it is a
finding, ``margin_db`` above it again it is none. Thresholds are for LoRa, whose receivers hear down to -137 dBm and
-20 dB at the slowest rate (Semtech SX1276, table 10); for other radios a class or zone says its own.
"""

from typing import Final

from processors.detectors.common import Evidence, Opening, Step, Turn, span
from processors.detectors.health.state import Device, State, Weak
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.rules import Values

KIND: Final = AnomalyKind.DEVICE_SIGNAL
THRESHOLDS: Final = {"rssi": "signal.rssi_dbm", "snr": "signal.snr_db"}
_ROOM: Final = 2.0  # margins from the threshold that a level counts at most
_MEMORY: Final = 8  # messages over which it is smoothed


def judge(state: State, name: str, device: Device, reading: Reading, values: Values, turn: Turn) -> None:
    """Take in a level in dBm, or a ratio in dB."""
    prop = reading.series.observed_property
    threshold = values[THRESHOLDS[prop]]
    weak = device.signal.get(prop)
    if weak is None:
        weak = device.signal[prop] = Weak(_within(reading.value, threshold, values["signal.margin_db"]))
    else:
        weak.level = smoothed(weak, reading.value, threshold, values["signal.margin_db"])
        weak.count += 1
    if weak.level >= threshold + values["signal.margin_db"]:
        weak.since_ms = None
        if KIND in device.opened and all(other.since_ms is None for other in device.signal.values()):
            step = Step(
                reading.time_ms, f"Device {name} is heard well again", _numbers(prop, weak), (Evidence.of(reading),)
            )
            turn.clears(device.opened.pop(KIND), step)
        return
    if weak.since_ms is None:
        if weak.level >= threshold or weak.count < _MEMORY:
            return
        weak.since_ms = reading.time_ms
    low_ms = reading.time_ms - weak.since_ms
    if KIND not in device.opened and low_ms >= values["signal.low_s"] * 1000:
        summary = f"Device {name} is hardly heard for {span(low_ms)}: {prop} {weak.level:.0f} (below {threshold:g})"
        opening = Opening(name, state.sites[device.facility], weak.since_ms, weak.since_ms)
        numbers = _numbers(prop, weak) | {"low_s": low_ms / 1000}
        device.opened[KIND] = turn.raises(
            KIND, opening, Step(reading.time_ms, summary, numbers, (Evidence.of(reading),))
        )


def smoothed(weak: Weak, value: float, threshold: float, margin: float) -> float:
    """The level with one more message."""
    return weak.level + (_within(value, threshold, margin) - weak.level) / min(weak.count + 1, _MEMORY)


def _within(value: float, threshold: float, margin: float) -> float:
    """How far beyond the threshold it is says nothing here, and would take long to be forgotten."""
    room = _ROOM * margin
    return min(max(value, threshold - room), threshold + room)


def _numbers(prop: str, weak: Weak) -> dict[str, float]:
    return {prop: round(weak.level, 1)}
