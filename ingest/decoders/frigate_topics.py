"""What a topic of Frigate is about; see :mod:`ingest.decoders.frigate`."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ingest.decoders.base import RefusedError
from schemas.quarantine import Reason

PREFIX: Final = "frigate"
ROOT_TOPICS: Final = frozenset(
    {"available", "events", "reviews", "tracked_object_update", "triggers", "stats", "camera_activity"}
)
_ROOT_IGNORED: Final = frozenset(
    {
        *("restart", "onConnect", "model_state", "embeddings_reindex_progress", "birdseye_layout", "job_state"),
        *("audio_transcription_state", "audio_detections", "profile", "config"),
    }
)
_OF_ALL: Final = frozenset({"notifications", "profile", "profiles"})
"""Switches of Frigate itself where a camera's name would stand."""
_COMMANDS: Final = frozenset({"set", "suspend", "ptz", "test"})
_STATES: Final = frozenset({"state", "suspended"})


class Place(NamedTuple):
    """What a topic is about."""

    device: str
    what: str
    """One of :data:`ROOT_TOPICS`, or count, active, motion, sound, level, status, review_status, attribute."""
    which: str = ""
    """Of several: the label of a count, the kind of sound, the role of a stream."""
    ignored: bool = False
    """A command to Frigate, or a picture."""


def place_of(levels: Sequence[str]) -> Place:
    """What a topic is about.

    Raises:
        RefusedError: it is none of Frigate's.
    """
    prefix, tail = _split(levels)
    if len(tail) == 1:
        return _of_frigate(prefix, tail[0])
    if tail[0] in _OF_ALL:
        return Place(prefix, "attribute", ignored=tail[-1] in _COMMANDS)
    device = tail[0]
    if tail[-1] in _COMMANDS or tail[-1] == "snapshot":
        return Place(device, "attribute", ignored=True)
    if tail[-1] in _STATES:
        return Place(device, "attribute")
    if len(tail) == 2:  # noqa: PLR2004 - {camera}/{what}
        what = tail[1]
        return Place(device, what) if what in ("motion", "review_status") else Place(device, "count", what)
    return _of_part(device, tail)


def _of_part(device: str, tail: Sequence[str]) -> Place:
    part, last = tail[1], tail[2]
    if len(tail) == 3:  # noqa: PLR2004 - {camera}/{part}/{what}
        if part == "audio":
            if last == "transcription":  # what people said is none of our business
                return Place(device, "attribute")
            return Place(device, "level" if last in ("dBFS", "rms") else "sound", last)
        if part == "status":
            return Place(device, "status", last)
        if part in ("ptz_autotracker", "classification"):
            return Place(device, "attribute")
        if last == "active":
            return Place(device, "active", part)
    raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", f"Frigate publishes nothing on .../{'/'.join(tail)[:200]}")


def _of_frigate(prefix: str, what: str) -> Place:
    if what in ROOT_TOPICS:
        return Place(prefix, what)
    if what in _ROOT_IGNORED:
        return Place(prefix, "attribute", ignored=True)
    raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", f"Frigate publishes nothing on .../{what[:200]}")


def _split(levels: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Prefix and what follows it: behind the last level ``frigate``, else as much as the topic's own form needs."""
    for at in range(len(levels) - 2, -1, -1):
        if levels[at] == PREFIX:
            return "/".join(levels[: at + 1]), levels[at + 1 :]
    if levels[-1] in ROOT_TOPICS or levels[-1] in _ROOT_IGNORED or len(levels) == 1:
        size = 1
    elif len(levels) > 3 and (  # noqa: PLR2004 - {prefix}/{camera}/{part}/{what}
        levels[-1] in _COMMANDS
        or levels[-1] in _STATES
        or levels[-1] in ("snapshot", "active")
        or levels[-2] in ("audio", "status", "classification", "ptz_autotracker")
    ):
        size = 3
    else:
        size = min(2, len(levels))
    split = len(levels) - size
    return "/".join(levels[:split]) or PREFIX, levels[split:]
