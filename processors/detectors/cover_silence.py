"""A cover that falls silent after it went up."""

from typing import Final

from processors.detectors.common import Turn, retry_at
from processors.detectors.cover_judge import UP, judge
from processors.detectors.cover_state import Cover, State, timer
from processors.engine.contract import Blind, TimerDue

SILENT: Final = "silent"
LATE: Final = 0.1
"""Of an interval: the word that is due just then may be so late."""
_OTHERS_MIN: Final = 2  # covers beside it tell that more than it is silent
_MISSED: Final = 1.05  # intervals without a word
_LOOKS: Final = 6  # whether they still are, in the time that it may be silent


def watch(cover: Cover, turn: Turn) -> None:
    """Look whether it still speaks, as long as it is up."""
    name = timer(cover, "", SILENT)
    if cover.silent_ms is not None and cover.on(*UP) and not cover.silent:
        turn.wake(name, cover.heard_ms + cover.silent_ms + 1)
    else:
        turn.wake(name, None)


def on_silence(state: State, cover: Cover, due: TimerDue, turn: Turn) -> None:
    """It may have been silent for too long since it went up."""
    if cover.silent_ms is None:
        return
    now_ms = turn.clock.now_ms
    deadline_ms = max(cover.heard_ms, cover.others_ms) + cover.silent_ms + 1
    was_with_others = cover.others_ms > cover.heard_ms
    if deadline_ms > now_ms and not was_with_others:
        turn.wake(due.name, deadline_ms)
        return
    retry_ms = retry_at(turn.clock, cover.shard, min(deadline_ms, now_ms))
    if retry_ms is not None:
        turn.wake(due.name, retry_ms)
        return
    if _is_silent_with_others(state, cover, now_ms):
        # Its time begins when the others are heard again; until then it is looked at often.
        cover.others_ms = now_ms
        turn.wake(due.name, now_ms + cover.silent_ms // _LOOKS)
        return
    if deadline_ms > now_ms:
        turn.wake(due.name, min(deadline_ms, now_ms + cover.silent_ms // _LOOKS))
        return
    cover.silent = True
    judge(cover, state.values(cover), turn, deadline_ms, None)


def _is_silent_with_others(state: State, cover: Cover, now_ms: int) -> bool:
    """Whether most covers that spoke when this one did are silent as well: then its gateway is, and nobody took it."""
    silent = heard = 0
    patience = state.values(cover)["cover.silent_intervals"]
    for other in state.covers.values():
        if other is cover or other.silent_ms is None or cover.silent_ms is None:
            continue
        if other.heard_ms <= cover.heard_ms - other.silent_ms:
            continue  # dead long before
        # The outage may have begun later, if a word of this one was lost before: one that was missed is enough.
        if now_ms - other.heard_ms > other.silent_ms * _MISSED / (patience + LATE):
            silent += 1
        else:
            heard += 1
    return silent >= _OTHERS_MIN and silent > heard


def on_blind(state: State, span: Blind) -> None:
    """What we did not hear ourselves is nobody's silence."""
    for cover in state.covers.values():
        if cover.shard == span.shard and cover.heard_ms < span.to_ms:
            cover.heard_ms += span.to_ms - max(span.from_ms, cover.heard_ms)
