"""An ONVIF event: a topic, and items of its source, its key and its data. Axis publishes the same over MQTT.

The items of source and key identify what the event is about; the data say what is so. Their names are the vendors' own
as far as ONVIF has none, so the state of an event is looked for under the names that are known to carry one.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ingest.decoders.base import schema
from ingest.decoders.camera_parts import State, names, short, tell, word
from ingest.decoders.draft import Draft
from ingest.decoders.xmltree import local
from ingest.meaning.values import flag
from ingest.messages import Happening
from schemas.camera import CameraObservation

_EVENT_TYPE_MAX: Final = 256
_STATES: Final = frozenset(
    {
        *("active", "state", "triggered", "logicalstate", "on_preset", "alarm", "detected", "motion", "tamper"),
        *("open", "failed", "critical", "disruption", "overrun"),
    }
)
_IS: Final = re.compile(r"[Ii]s[A-Z]\w*")  # IsMotion, IsInside, isSoundDetected; is_moving is no alarm
_BETWEEN: Final = re.compile(r"[,;\s]+")
_CLASSES: Final = frozenset({"classtypes", "classtype", "objecttype", "class"})
_IDS: Final = frozenset({"objectid"})
_PLATES: Final = frozenset({"platenumber", "plate", "licenseplate", "plate_number"})
_RULES: Final = frozenset({"rule", "rulename", "region", "regionname"})
_NO_CHANNEL: Final = frozenset({"videoanalyticsconfigurationtoken", "analyticsconfigurationtoken"})
_SCENARIOS: Final = "CameraApplicationPlatform"
_SCENARIO_PARTS: Final = 3
_CLASSES_MAX: Final = 16


class Items(NamedTuple):
    """The items of one event, by name."""

    source: Mapping[str, Any] = {}
    key: Mapping[str, Any] = {}
    data: Mapping[str, Any] = {}


def event_type_of(topic: Any, field: str) -> str:
    """A topic without the namespaces of its parts: ``tns1:VideoSource/MotionAlarm`` is ``VideoSource/MotionAlarm``.

    Raises:
        RefusedError: it is none.
    """
    text = word(topic, 2 * _EVENT_TYPE_MAX)
    kept = "" if text is None else "/".join(part for level in text.split("/") if (part := local(level).strip()))
    if not kept or len(kept) > _EVENT_TYPE_MAX:
        schema(field, f"{short(topic)!r} is no topic of an event")
    return kept


def read_event(
    draft: Draft, event_type: str, items: Items, operation: str | None = None
) -> tuple[Happening, list[CameraObservation]]:
    """What an event says; its flags, and data that nobody knows, go into the draft."""
    active: bool | None = None
    labels: list[str] = []
    thing: dict[str, Any] = {}
    for name, value in items.data.items():
        lower = name.lower()
        if lower in _CLASSES:
            labels = [one for name in names(value) for one in _BETWEEN.split(name) if one][:_CLASSES_MAX]
        elif lower in _IDS:
            thing["id"] = word(value)
        elif lower in _PLATES:
            thing["plate"] = word(value)
        elif lower in _STATES or _IS.fullmatch(name):
            said = flag(value)
            if said is None:
                draft.unknown(f"data.{short(name)}", short(value), "neither true nor false")
            active = said if active is None else active or bool(said)  # several: any of them
        else:
            draft.unknown(f"data.{short(name)}", short(value))
    if operation == "Deleted":
        active = False
    key = next((word(value) for name, value in items.key.items() if name.lower() in _IDS), None)
    if key is not None:
        thing.setdefault("id", key)
    channel, region = _place(event_type, items.source)
    labels = [label.lower() for label in labels]
    known = {name: value for name, value in thing.items() if value is not None}
    objects: list[dict[str, Any]] = [{"label": label, **known} for label in labels] or ([known] if known else [])
    state = State(
        event_type,
        active,
        channel or "",
        region or "",
        key=key or "",
        label=labels[0] if labels else "",
        continued=operation == "Initialized",
    )
    happening = Happening(event_type, active, channel, operation=operation, region=region, objects=objects)
    return happening, tell(draft, state)


def _place(event_type: str, source: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Channel and region that a source names; of Axis' applications the last part of the topic is the scenario."""
    channel = region = None
    for name, value in source.items():
        lower = name.lower()
        if lower in _RULES:
            region = region or word(value)
        elif channel is None and lower not in _NO_CHANNEL:
            channel = word(value)
    parts = event_type.split("/")
    if region is None and parts[0] == _SCENARIOS and len(parts) >= _SCENARIO_PARTS:
        region = parts[-1]
    return channel, region
