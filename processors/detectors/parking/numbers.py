"""What the times and the numbers of a sensor's words tell: which of them were due, and what was lost between two.

A sensor with an interval speaks at it, and at once when somebody comes or goes. So a word that was not due says when
something changed. And where more words are missing than were due, one that says that somebody left is among them.
"""

from typing import Final, NamedTuple

from processors.detectors.parking.state import Source
from schemas.identity import boot_and_channel

_SLACK: Final = 0.01  # of the interval, that a word may come beside its time
_LOST_MAX: Final = 100  # where more seem to be missing, the numbers are those of somebody else


class Told(NamedTuple):
    """``is_due``: it came at its interval (None: not known). ``changed``: something did before it, and was lost."""

    is_due: bool | None = None
    changed: bool = False


def tell(source: Source, every_ms: int | None, time_ms: int, identity: str) -> Told:
    """Take note of a word that is no older than those before it."""
    boot, seq = _number(identity)
    last_boot, last_seq, beat_ms, before_ms = source.boot, source.seq, source.beat_ms, source.newest_ms
    source.boot, source.seq = boot, seq
    if every_ms is None or time_ms <= before_ms:
        return Told()
    slack_ms = round(_SLACK * every_ms)
    lost = seq - last_seq - 1 if boot == last_boot and last_seq >= 0 else 0
    changed = False
    if beat_ms >= 0 and 0 < lost <= _LOST_MAX:
        changed = lost > (time_ms - slack_ms - beat_ms) // every_ms - (before_ms + slack_ms - beat_ms) // every_ms
    if _is_multiple(time_ms - before_ms, every_ms, slack_ms) or (
        beat_ms >= 0 and _is_multiple(time_ms - beat_ms, every_ms, slack_ms)
    ):
        source.beat_ms = time_ms
        return Told(True, changed)
    return Told(False if beat_ms >= 0 or time_ms - before_ms < every_ms else None, changed)


def _number(identity: str) -> tuple[str, int]:
    """Boot and number of a word; -1 where it has none."""
    if not identity.startswith("a:"):
        return "", -1
    return boot_and_channel(identity)[0], int(identity.rpartition(":")[2])


def _is_multiple(span_ms: int, every_ms: int, slack_ms: int) -> bool:
    times = round(span_ms / every_ms)
    return times > 0 and abs(span_ms - times * every_ms) <= slack_ms
