"""By how much the clocks of cameras are wrong, by when their messages come.

What two clocks say is compared in two places: when a policy comes into force, and since when a sensor and a camera
disagree. A message that comes before it was sent shows that a clock is ahead; where all of them come late, for an
hour at least, it is behind.
"""

from typing import Final

from processors.detectors.parking.state import BEHIND_MAX_MS, Skew, State
from schemas.camera import CameraEvent

_HOUR_MS: Final = 3_600_000
_ON_ITS_WAY_MS: Final = 5_000
"""A message may take so long; what takes longer, every time, has another reason."""
_OFTEN: Final = 5
"""So many messages of an hour are never all late by chance."""


def note(state: State, event: CameraEvent, time_ms: int) -> None:
    """A message of a camera has come."""
    arrival_ms = event.arrival_ms
    late_ms, hour = arrival_ms - time_ms, arrival_ms // _HOUR_MS
    skew = state.skews.get(event.device)
    if skew is None:
        state.skews[event.device] = Skew(hour, late_ms)
    elif hour > skew.hour:
        skew.before_ms = skew.least_ms if skew.heard >= _OFTEN and hour == skew.hour + 1 else None
        skew.hour, skew.least_ms, skew.heard = hour, late_ms, 1
    else:
        skew.heard += 1
        skew.least_ms = min(skew.least_ms, late_ms)


def skew_of(state: State, camera: str) -> int:
    """What is to be added to the times of a camera, in ms; 0 where its clock is right, or where nobody knows."""
    skew = state.skews.get(camera)
    if skew is None:
        return 0
    least_ms = skew.least_ms if skew.before_ms is None else min(skew.least_ms, skew.before_ms)
    if abs(least_ms) > BEHIND_MAX_MS:
        return 0
    known = skew.before_ms is not None or skew.heard >= _OFTEN
    return least_ms if least_ms < 0 or (known and least_ms > _ON_ITS_WAY_MS) else 0
