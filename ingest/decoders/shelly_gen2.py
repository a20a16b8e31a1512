"""Shelly, second generation and later (Plus, Pro, Gen3, Gen4): component status and RPC notifications.

Source: https://shelly-api-docs.shelly.cloud/gen2/ (General/Notifications, ComponentsAndServices/Mqtt). Topics are
``{prefix}/status/{component}:{id}``, ``{prefix}/events/rpc`` and ``{prefix}/online``; the prefix is the device's id
unless its owner gave it another, which may hold ``/``.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.fields import ignored, kind_of, lifeline
from ingest.decoders.shelly_components import component, is_component
from ingest.meaning.times import epoch_s
from ingest.messages import NOTHING_ABOUT, About, Decoded, Happening, Kind, Report
from schemas.quarantine import Reason

_ID: Final = re.compile(r"shelly[a-z0-9]+-[0-9a-f]{12}", re.IGNORECASE)
_STATUS_LEVELS: Final = 3
_EVENTS_MAX: Final = 64
_SIGNS: Final = {"sys": "ram_size", "wifi": "sta_ip"}  # what only a Shelly says of itself under so plain a name
_METHODS: Final = ("NotifyStatus", "NotifyFullStatus", "NotifyEvent")


class ShellyGen2:
    """Reads what Shelly devices of the second generation publish."""

    name = "shelly-gen2"

    def recognise(self, message: Message) -> str | None:
        """By a component's status, an RPC frame, or the last will of a device with a Shelly's own id."""
        levels = message.levels
        last, before = levels[-1], levels[-2] if len(levels) > 1 else ""
        if len(levels) >= _STATUS_LEVELS and before == "status" and is_component(last):
            ours = ":" in last or "shelly" in message.topic.lower() or _SIGNS.get(last) in message.peek()
            return f"status of the component {last[:32]}" if ours else None
        if last == "rpc":
            said = message.peek()
            if before == "events":
                return "an RPC notification" if said.get("method") in _METHODS else None
            return "an RPC frame" if "src" in said and {"method", "result", "error"} & said.keys() else None
        if last in ("online", "command") and _ID.fullmatch(before):
            return f"{last} of a device with a Shelly's id"
        return "a command to a component" if before == "command" and is_component(last) and ":" in last else None

    def decode(self, message: Message) -> Decoded:
        """Read one message.

        Raises:
            RefusedError: it is not what its topic says.
        """
        levels = message.levels
        for tail in (["events", "rpc"], ["online"], ["rpc"], ["command"], ["status"]):
            if levels[-len(tail) :] == tail and len(levels) > len(tail):
                return self._tailed(_device(levels[: -len(tail)]), "/".join(tail), message)
        if len(levels) >= _STATUS_LEVELS and levels[-2] in ("status", "command"):
            device = _device(levels[:-2])
            if levels[-2] == "command" or not message.payload.strip():
                return Decoded([ignored(device)])
            draft = Draft(device)
            about = _components(draft, {levels[-1]: message.object}, whole=True)
            return Decoded([draft.report(kind_of(draft), about=about)])
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "neither status, events/rpc nor online of a Shelly device")

    def _tailed(self, device: str, what: str, message: Message) -> Decoded:
        if what in ("rpc", "command") or not message.payload.strip():
            return Decoded([ignored(device)])
        if what == "online":
            word = message.text.strip()
            if word not in ("true", "false"):
                schema(None, f"online is true or false, not {word[:32]!r}")
            return Decoded([lifeline(device, online=word == "true")])
        if what == "status":  # the answer to the command status_update
            draft = Draft(device)
            about = _components(draft, message.object, whole=True)
            return Decoded([draft.report(kind_of(draft), about=about)])
        return Decoded(_frame(device, message.object))


def _device(prefix: list[str]) -> str:
    """The id of the factory where the prefix ends with it, else the whole prefix; neither is used twice."""
    return prefix[-1] if _ID.fullmatch(prefix[-1]) else "/".join(prefix)


def _frame(device: str, said: Mapping[str, Any]) -> list[Report]:
    """One notification: ``{"src": ..., "dst": ..., "method": ..., "params": {"ts": ..., ...}}``."""
    source = said.get("src")
    if isinstance(source, str) and source.lower() != device.lower() and _ID.fullmatch(device):
        raise RefusedError(Reason.IDENTITY_MISMATCH, "src", f"{source[:64]!r} on the topic of {device!r}")
    method, params = said.get("method"), said.get("params")
    if method not in _METHODS or not isinstance(params, dict):
        schema("method" if method not in _METHODS else "params", "no notification with parameters")
    time_ms = epoch_s(params.get("ts"))
    if method == "NotifyEvent":
        return list(_events(device, params.get("events"), time_ms))
    draft = Draft(device, time_ms)
    about = _components(draft, params, whole=method == "NotifyFullStatus")
    if isinstance(source, str) and source.lower() != device.lower() and _ID.fullmatch(source):
        about = about._replace(tags={**about.tags, "shelly_id": source})
    return [draft.report(kind_of(draft), about=about)]


def _events(device: str, events: Any, time_ms: int | None) -> Iterator[Report]:
    if not isinstance(events, list) or not events:
        schema("params.events", "NotifyEvent without events")
    for event in islice(events, _EVENTS_MAX):
        what, where = (event.get("event"), event.get("component")) if isinstance(event, dict) else (None, None)
        if not isinstance(what, str) or not what or not isinstance(where, str):
            schema("params.events", "an event without its name and its component")
        when = epoch_s(event.get("ts"))
        pressed = where.startswith(("input", "bthomedevice"))
        happening = Happening(f"action.{what[:64]}" if pressed else what[:64], channel=where[:64])
        kind = Kind.EVENT if pressed or is_component(where) else Kind.DIAGNOSTIC
        if what in ("config_changed", "sleep", "ota_begin", "ota_progress", "ota_success", "scheduled_restart"):
            kind = Kind.DIAGNOSTIC
        yield Draft(device, time_ms if when is None else when).report(kind, happening=happening)


def _components(draft: Draft, said: Mapping[str, Any], *, whole: bool) -> About:
    about = NOTHING_ABOUT
    for name, status in said.items():
        if isinstance(status, dict):
            found = component(draft, name[:64], status, whole=whole)
            about = found if found is not NOTHING_ABOUT else about
    return about
