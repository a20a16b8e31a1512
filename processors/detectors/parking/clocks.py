"""By how much the clocks of cameras are wrong, by when their messages come.

What two clocks say is compared in two places: when a policy comes into force, and since when a sensor and a camera
disagree. A message that comes before it was sent shows that a clock is ahead; where all of them come late, for an
hour at least, it is behind.
"""

from typing import Final

from processors.detectors.parking.cameras import Skew
from processors.detectors.parking.state import State

HOUR_MS: Final = 3_600_000


def note(state: State, camera: str, time_ms: int, arrival_ms: int) -> None:
    """A message of a camera has come."""
    skew = state.skews.get(camera)
    if skew is None:
        state.skews[camera] = Skew(arrival_ms // HOUR_MS, arrival_ms - time_ms)
    else:
        skew.note(arrival_ms - time_ms, arrival_ms // HOUR_MS)


def skew_of(state: State, camera: str) -> int:
    """What is to be added to the times of a camera, in ms; 0 where its clock is right, or where nobody knows."""
    skew = state.skews.get(camera)
    return 0 if skew is None else skew.known_ms
