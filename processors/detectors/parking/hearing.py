"""In which minutes a camera spoke: whether it would have said by now what it sees.

Of what stands before it a camera speaks once a minute. One that froze, or was cut off, and speaks again has not yet
said all there is: what it says nothing of may stand there all the same.
"""

from typing import Final

from processors.detectors.parking.cameras import Heard
from processors.detectors.parking.state import State

_MINUTE_MS: Final = 60_000


def note(state: State, camera: str, time_ms: int) -> None:
    """A camera spoke then, in whatever order that is heard."""
    heard = state.cameras.get(camera)
    if heard is None:
        state.cameras[camera] = Heard(time_ms)
    else:
        heard.note(time_ms)


def would_have_said(state: State, camera: str, since_ms: int, now_ms: int) -> bool:
    """Whether it spoke since then, and not only within the last minute, if there was time for more."""
    heard = state.cameras.get(camera)
    if heard is None or heard.newest_ms < since_ms:
        return False
    newest, first = heard.newest_ms // _MINUTE_MS, since_ms // _MINUTE_MS
    last = max(first, now_ms // _MINUTE_MS - 2)
    low, high = max(newest - last, 0), newest - first
    return heard.minutes >> low & (1 << high - low + 1) - 1 != 0
