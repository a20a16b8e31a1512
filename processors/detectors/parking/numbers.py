"""What the times and the numbers of a sensor's words tell: which of them were due, and what was lost between two.

A sensor with an interval speaks at it, and at once when somebody comes or goes. So a word that was not due says when
something changed. And where more words are missing than were due, one that says that somebody left is among them.
"""

from typing import Final, NamedTuple

from processors.detectors.parking.state import Source
from processors.engine.kept import Kept
from schemas.identity import boot_and_channel

_SLACK: Final = 0.01  # of the interval, that a word may come beside its time
_LOST_MAX: Final = 100  # where more seem to be missing, the numbers are those of somebody else


class Told(NamedTuple):
    """What a word tells beside what it says.

    ``is_due``: it came at its interval (None: not known). ``changed``: what it says may be new, though the word before
    said the same, as a word between the two was lost that was not due.
    """

    is_due: bool | None = None
    changed: bool = False


def tell(source: Source, every_ms: int | None, time_ms: int, identity: str) -> Told:
    """Take note of a word that is no older than those before it."""
    before = source.boot, source.seq
    source.boot, source.seq = number(identity)
    since_ms = time_ms - source.newest_ms
    if every_ms is None or since_ms <= 0:
        return Told()
    slack_ms = round(_SLACK * every_ms)
    beat_ms = source.beat_ms
    lost = source.seq - before[1] - 1 if before == (source.boot, before[1]) and before[1] >= 0 else 0
    changed = False
    if beat_ms >= 0 and 0 < lost <= _LOST_MAX:
        beats = (time_ms - slack_ms - beat_ms) // every_ms - (source.newest_ms + slack_ms - beat_ms) // every_ms
        changed = lost > beats
    known = beat_ms >= 0 and _is_multiple(time_ms - beat_ms, every_ms, slack_ms)
    if known or _is_multiple(since_ms, every_ms, slack_ms):
        source.beat_ms = time_ms
        return Told(is_due=True, changed=changed)
    if beat_ms < 0 and since_ms >= every_ms:
        return Told(changed=changed)
    # Who gives no numbers spoke because of a change, of which this may be the second half.
    return Told(is_due=False, changed=changed or source.seq < 0)


def go_on(source: Source, every_ms: int | None, kept: Kept, first: int) -> None:
    """As :func:`tell` of each, where all say what the word before them said: only their times and numbers tell more."""
    newest_ms, beat_ms, interval_ms, after = source.newest_ms, source.beat_ms, every_ms or 0, kept.count
    slack_ms = round(_SLACK * interval_ms)
    for at in range(first, after):
        time_ms = kept.time(at)
        since_ms = time_ms - newest_ms
        if interval_ms and since_ms > 0:
            on_beat = beat_ms >= 0 and _is_multiple(time_ms - beat_ms, interval_ms, slack_ms)
            if on_beat or _is_multiple(since_ms, interval_ms, slack_ms):
                beat_ms = time_ms
        newest_ms = time_ms
    source.newest_ms, source.beat_ms = newest_ms, beat_ms
    if kept.prefix.startswith("a:"):  # as number() has it, of all that is kept
        source.boot, source.seq = kept.prefix[2:-1], kept.ordinal(after - 1)
    else:
        source.boot, source.seq = "", -1


def is_due(source: Source, every_ms: int, time_ms: int) -> bool:
    """Whether a word came at its interval, or nobody knows."""
    since_ms = time_ms - source.beat_ms
    return source.beat_ms < 0 or not since_ms or _is_multiple(since_ms, every_ms, round(_SLACK * every_ms))


def number(identity: str) -> tuple[str, int]:
    """Boot and number of a word; -1 where it has none."""
    if not identity.startswith("a:"):
        return "", -1
    return boot_and_channel(identity)[0], int(identity.rpartition(":")[2])


def _is_multiple(span_ms: int, every_ms: int, slack_ms: int) -> bool:
    """Whether a span is an interval, or several, but for the slack, which is far less than half of one."""
    if span_ms == every_ms:
        return True
    beyond_ms = span_ms % every_ms
    return span_ms > 0 and (every_ms - beyond_ms <= slack_ms or (beyond_ms <= slack_ms and span_ms > beyond_ms))
