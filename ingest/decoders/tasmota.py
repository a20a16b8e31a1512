"""Tasmota, version 6 to 15: telemetry, states, last wills and the start-up and discovery messages.

Source: https://tasmota.github.io/docs/MQTT/, the pages of its peripherals, and the firmware's JSON responses.
A topic holds one of the prefixes ``tele``, ``stat`` and ``cmnd`` in whatever place FullTopic gives it; the last level
says what the message is, all others together are the device. Times are the device's local time without a zone: the
route's ``timezone`` makes them instants, without it they are not used.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.fields import ignored, kind_of, lifeline, set_aside
from ingest.decoders.tasmota_sensors import sensors
from ingest.decoders.tasmota_zigbee import bridged
from ingest.meaning.times import epoch, local
from ingest.meaning.values import finite
from ingest.messages import NOTHING_ABOUT, About, Decoded, Happening, Kind, Numbering, Report
from schemas.quarantine import Reason

_PREFIXES: Final = ("tele", "stat", "cmnd")
_SUBJECT: Final = re.compile(
    r"SENSOR\d*|STATE|STATUS\d{0,2}|RESULT|POWER\d{0,2}|LWT|INFO\d?|UPTIME|HASS_STATE|BLE|ENERGY|MARGINS|LOGGING|EVENT|BUTTON\d*"
    r"|SWITCH\d*|WAKEUP|TIMERS?\d*|RSL|UPGRADE|WARNING|DISPLAY|RFRECEIVED|IRRECEIVED"
)
_POWER: Final = re.compile(r"POWER\d{0,2}")
_BUTTON: Final = re.compile(r"(?:Button|Switch)\d{1,2}")
_UPTIME: Final = re.compile(r"(\d{1,6})[T ](\d{2}):(\d{2}):(\d{2})")
_MAC: Final = re.compile(r"[0-9A-Fa-f]{12}")
_BOOTS_MAX: Final = 2**31
_DISCOVERY_LEVELS: Final = 4  # tasmota/discovery/{mac}/config


class Tasmota:
    """Reads what Tasmota devices publish."""

    name = "tasmota"

    def recognise(self, message: Message) -> str | None:
        """By a prefix level and what Tasmota calls its messages, or by its discovery topic."""
        levels = message.levels
        if _is_discovery(levels):
            return "below tasmota/discovery"
        prefix = _prefix(levels)
        if prefix is None:
            return None
        if levels[prefix] == "cmnd" or _SUBJECT.fullmatch(levels[-1]):
            return f"level {levels[prefix]} and {levels[-1][:32]} as Tasmota has them"
        return None

    def decode(self, message: Message) -> Decoded:
        """Read one message.

        Raises:
            RefusedError: it is not what its topic says.
        """
        levels = message.levels
        if _is_discovery(levels):
            return Decoded([_discovery(message)])
        prefix = _prefix(levels)
        if prefix is None:
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "none of tele, stat and cmnd is a level of the topic")
        device = "/".join([*levels[:prefix], *levels[prefix + 1 : -1]])
        if not device:
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "no device beside the prefix and the last level")
        subject = levels[-1]
        if levels[prefix] == "cmnd" or not message.payload.strip():
            return Decoded([ignored(device)])
        if subject == "LWT":
            return Decoded([_will(device, message.text.strip())])
        if _POWER.fullmatch(subject):
            draft = Draft(device)
            draft.flag("switch_on", message.text.strip(), channel=subject, field=subject)
            return Decoded([draft.report(kind_of(draft))])
        if message.payload.lstrip()[:1] != b"{":
            if subject in ("SENSOR", "STATE"):
                schema(None, f"{subject} is a JSON object")
            return Decoded([Report(device, Kind.DIAGNOSTIC)])  # answers of single commands are text
        return Decoded(_reports(device, subject, message))


def _is_discovery(levels: list[str]) -> bool:
    return len(levels) >= _DISCOVERY_LEVELS and levels[-4:-2] == ["tasmota", "discovery"]


def _prefix(levels: list[str]) -> int | None:
    return next((index for index, level in enumerate(levels[:-1]) if level in _PREFIXES), None)


def _will(device: str, word: str) -> Report:
    if word.lower() not in ("online", "offline"):
        schema(None, f"LWT is Online or Offline, not {word[:32]!r}")
    return lifeline(device, online=word.lower() == "online")


def _reports(device: str, subject: str, message: Message) -> list[Report]:
    """What a JSON message of a device says, with reports of their own for the devices behind its radio bridges."""
    said = message.object
    draft = Draft(device, _time(said, message))
    about = NOTHING_ABOUT
    happening: Happening | None = None
    if subject.startswith("SENSOR"):
        sensors(draft, said)
    elif subject.startswith("STATUS"):
        about = _status(draft, device, said, message)
    elif subject.startswith("INFO"):
        return [Report(device, Kind.BIRTH, about=_info(said), numbering=_boots(said))]
    elif subject == "HASS_STATE":
        draft.number("rssi", said.get("Signal (dBm)"), "dBm", field="Signal (dBm)")
        about = _info(said)._replace(uptime_s=_uptime(said))
    elif subject in ("STATE", "UPTIME"):
        _state(draft, said)
        about = About(uptime_s=_uptime(said))
    else:
        _state(draft, said)
        happening = _pressed(said)
    behind = bridged(device, said, draft.time_ms)
    kind = Kind.EVENT if happening is not None and not draft.measurements else kind_of(draft)
    return [draft.report(kind, about=about, happening=happening), *behind]


def _time(said: Mapping[str, Any], message: Message) -> int | None:
    """``Epoch`` where the device was told to add it, else its local ``Time``."""
    if (known := epoch(said.get("Epoch"))) is not None:
        return known
    zone, text = message.options.timezone, said.get("Time")
    return local(text, zone, message.arrived_ms if zone is not None else 0)


def _status(draft: Draft, device: str, said: Mapping[str, Any], message: Message) -> About:
    """The answers of the command Status, alone (STATUS8) or all in one (STATUS0)."""
    parts = {key: part for key, part in said.items() if isinstance(part, dict)}
    general = parts.get("Status", {})
    topic = general.get("Topic")
    if isinstance(topic, str) and f"/{topic}/" not in f"/{device}/":
        raise RefusedError(Reason.IDENTITY_MISMATCH, "Status.Topic", f"{topic[:64]!r} on the topic of {device!r}")
    measured = parts.get("StatusSNS") or parts.get("StatusSTS") or {}
    draft.time_ms = _time(measured, message)
    sensors(draft, parts.get("StatusSNS", {}))
    _state(draft, parts.get("StatusSTS", {}))
    firmware, parameters, net = (parts.get(f"Status{key}", {}) for key in ("FWR", "PRM", "NET"))
    tags = {"restart_reason": _text(parameters.get("RestartReason")), "mac": _text(net.get("Mac"))}
    return About(
        name=_text(general.get("DeviceName")) or _text(_first(general.get("FriendlyName"))),
        firmware=_text(firmware.get("Version")),
        hardware=_text(firmware.get("Hardware")),
        uptime_s=_uptime(parts.get("StatusSTS", {})) or _uptime(parameters),
        tags={key: value for key, value in tags.items() if value},
    )


def _state(draft: Draft, said: Mapping[str, Any]) -> None:
    """Relays and radio; dimmers and colours are set, not measured."""
    for key, value in said.items():
        if _POWER.fullmatch(key):
            draft.flag("switch_on", value, channel=key, field=key)
        elif _BUTTON.fullmatch(key) and isinstance(value, dict) and value.get("Action") in ("ON", "OFF"):
            draft.flag("switch_on", value["Action"], channel=key, field=key)
        elif key in ("Dimmer", "CT", "Color", "HSBColor", "Vcc") or key.startswith("Shutter"):
            set_aside(draft, key, value)
    wifi = said.get("Wifi")
    if isinstance(wifi, dict):  # its RSSI is a percentage; Signal came with version 7
        draft.number("rssi", wifi.get("Signal"), "dBm", field="Wifi.Signal")


def _pressed(said: Mapping[str, Any]) -> Happening | None:
    """``{"Button1": {"Action": "SINGLE"}}``."""
    for key, value in said.items():
        action = value.get("Action") if isinstance(value, dict) else None
        if _BUTTON.fullmatch(key) and isinstance(action, str) and action not in ("", "ON", "OFF"):
            return Happening(f"action.{action[:64].lower()}", channel=key)
    return None


def _info(said: Mapping[str, Any]) -> About:
    """INFO1 to 3, published once after a start; since version 11 under ``Info1`` and so on."""
    inner = next((part for key, part in said.items() if key.startswith("Info") and isinstance(part, dict)), said)
    reason = inner.get("RestartReason")
    if isinstance(reason, dict):  # ESP8266: {"Exception": ..., "Reason": "..."}
        reason = reason.get("Reason")
    found = _text(reason)
    return About(
        model=_text(inner.get("Module")),
        firmware=_text(inner.get("Version")),
        tags={"restart_reason": found} if found else {},
    )


def _boots(said: Mapping[str, Any]) -> Numbering | None:
    """INFO3 counts the starts: each is a new epoch."""
    inner = said.get("Info3")
    count = finite((inner if isinstance(inner, dict) else said).get("BootCount"))
    return None if count is None or not 0 <= count < _BOOTS_MAX else Numbering(0, epoch=str(int(count)))


def _uptime(said: Mapping[str, Any]) -> float | None:
    seconds = finite(said.get("UptimeSec"))
    if seconds is not None and seconds >= 0:
        return seconds
    text = said.get("Uptime")
    match = _UPTIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    days, hours, minutes, rest = (int(part) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)


def _discovery(message: Message) -> Report:
    """``tasmota/discovery/{mac}/config``: how the device forms its topics, and so what it is called here."""
    mac, what = message.levels[-2:]
    if not _MAC.fullmatch(mac):
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", f"{mac[:32]!r} is no MAC address of 12 digits")
    if not message.payload.strip():
        return ignored(mac)
    said = message.object
    if what != "config":  # sensors: the outline of its SENSOR messages, which say it again with values of now
        return Report(mac, Kind.DIAGNOSTIC)
    told = _text(said.get("mac"))
    if told is not None and told.replace(":", "").lower() != mac.lower():
        raise RefusedError(Reason.IDENTITY_MISMATCH, "mac", f"{told[:32]!r} on the topic of {mac}")
    topic, full = _text(said.get("t")), _text(said.get("ft"))
    if topic is None or full is None:
        schema("t" if topic is None else "ft", "a discovery message without the topic of its device")
    for name, value in (("topic", topic), ("hostname", _text(said.get("hn")) or ""), ("id", mac[-6:].upper())):
        full = full.replace(f"%{name}%", value)
    device = "/".join(level for level in full.split("/") if level and level != "%prefix%")
    about = About(
        vendor="Tasmota",
        model=_text(said.get("md")),
        name=_text(said.get("dn")),
        firmware=_text(said.get("sw")),
        tags={"mac": mac},
    )
    return Report(device or topic, Kind.DISCOVERY, about=about)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _text(value: Any) -> str | None:
    return value[:256] if isinstance(value, str) and value else None
