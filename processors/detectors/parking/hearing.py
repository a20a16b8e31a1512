"""In which minutes a camera spoke: whether it would have said by now what it sees.

Of what stands before it a camera speaks once a minute. One that froze, or was cut off, and speaks again has not yet
said all there is: what it says nothing of may stand there all the same.
"""

from typing import Final

from processors.detectors.parking.state import Heard, State

_MINUTE_MS: Final = 60_000
_MINUTES: Final = 62
"""So many are remembered: they fit into one number of a snapshot."""
_ALL: Final = (1 << _MINUTES) - 1


def note(state: State, camera: str, time_ms: int) -> None:
    """A camera spoke then, in whatever order that is heard."""
    heard = state.cameras.get(camera)
    if heard is None:
        state.cameras[camera] = Heard(time_ms)
        return
    newest_ms = heard.newest_ms
    minutes = time_ms // _MINUTE_MS - newest_ms // _MINUTE_MS
    if minutes > 0:
        heard.minutes = (heard.minutes << minutes | 1) & _ALL if minutes < _MINUTES else 1
    elif -_MINUTES < minutes < 0:
        heard.minutes |= 1 << -minutes
    if time_ms > newest_ms:
        heard.newest_ms = time_ms


def would_have_said(state: State, camera: str, since_ms: int, now_ms: int) -> bool:
    """Whether it spoke since then, and not only within the last minute, if there was time for more."""
    heard = state.cameras.get(camera)
    if heard is None or heard.newest_ms < since_ms:
        return False
    newest, first = heard.newest_ms // _MINUTE_MS, since_ms // _MINUTE_MS
    last = max(first, now_ms // _MINUTE_MS - 2)
    low, high = max(newest - last, 0), newest - first
    return heard.minutes >> low & (1 << high - low + 1) - 1 != 0
