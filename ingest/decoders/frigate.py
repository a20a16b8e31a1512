"""Frigate, the network video recorder: versions 0.14 to 0.16 (and what 0.17 changed in these messages).

Source: Frigate documentation, "MQTT". All topics stand below ``topic_prefix`` (``frigate`` unless configured), which
may have levels of its own. A device is a camera by Frigate's name for it; counts are also published by zone, whose
name then is the device; Frigate itself is called by its prefix.

A tracked object is a sighting: its newest state is ``after``, seen at its ``frame_time`` or gone at its ``end_time``.
Plates, faces and other names of people and cars (``sub_label``) never enter a sighting.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.camera_parts import box, corners, names, required_device, short, sighting, word
from ingest.decoders.draft import Draft
from ingest.decoders.frigate_topics import PREFIX, ROOT_TOPICS, Place, place_of
from ingest.meaning.times import epoch_s
from ingest.meaning.values import finite, flag
from ingest.messages import About, Decoded, Happening, Kind, Report
from schemas.camera import TrackPhase
from schemas.quarantine import Reason

_CAMERAS_MAX: Final = 1000
_PLATE_MAX: Final = 32
_FRAMES_MAX: Final = 1e7
FRAMES_A_SECOND: Final = 5
"""Frigate's default ``detect.fps``, which it says to leave alone; the message does not tell another."""
_PHASES: Final = {"new": TrackPhase.NEW, "update": TrackPhase.UPDATE, "end": TrackPhase.END}
_AVAILABLE: Final = {"online": True, "offline": False, "stopped": False}
_ROLE: Final = {"online": True, "offline": False}
_COUNT: Final = re.compile(r"\d{1,9}")
_VENDOR: Final = About(vendor="Frigate")
_KNOWN_AFTER: Final = frozenset(
    {
        *("id", "camera", "frame_time", "snapshot", "snapshot_time", "label", "sub_label", "top_score", "start_time"),
        *("end_time", "score", "box", "area", "ratio", "region", "current_zones", "entered_zones", "thumbnail"),
        *("has_snapshot", "has_clip", "active", "stationary", "motionless_count", "position_changes", "attributes"),
        *("current_attributes", "current_estimated_speed", "average_estimated_speed", "velocity_angle", "path_data"),
        *("recognized_license_plate", "recognized_license_plate_score", "false_positive", "pending_loitering"),
        *("max_severity", "estimated_speed", "data", "loitering_zones"),
    }
)


class Frigate:
    """The decoder of Frigate's messages."""

    name = "frigate"

    def recognise(self, message: Message) -> str | None:
        """By a level ``frigate``, or by an event under a prefix of another name."""
        levels = message.levels
        if PREFIX in levels[:-1]:
            return "topic has the level frigate" if _fits(message) else None
        if levels[-1] in ("events", "reviews"):
            said = message.peek()
            after = said.get("after")
            if isinstance(after, dict) and "camera" in after and said.get("type") in tuple(_PHASES):
                return "an event of Frigate: type, before and after with camera"
        elif levels[-1] == "tracked_object_update" and "type" in message.peek():
            return "topic .../tracked_object_update"
        return None

    def decode(self, message: Message) -> Decoded:
        """Read one message; a retained one that was deleted (no payload) says nothing.

        Raises:
            RefusedError: no topic of Frigate, or not what it publishes there.
        """
        place = place_of(message.levels)
        if not message.payload or place.ignored:
            return _just(Report(required_device(place.device, "topic"), Kind.IGNORED, about=_VENDOR))
        if place.what in ROOT_TOPICS:
            return _ROOTS[place.what](message, place)
        return _just(_CAMERA[place.what](message, place))


def _fits(message: Message) -> bool:
    """Whether Frigate publishes such a thing on such a topic: others have devices that are called frigate."""
    if message.levels[0] == "homeassistant":
        return False
    try:
        place = place_of(message.levels)
    except RefusedError:
        return False
    return place.what not in ("count", "active") or not message.payload.strip(b" 0123456789")


def _just(report: Report) -> Decoded:
    return Decoded((report,), device=report.device)


# ------------------------------------------------------------------------------------------------------- whole Frigate


def _available(message: Message, place: Place) -> Decoded:
    draft = Draft(required_device(place.device, "topic"))
    online = _AVAILABLE.get(message.text.strip().lower())
    if online is None:
        schema(None, f"{short(message.text)!r} is none of {', '.join(_AVAILABLE)}")
    draft.flag("online", online)
    return _just(draft.report(Kind.STATUS, online=online, about=_VENDOR))


