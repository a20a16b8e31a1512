"""One sensor of a device is dead while the device speaks.

Against its own record, as with what stands still: it is missed when nothing came for ``longer`` times the longest gap
it ever had (of at least ``readings``; one time less when ``known``), while the device went on speaking from one look to
the next. What is sent only when something happens has a record of long gaps, and is missed late or never. What a device
says of itself, such as its battery, is no sensor.
"""

from typing import Final

from processors.detectors.common import Evidence, Opening, Step, Turn, span
from processors.detectors.health.state import Device, State
from processors.detectors.health.watch import Watch
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.properties import OF_DEVICE

KIND: Final = AnomalyKind.PROPERTY_SILENT
_GROWTH: Final = 2  # a gap may at most double the record: an outage of the whole device is no habit of a sensor


def paused(watch: Watch, gap_ms: int) -> None:
    """Nothing came for longer than ever: note that, and leave it out of what stood still."""
    if watch.gap_ms:
        watch.still_ms += gap_ms
        watch.due_ms += gap_ms
        gap_ms = min(gap_ms, _GROWTH * watch.gap_ms)
    watch.gap_ms = gap_ms


def look(state: State, name: str, device: Device, turn: Turn) -> None:
    """Ask of each sensor of a device whether it is missed."""
    heard_ms = max(watch.time_ms for watch in device.watches.values())
    for key in sorted(device.watches.keys() - OF_DEVICE):
        watch = device.watches[key]
        values = state.rules.of(watch.facility, state.sites[watch.facility].facility_class)
        silent_ms = heard_ms - watch.time_ms
        longer = values["property_silence.longer"] - (watch.count >= values["property_silence.known"])
        if silent_ms <= max(longer, 1.0) * watch.gap_ms or (
            watch.count < values["property_silence.readings"] or KIND in watch.opened
        ):
            watch.missed_ms = 0
        elif not watch.missed_ms:
            watch.missed_ms = heard_ms
        elif heard_ms > watch.missed_ms:  # the others went on: it is not that the device itself had been away
            watch.missed_ms = 0
            _raise(state, f"{name}/{key}"[:160], watch, silent_ms, turn)


def _raise(state: State, subject: str, watch: Watch, silent_ms: int, turn: Turn) -> None:
    numbers = {
        "silent_s": silent_ms / 1000,
        "longest_gap_s": watch.gap_ms / 1000,
        "longer": round(silent_ms / watch.gap_ms, 3),
    }
    summary = f"{subject} silent for {span(silent_ms)} while its device speaks"
    step = Step(turn.clock.now_ms, summary, numbers, by_time=True)
    opening = Opening(subject, state.sites[watch.facility], watch.time_ms, watch.time_ms)
    watch.opened[KIND] = turn.raises(KIND, opening, step)


def clear(watch: Watch, reading: Reading, name: str, turn: Turn) -> None:
    """It is heard again."""
    opened = watch.opened.pop(KIND, None)
    if opened is not None:
        silent_ms = reading.time_ms - watch.time_ms
        step = Step(
            reading.time_ms,
            f"{name} is heard again after {span(silent_ms)}",
            {"silent_s": silent_ms / 1000},
            (Evidence.of(reading),),
        )
        turn.clears(opened, step)
