"""What the decoders of cameras share: names that fit, whose message it is, and what a state of an event becomes."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from ingest.decoders.base import schema
from ingest.decoders.draft import Draft
from ingest.meaning.camera_events import meaning_of
from ingest.meaning.values import finite
from schemas.camera import Box, CameraObservation, TrackPhase
from schemas.model import from_ms

OBJECTS_MAX: Final = 256
DEVICE_MAX: Final = 128
_TRACK_MAX: Final = 128
_LABEL_MAX: Final = 64
_ZONES_MAX: Final = 64
_TEXT_MAX: Final = 256
_WRONG: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NO_DEVICE: Final = re.compile(r"[\s+#]")  # but single blanks within
_GENERIC: Final = frozenset(
    {
        *("onvif", "isapi", "hikvision", "dahua", "axis", "camera", "cameras", "cam", "cams", "nvr", "ipc", "vto"),
        *("event", "events", "alert", "alerts", "alarm", "alarms", "alertstream", "notification", "notifications"),
        *("eventnotificationalert", "notify", "metadata", "analytics", "state", "xml", "json", "raw", "message"),
    }
)


def word(value: Any, length: int = _TEXT_MAX) -> str | None:
    """A name as text without control characters; None for what is none. Numbers are names too (channels)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < 1 << 63 else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if text and len(text) <= length and _WRONG.search(text) is None else None


def device_name(value: Any) -> str | None:
    """A name that can be a device's id (:data:`schemas.model.DeviceId`); runs of blanks become one."""
    text = word(value)
    if text is None:
        return None
    text = " ".join(text.split())
    return text if len(text) <= DEVICE_MAX and _NO_DEVICE.search(text.replace(" ", "")) is None else None


def required_device(value: Any, field: str) -> str:
    """The same.

    Raises:
        RefusedError: it cannot be one.
    """
    found = device_name(value)
    if found is None:
        schema(field, f"{short(value)!r} cannot be the id of a device: no text, longer than 128, or with + # in it")
    return found


def device_of_topic(levels: Sequence[str]) -> str | None:
    """Whose topic it is: its levels without those at both ends that say only what kind of message it carries.

    All that remain: ``site-1/gate`` and ``site-2/gate`` are two cameras.
    """
    first, last = 0, len(levels)
    while first < last and (not levels[first] or levels[first].lower() in _GENERIC):
        first += 1
    while first < last and (not levels[last - 1] or levels[last - 1].lower() in _GENERIC):
        last -= 1
    return device_name("/".join(levels[first:last]))


class State(NamedTuple):
    """That something about a camera's picture or case is so, or no longer."""

    event_type: str
    active: bool | None
    channel: str = ""
    region: str = ""
    """The rule, region or scenario, as the camera's own configuration calls it."""
    key: str = ""
    """The object of which the state is, where the format makes it part of the state's identity."""
    label: str = ""
    zones: tuple[str, ...] = ()
    """Where there are several; else the region."""
    continued: bool = False
    """It was so before: said again, or for the first time to us."""


def tell(draft: Draft, state: State) -> list[CameraObservation]:
    """Put the flag of a state into the draft, and return what was seen.

    An event without beginning and end (``active`` None) measures nothing and is no sighting: nobody would say when
    what was seen is gone.
    """
    meaning = meaning_of(state.event_type)
    if state.active is None:
        return []
    if meaning.flag:
        channel = "/".join(part for part in (state.channel, state.region) if part)
        draft.flag(meaning.flag, state.active, channel=channel)
    if not meaning.seen:
        return []
    name = state.event_type.removesuffix(f"/{state.region}")  # Axis: the scenario ends the event type
    track = "/".join(part for part in (name, state.channel, state.region, state.key) if part)
    phase = TrackPhase.END if not state.active else TrackPhase.UPDATE if state.continued else TrackPhase.NEW
    label = state.label or meaning.label or name.rpartition("/")[2]
    zones = state.zones or ((state.region,) if state.region else ())
    seen = sighting(draft, phase, track, label, zones, stationary=meaning.stationary)
    return [] if seen is None else [seen]


def sighting(
    draft: Draft,
    phase: TrackPhase,
    track: str,
    label: str,
    zones: Iterable[str] = (),
    *,
    stationary: bool = False,
    confidence: Any = None,
    **more: Any,
) -> CameraObservation | None:
    """A sighting at the draft's time; None, with a word about it in the draft, where its names do not fit.

    ``more`` is what else the format tells of the object, read already: ``box``, ``still_s``, ``plate``.
    """
    if word(track, _TRACK_MAX) != track or word(label, _LABEL_MAX) != label:
        draft.unknown("track", track[:_TEXT_MAX], f"no name for a track of {label[:_LABEL_MAX]!r}")
        return None
    sure = finite(confidence)
    return CameraObservation(
        phase=phase,
        track=track,
        label=label,
        time=None if draft.time_ms is None else from_ms(draft.time_ms),
        zones=tuple(zones)[:_ZONES_MAX],
        stationary=stationary,
        confidence=1.0 if sure is None else min(1.0, max(0.0, sure)),
        **more,
    )


def names(value: Any) -> list[str]:
    """The names in a JSON array, or the one that stands in its place."""
    if not isinstance(value, list):
        value = [value]
    return [name for one in value[:_ZONES_MAX] if (name := word(one)) is not None]


def box(value: Any) -> list[float] | None:
    """Four numbers, left, top, right and bottom."""
    if not isinstance(value, list | tuple) or len(value) != 4:  # noqa: PLR2004 - two corners
        return None
    return list(value) if all(finite(one) is not None for one in value) else None


def corners(value: Any) -> Box | None:
    """A box as sightings carry it; None where the corners are no such."""
    found = box(value)
    if found is None or found[0] > found[2] or found[1] > found[3]:
        return None
    return float(found[0]), float(found[1]), float(found[2]), float(found[3])


def short(value: Any) -> Any:
    """A value that is set aside, of no more text than anyone reads; what is nested becomes a word about it."""
    if isinstance(value, str):
        return _WRONG.sub("\ufffd", value[:_TEXT_MAX])
    if isinstance(value, dict | list):
        return f"{'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    return value if value is None or isinstance(value, bool) else finite(value)