def _event(message: Message, place: Place) -> Decoded:
    said, after, kind = _change(message)
    camera = required_device(after.get("camera"), "after.camera")
    phase = _PHASES[kind]
    ended = epoch_s(after.get("end_time")) if phase is TrackPhase.END else None
    draft = Draft(camera, ended if ended is not None else epoch_s(after.get("frame_time")))
    track, label = word(after.get("id")), word(after.get("label"))
    if track is None or label is None:
        schema("after.id" if track is None else "after.label", "missing")
    zones = names(after.get("current_zones"))
    stationary = after.get("stationary") is True
    seen = None
    if after.get("false_positive") is not True:
        score = after.get("score")
        plate = word(after.get("recognized_license_plate"), _PLATE_MAX)
        more: dict[str, Any] = {"box": corners(after.get("box")), "plate": plate}
        frames = finite(after.get("motionless_count"))
        if frames is not None and (stationary or frames > 0) and 0 <= frames < _FRAMES_MAX:
            more["still_s"] = frames / FRAMES_A_SECOND
        seen = sighting(draft, phase, track, label, zones, stationary=stationary, confidence=score, **more)
    thing = {
        "label": label,
        "score": finite(after.get("score")),
        "box_xyxy_px": box(after.get("box")),
        "zones": zones,
        "stationary": stationary,
        "plate": word(after.get("recognized_license_plate")),
    }
    _unknown(draft, "after", after, _KNOWN_AFTER)
    _unknown(draft, "", said, _CHANGE)
    happening = Happening(
        f"{place.what}.{kind}", phase is not TrackPhase.END, event_id=track, region=_one(zones), objects=(thing,)
    )
    sightings = () if seen is None else (seen,)
    return _just(draft.report(Kind.EVENT, happening=happening, sightings=sightings, about=_VENDOR))


def _review(message: Message, place: Place) -> Decoded:
    said, after, kind = _change(message)
    camera = required_device(after.get("camera"), "after.camera")
    ended = epoch_s(after.get("end_time")) if kind == "end" else None
    draft = Draft(camera, ended if ended is not None else epoch_s(after.get("start_time")))
    data = after.get("data")
    inner: Mapping[str, Any] = data if isinstance(data, dict) else {}
    zones = names(inner.get("zones"))
    objects = [{"label": label} for label in names(inner.get("objects"))]
    _unknown(draft, "", said, _CHANGE)
    happening = Happening(
        f"{place.what}.{kind}",
        kind != "end",
        event_id=word(after.get("id")),
        severity=word(after.get("severity")),
        region=_one(zones),
        objects=objects,
    )
    return _just(draft.report(Kind.EVENT, happening=happening, about=_VENDOR))


def _tracked(message: Message, place: Place) -> Decoded:
    """A plate that was read, a face or a class that was recognised, a description that was written."""
    said = message.object
    kind = word(said.get("type"), 64)
    if kind is None:
        schema("type", "missing")
    camera = said.get("camera")
    draft = Draft(required_device(place.device if camera is None else camera, "camera"), epoch_s(said.get("timestamp")))
    thing: dict[str, Any] = {}
    if (plate := word(said.get("plate"))) is not None:
        thing["plate"] = plate
    if kind == "face":
        thing["label"] = kind
    label = word(said.get("attribute")) or word(said.get("sub_label"))
    if kind == "classification" and label is not None:
        thing["label"] = label
    if (score := finite(said.get("score"))) is not None:
        thing["score"] = score
    objects = (thing,) if thing else ()
    happening = Happening(f"{place.what}.{kind}", event_id=word(said.get("id")), objects=objects)
    return _just(draft.report(Kind.EVENT, happening=happening, about=_VENDOR))


def _trigger(message: Message, place: Place) -> Decoded:
    said = message.object
    kind = word(said.get("type"), 64)
    if kind is None:
        schema("type", "missing")
    draft = Draft(required_device(said.get("camera"), "camera"))
    happening = Happening(f"{place.what}.{kind}", event_id=word(said.get("event_id")), region=word(said.get("name")))
    return _just(draft.report(Kind.EVENT, happening=happening, about=_VENDOR))


def _stats(message: Message, place: Place) -> Decoded:
    """Frigate's own state, and of each camera whether pictures come from it."""
    said = message.object
    service = said.get("service")
    own: Mapping[str, Any] = service if isinstance(service, dict) else {}
    time_ms = epoch_s(own.get("last_updated"))
    about = _VENDOR._replace(firmware=word(own.get("version")), uptime_s=finite(own.get("uptime")))
    reports = [Draft(required_device(place.device, "topic"), time_ms).report(Kind.DIAGNOSTIC, about=about)]
    for camera, values in _cameras(said.get("cameras")):
        draft = Draft(camera, time_ms)
        frames = finite(values.get("camera_fps"))
        if frames is not None and flag(values.get("enabled", True)) is not False:
            draft.flag("fault", frames <= 0)
        reports.append(draft.report(Kind.STATUS, about=_VENDOR))
    return Decoded(reports, device=reports[0].device)


