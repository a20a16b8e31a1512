"""Shelly, first generation (ESP8266): one topic for each value below ``shellies/{id}``.

Source: https://shelly-api-docs.shelly.cloud/gen1/ (MQTT sections of each device). Energies of relays and lights are in
watt-minutes, ``total`` of energy meters in Wh.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.fields import ignored, kind_of, lifeline, set_aside
from ingest.meaning.values import amount, finite
from ingest.messages import NOTHING_ABOUT, About, Decoded, Happening, Kind, Report
from schemas.quarantine import Reason

ROOT: Final = "shellies"
_ID: Final = re.compile(r"shelly[a-z0-9]+(?:-[a-z0-9]+)*-([0-9A-Fa-f]{6}|[0-9A-Fa-f]{12})")
_OUTPUTS: Final = ("relay", "light", "color", "white", "roller", "emeter")
_PRESSES: Final = {
    "S": "single",
    "SS": "double",
    "SSS": "triple",
    "L": "long",
    "SL": "single_long",
    "LS": "long_single",
}
_METERS_MAX: Final = 16
_WH_OF_WATT_MINUTE: Final = 1 / 60
_NO_SENSOR: Final = 999.0  # told for a probe that is not there or cannot be read


class _Plain(NamedTuple):
    """A number as it is published."""

    observed_property: str
    unit: str | None


_NUMBERS: Final = {
    "temperature": _Plain("temperature", "Cel"),
    "voltage": _Plain("voltage", "V"),
    "sensor/temperature": _Plain("temperature", "Cel"),
    "sensor/humidity": _Plain("humidity", "%RH"),
    "sensor/battery": _Plain("battery_percent", "%"),
    "sensor/lux": _Plain("illuminance", "lx"),
    "sensor/tilt": _Plain("tilt_angle", "deg"),
}
_FLAGS: Final = {
    "sensor/flood": "water_leak",
    "sensor/smoke": "smoke_alarm",
    "sensor/motion": "motion",
    "sensor/vibration": "vibration",
    "sensor/tamper": "tamper",
    "overtemperature": "fault",
    "overload": "fault",
}
_OF_OUTPUT: Final = {
    "power": _Plain("power", "W"),
    "voltage": _Plain("voltage", "V"),
    "current": _Plain("current", "A"),
    "reactive_power": _Plain("reactive_power", "var"),
    "pf": _Plain("power_factor", None),
    "total": _Plain("energy", "Wh"),
}
_NOTHING: Final = ("temperature_f", "sensor/act_reasons", "sensor/self_test", "info/update")


class ShellyGen1:
    """Reads the topics below ``shellies``."""

    name = "shelly-gen1"

    def recognise(self, message: Message) -> str | None:
        """By a level ``shellies`` with something under it."""
        return f"below {ROOT}" if ROOT in message.levels[:-1] else None

    def decode(self, message: Message) -> Decoded:
        """Read one message.

        Raises:
            RefusedError: it is not what its topic says.
        """
        levels = message.levels
        rest = levels[levels.index(ROOT) + 1 :] if ROOT in levels else levels
        device = rest[0] if rest else ""
        if not device:
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "no device below shellies")
        if rest[-1] in ("command", "set") or not message.payload.strip():
            return Decoded([ignored(device)])
        if rest[-1] == "announce":
            return Decoded([_announced(device if len(rest) > 1 else None, message.object)])
        if len(rest) == 1:
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "nothing below the device")
        return Decoded([_report(device, rest[1:], message)])


def _report(device: str, rest: list[str], message: Message) -> Report:
    what = "/".join(rest)
    if what == "online":
        word = message.text.strip()
        if word not in ("true", "false"):
            schema(None, f"online is true or false, not {word[:32]!r}")
        return lifeline(device, online=word == "true")
    draft = Draft(device)
    if what in ("info", "status"):
        about = _info(draft, message.object) if what == "info" else _status(draft, message.object)
        return draft.report(kind_of(draft), about=about)
    if rest[0] == "input_event":
        return _input_event(draft, rest, message.object)
    text = message.text.strip()
    if what == "sensor/alarm_state":
        return _gas(draft, text)
    _value(draft, rest, what, text, message)
    return draft.report(Kind.TELEMETRY if draft.unmapped and not draft.measurements else kind_of(draft))


def _value(draft: Draft, rest: list[str], what: str, text: str, message: Message) -> None:
    if rest[0] in _OUTPUTS:
        _output(draft, rest, what, text, message)
    elif what in _NUMBERS:
        _probe(draft, _NUMBERS[what], text, "", what)
    elif what in _FLAGS:
        draft.flag(_FLAGS[what], text, channel=what if _FLAGS[what] == "fault" else "", field=what)
    elif what == "sensor/state":
        draft.flag("contact_open", text, true=("open",), false=("close", "closed"), field=what)
    elif what == "sensor/error":
        error = amount(text)
        draft.flag("fault", None if error is None else error.value != 0, channel="error", field=what)
    elif rest[0] in ("input", "longpush") and len(rest) == 2:  # noqa: PLR2004 - input/N
        draft.flag("switch_on", text, channel=what, field=what) if rest[0] == "input" else None
    elif rest[0] == "adc" and len(rest) == 2:  # noqa: PLR2004 - adc/N
        draft.number("voltage", text, "V", channel=what, field=what)
    elif rest[0] in _EXTERNAL:
        _EXTERNAL[rest[0]](draft, rest, text, message)
    elif what not in _NOTHING:
        set_aside(draft, what, text[:256])


def _named(plain: _Plain, value: Any) -> tuple[str, Any, str | None]:
    return plain.observed_property, value, plain.unit


def _probe(draft: Draft, plain: _Plain, value: Any, channel: str, field: str) -> None:
    """A number of a sensor, which may say that it has none."""
    said = amount(value)
    if plain.observed_property == "temperature" and said is not None and said.value == _NO_SENSOR:
        set_aside(draft, field, value, "no sensor")
    else:
        draft.number(*_named(plain, value), channel=channel, field=field)


def _output(draft: Draft, rest: list[str], what: str, text: str, message: Message) -> None:
    """``relay/0``, ``relay/0/power``; ``relay/power`` where several outputs share a meter."""
    numbered = len(rest) > 1 and rest[1].isdigit()
    channel = f"{rest[0]}/{rest[1][:4]}" if numbered else rest[0]
    inner = "/".join(rest[2:] if numbered else rest[1:])
    if not inner and rest[0] != "roller":
        if text == "overpower":  # switched off by its own protection
            draft.flag("switch_on", value=False, channel=channel)
            draft.flag("fault", value=True, channel=channel)
        else:
            draft.flag("switch_on", text, channel=channel, field=what)
    elif inner in _OF_OUTPUT:
        draft.number(*_named(_OF_OUTPUT[inner], text), channel=channel, field=what)
    elif inner == "energy" and rest[0] != "emeter":
        _watt_minutes(draft, text, channel, what)
    elif inner == "energy":
        set_aside(draft, what, text[:64], "since the meter's own last report; total holds it")
    elif inner == "status" and rest[0] != "roller":
        said = message.object
        draft.flag("switch_on", said.get("ison"), channel=channel, field=f"{what}.ison")
        draft.number("power", said.get("power"), "W", channel=channel, field=f"{what}.power")
        draft.flag("fault", said.get("overpower"), channel=channel, field=f"{what}.overpower")
    elif inner != "status":
        set_aside(draft, what, text[:256])


def _watt_minutes(draft: Draft, value: Any, channel: str, field: str) -> None:
    said = amount(value)
    if said is None:
        draft.number("energy", value, "Wh", channel=channel, field=field)
    else:
        draft.number("energy", said.value * _WH_OF_WATT_MINUTE, "Wh", channel=channel, field=field)


def _gas(draft: Draft, word: str) -> Report:
    """``sensor/alarm_state`` of Shelly Gas: none, mild, heavy, test, unknown."""
    if word not in ("none", "mild", "heavy"):
        set_aside(draft, "sensor/alarm_state", word[:64], "no state of the gas")
        return draft.report(Kind.STATUS)
    active = word != "none"
    draft.flag("gas_alarm", active)
    severity = word if active else None
    return draft.report(Kind.EVENT, happening=Happening("gas_alarm", active=active, severity=severity))


def _input_event(draft: Draft, rest: list[str], said: Mapping[str, Any]) -> Report:
    """``input_event/N``: ``{"event": "S", "event_cnt": 2}``; an empty event is told after a start."""
    event = said.get("event")
    if not isinstance(event, str) or not event:
        return draft.report(Kind.DIAGNOSTIC)
    channel = f"input/{rest[1][:4]}" if len(rest) > 1 else None
    return draft.report(
        Kind.EVENT, happening=Happening(f"action.{_PRESSES.get(event, event[:32].lower())}", channel=channel)
    )


def _status(draft: Draft, said: Mapping[str, Any]) -> About:
    """``status`` of Shelly Motion; its timestamp is when it last saw something, not when it says so."""
    draft.flag("motion", said.get("motion"), field="motion")
    draft.flag("vibration", said.get("vibration"), field="vibration")
    draft.number("illuminance", said.get("lux"), "lx", field="lux")
    draft.number("battery_percent", said.get("bat"), "%", field="bat")
    inner = said.get("tmp")
    if isinstance(inner, dict) and inner.get("is_valid") is not False:
        unit = inner.get("units")
        draft.number("temperature", inner.get("value"), unit if isinstance(unit, str) else "C", field="tmp.value")
    return NOTHING_ABOUT


def _announced(device: str | None, said: Mapping[str, Any]) -> Report:
    """``announce``, of one device on its own topic or of each on the common one.

    Raises:
        RefusedError: it names no device, or another one than its topic.
    """
    told = said.get("id")
    if not isinstance(told, str) or not told:
        schema("id", "an announcement without the id of its device")
    if device is not None and told != device:
        raise RefusedError(Reason.IDENTITY_MISMATCH, "id", f"{told[:64]!r} on the topic of {device!r}")
    _check_mac(told, said.get("mac"))
    texts = {key: value[:256] for key, value in said.items() if isinstance(value, str)}
    about = About(
        vendor="Shelly",
        model=texts.get("model"),
        firmware=texts.get("fw_ver"),
        tags={"mac": texts["mac"]} if texts.get("mac") else {},
    )
    return Report(told[:128], Kind.DISCOVERY, about=about)


def _check_mac(device: str, mac: Any) -> None:
    """An id of the factory ends with digits of the address; owners may have given another."""
    match = _ID.fullmatch(device)
    if match and isinstance(mac, str) and match[1].lower() not in mac.replace(":", "").lower():
        raise RefusedError(Reason.IDENTITY_MISMATCH, "mac", f"{mac[:32]!r} on the topic of {device!r}")


def _info(draft: Draft, said: Mapping[str, Any]) -> About:
    """``info``: what ``/status`` of the device says, with the values of its other topics."""
    _check_mac(draft.device, said.get("mac"))
    wifi = said.get("wifi_sta")
    if isinstance(wifi, dict):
        draft.number("rssi", wifi.get("rssi"), "dBm", field="wifi_sta.rssi")
    for kind, channel in (("relays", "relay"), ("lights", "light")):
        for number, one in _each(said.get(kind)):
            draft.flag("switch_on", one.get("ison"), channel=f"{channel}/{number}", field=f"{kind}.ison")
    for number, one in _each(said.get("meters")):
        if one.get("is_valid") is not False:
            draft.number("power", one.get("power"), "W", channel=f"relay/{number}", field="meters.power")
            _watt_minutes(draft, one.get("total"), f"relay/{number}", "meters.total")
    for number, one in _each(said.get("emeters")):
        if one.get("is_valid") is not False:
            for key in ("power", "voltage", "current", "pf", "total"):
                draft.number(*_named(_OF_OUTPUT[key], one.get(key)), channel=f"emeter/{number}", field=f"emeters.{key}")
    update, uptime = said.get("update"), finite(said.get("uptime"))
    firmware = update.get("old_version") if isinstance(update, dict) else None
    if uptime is None and firmware is None:
        return NOTHING_ABOUT
    return About(vendor="Shelly", firmware=firmware if isinstance(firmware, str) else None, uptime_s=uptime)


def _each(value: Any) -> list[tuple[int, dict[str, Any]]]:
    found = islice(value, _METERS_MAX) if isinstance(value, list) else ()
    return [(number, one) for number, one in enumerate(found) if isinstance(one, dict)]


def _ext_number(observed_property: str, unit: str) -> Callable[[Draft, list[str], str, Message], None]:
    def take(draft: Draft, rest: list[str], text: str, message: Message) -> None:
        del message
        if len(rest) > 1:
            _probe(draft, _Plain(observed_property, unit), text, f"ext/{rest[1][:8]}", "/".join(rest))

    return take


def _ext_many(observed_property: str, key: str, unit: str) -> Callable[[Draft, list[str], str, Message], None]:
    def take(draft: Draft, rest: list[str], text: str, message: Message) -> None:
        del text
        for number, one in islice(message.object.items(), _METERS_MAX):
            if isinstance(one, dict):
                _probe(draft, _Plain(observed_property, unit), one.get(key), f"ext/{number[:8]}", f"{rest[0]}.{key}")

    return take


def _ext_switch(draft: Draft, rest: list[str], text: str, message: Message) -> None:
    del message
    if len(rest) > 1:
        draft.flag("switch_on", text, channel=f"ext/{rest[1][:8]}", field="/".join(rest))


_EXTERNAL: Final[Mapping[str, Callable[[Draft, list[str], str, Message], None]]] = {
    "ext_temperature": _ext_number("temperature", "Cel"),
    "ext_humidity": _ext_number("humidity", "%RH"),
    "ext_temperatures": _ext_many("temperature", "tC", "Cel"),
    "ext_humidities": _ext_many("humidity", "hum", "%RH"),
    "ext_switch": _ext_switch,
}
"""The add-on with sensors on a wire."""