def _activity(message: Message, place: Place) -> Decoded:
    """What every camera is busy with, as told to Frigate's own pages."""
    reports = []
    for camera, values in _cameras(message.object):
        draft = Draft(camera)
        draft.flag("motion", values.get("motion"))
        reports.append(draft.report())
    return Decoded(reports or (Report(required_device(place.device, "topic"), Kind.DIAGNOSTIC),), device=place.device)


def _cameras(said: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(said, dict):
        for name, values in list(said.items())[:_CAMERAS_MAX]:
            if isinstance(values, dict):
                yield required_device(name, "cameras"), values


# ---------------------------------------------------------------------------------------------- one camera or one zone


def _count(message: Message, place: Place) -> Report:
    text = message.text.strip()
    if _COUNT.fullmatch(text) is None:
        schema(None, f"{short(text)!r} is no number of objects")
    draft = Draft(required_device(place.device, "topic"))
    prop = "active_object_count" if place.what == "active" else "object_count"
    draft.number(prop, int(text), channel=place.which)
    return draft.report(Kind.TELEMETRY, about=_VENDOR)


def _switch(message: Message, event_type: str, place: Place) -> tuple[Draft, Happening]:
    active = flag(message.text)
    if active is None:
        schema(None, f"{short(message.text)!r} is neither ON nor OFF")
    return Draft(required_device(place.device, "topic")), Happening(event_type, active)


def _motion(message: Message, place: Place) -> Report:
    draft, happening = _switch(message, "motion", place)
    draft.flag("motion", happening.active)
    return draft.report(Kind.EVENT, happening=happening, about=_VENDOR)


def _sound(message: Message, place: Place) -> Report:
    draft, happening = _switch(message, f"audio.{place.which}", place)
    return draft.report(Kind.EVENT, happening=happening, about=_VENDOR)


def _level(message: Message, place: Place) -> Report:
    draft = Draft(required_device(place.device, "topic"))
    if place.which == "dBFS":
        draft.number("audio_dbfs", message.text.strip(), "dBFS", field="audio.dBFS")
    else:  # amplitude on the scale of 16 bit samples, which no unit of ours says
        draft.unknown("audio.rms", short(message.text.strip()), "no unit")
    return draft.report(Kind.TELEMETRY, about=_VENDOR)


def _role(message: Message, place: Place) -> Report:
    """Whether the stream for one role comes; a camera that was switched off is neither on- nor offline."""
    draft = Draft(required_device(place.device, "topic"))
    text = message.text.strip().lower()
    online = _ROLE.get(text)
    if online is None:
        if text != "disabled":
            schema(None, f"{short(text)!r} is none of online, offline, disabled")
        return draft.report(Kind.STATUS, about=_VENDOR)
    draft.flag("online", online, channel="" if place.which == "detect" else place.which)
    return draft.report(Kind.STATUS, online=online, about=_VENDOR)


def _review_status(message: Message, place: Place) -> Report:
    status = message.text.strip().lower()
    if status not in ("none", "detection", "alert"):
        schema(None, f"{short(status)!r} is none of NONE, DETECTION, ALERT")
    busy = status != "none"
    happening = Happening("review_status", busy, severity=status if busy else None)
    return Draft(required_device(place.device, "topic")).report(Kind.EVENT, happening=happening, about=_VENDOR)


def _attribute(_message: Message, place: Place) -> Report:
    return Report(required_device(place.device, "topic"), Kind.ATTRIBUTE, about=_VENDOR)


_ROOTS: Final = {
    "available": _available,
    "events": _event,
    "reviews": _review,
    "tracked_object_update": _tracked,
    "triggers": _trigger,
    "stats": _stats,
    "camera_activity": _activity,
}
_CAMERA: Final = {
    "count": _count,
    "active": _count,
    "motion": _motion,
    "sound": _sound,
    "level": _level,
    "status": _role,
    "review_status": _review_status,
    "attribute": _attribute,
}

_CHANGE: Final = frozenset({"type", "before", "after"})


def _change(message: Message) -> tuple[Mapping[str, Any], Mapping[str, Any], str]:
    """The message, its newest state and what changed.

    Raises:
        RefusedError: not of this outline, or it is about two cameras at once.
    """
    said = message.object
    after, before, kind = said.get("after"), said.get("before"), said.get("type")
    if not isinstance(after, dict):
        schema("after", "no object")
    if not isinstance(kind, str) or kind not in _PHASES:
        schema("type", f"{short(kind)!r} is none of {', '.join(_PHASES)}")
    if isinstance(before, dict) and before.get("camera", after.get("camera")) != after.get("camera"):
        raise RefusedError(Reason.IDENTITY_MISMATCH, "before.camera", "not the camera of after")
    return said, after, kind


def _one(zones: list[str]) -> str | None:
    return zones[0] if len(zones) == 1 else None


def _unknown(draft: Draft, where: str, said: Mapping[str, Any], known: frozenset[str]) -> None:
    for name, value in said.items():
        if name not in known:
            draft.unknown(f"{where}.{short(name)}".lstrip("."), short(value))
