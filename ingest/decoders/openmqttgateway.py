"""OpenMQTTGateway and Theengs Gateway: what a gateway hears by radio, one device per message.

Source: https://docs.openmqttgateway.com (use/ble, use/rf, use/lora, use/sensors) and the properties of the Theengs
decoder, https://decoder.theengs.io. Topics are ``{base}/{gateway}/{X}toMQTT[/{id}]``. A device is the ``id`` in the
message (a MAC address with colons), one of 433 MHz its model, channel and id; a sensor wired to the gateway is a
channel of the gateway.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.fields import ignored, kind_of, lifeline, measures_world, set_aside, take
from ingest.decoders.rtl433 import FIELDS as RTL_FIELDS
from ingest.decoders.rtl433 import device_of
from ingest.meaning.household import Field, Fields, fold, table, words
from ingest.meaning.values import amount, finite
from ingest.messages import About, Decoded, Happening, Kind, Report
from schemas.quarantine import Reason

_SUBJECT: Final = re.compile(r"([A-Za-z0-9_]{1,24})toMQTT")
_RADIO: Final = ("BT", "LORA", "433", "RTL_433", "Pilight", "GFSUN", "SRFB", "RF2", "IR", "2G", "SMS")
_MAC: Final = re.compile(r"[0-9A-Fa-f]{12}")
_NUMBERED: Final = re.compile(
    r"(tempc|tempf|hum|volt|batt|current)_?(\d{1,2}|in|out|aux|batt|load|ac|l|r|case|mid)(?:_\d)?"
)

_FIELDS: Final[Fields] = table(
    {
        "tempc": Field("temperature", "Cel"),
        "tempf": Field("temperature", "[degF]"),
        "batt": Field("battery_percent", "%"),
        "soc": Field("battery_percent", "%"),
        "volt": Field("battery_voltage", "V"),
        "lowbatt": Field("low_battery"),
        "battlow": Field("low_battery"),
        "pres": Field("pressure", "hPa"),
        "pa": Field("pressure", "Pa"),
        "hcsr501": Field("motion"),
        "moi": Field("soil_moisture", "%"),
        "fer": Field("conductivity", "uS/cm"),
        "darkness": Field("illuminance", "lx"),
        "moving": Field("vibration"),
        "lvlcm": Field("water_level", "cm"),
        "level": Field("fill_level", "%"),
        "litres": Field("meter_reading", "L"),
        "pvpower": Field("power", "W", channel="pv"),
        "accx": Field("acceleration", "m/s2", channel="x"),
        "accy": Field("acceleration", "m/s2", channel="y"),
        "accz": Field("acceleration", "m/s2", channel="z"),
        "xaxis": Field("acceleration", "m/s2", channel="x"),
        "yaxis": Field("acceleration", "m/s2", channel="y"),
        "zaxis": Field("acceleration", "m/s2", channel="z"),
        "cont": Field("contact_open"),  # of the wired contact module; of a radio device: it needs continuous scanning
    },
    without=("gas", "noise", "pressure"),  # Theengs calls that of the air "pres"; a toothbrush has another
)
_METERS: Final = {"avg kW": "power", "sum kWh": "energy", "sum m³": "meter_reading"}
"""Fields of a pulse counter, with the unit that the message gives for them (``sum`` and ``sumu``)."""
_BOOKKEEPING: Final = words(
    """
    id mac mactype advtype name brand model modelid type track acts cidc encr ctrl prmac packet packet1 packet2
    servicedata servicedatauuid manufacturerdata uuid service txpower tx mfid major minor time unixtime utctime
    timestamp cipher ctr mic seq rssi1 avgu sumu device calibrated serial version duration protocol mod freq freq1 freq2
    channel noise unit res addr pferror packetsize subtype origin hex raw receiver active delay length button
    """
)
_OF_RADIO: Final = frozenset({"volt", "pres", "distance", "power", "cont", "noise"})
_PERCENT_MAX: Final = 100.0


class OpenMqttGateway:
    """Reads what OpenMQTTGateway and Theengs Gateway publish."""

    name = "openmqttgateway"

    def recognise(self, message: Message) -> str | None:
        """By a level ``{X}toMQTT`` behind a gateway, or by what a presence topic or a gateway's version topic holds."""
        levels = message.levels
        if _subject(levels) is not None:
            return "a level of the form {X}toMQTT"
        if len(levels) > 1 and any(level in ("presence", "home_presence") for level in levels[:-1]):
            said = message.peek()
            return "presence of a Bluetooth device" if isinstance(said.get("id"), str) and "distance" in said else None
        return None

    def decode(self, message: Message) -> Decoded:
        """Read one message.

        Raises:
            RefusedError: it is not what its topic says.
        """
        levels = message.levels
        found = _subject(levels)
        if found is None:
            return Decoded([_without_subject(levels, message)])
        gateway = levels[found - 1]
        kind = levels[found][: -len("toMQTT")]
        if not gateway:
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "no gateway before {X}toMQTT")
        if not message.payload.strip() or kind in ("IR", "2G", "SMS"):
            return Decoded([ignored(gateway)])
        return Decoded([_heard(gateway, kind, [level for level in levels[found + 1 :] if level], message.object)])


def _heard(gateway: str, kind: str, tail: list[str], said: Mapping[str, Any]) -> Report:
    if kind == "SYS":
        return _system(gateway, said)
    if kind == "LORA" and said.keys() & {"hex", "message"} and not _decoded_lora(said):
        return _raw(gateway, said, tail)
    if "433" in kind and said.get("model") == "status":
        return Report(gateway, Kind.DIAGNOSTIC)
    if "433" in kind and isinstance(said.get("model"), str):
        return _by_fields(device_of(said), said, gateway, RTL_FIELDS, "")
    if kind in _RADIO:
        return _radio(gateway, kind, tail, said)
    return _by_fields(gateway, said, gateway, _FIELDS, "/".join(tail)[:64] or kind, wired=True)


def _subject(levels: list[str]) -> int | None:
    return next((n for n, level in enumerate(levels) if n and _SUBJECT.fullmatch(level)), None)


def _without_subject(levels: list[str], message: Message) -> Report:
    """Last wills, versions and presence."""
    if levels[-1] == "LWT" and len(levels) > 1 and levels[-2]:
        word = message.text.strip().lower()
        if word not in ("online", "offline"):
            schema(None, f"LWT is online or offline, not {word[:32]!r}")
        return lifeline(levels[-2], online=word == "online")
    if any(level in ("presence", "home_presence") for level in levels):
        said = message.object
        told = said.get("id")
        if not isinstance(told, str) or not told:
            schema("id", "presence of nobody")
        return _by_fields(told, said, levels[-1], _FIELDS, "")
    if levels[-1] == "version" and len(levels) > 1 and levels[-2]:
        return Report(levels[-2], Kind.DIAGNOSTIC, about=About(firmware=message.text.strip()[:64] or None))
    raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "no level of the form {X}toMQTT")


def _radio(gateway: str, kind: str, tail: list[str], said: Mapping[str, Any]) -> Report:
    told = said.get("id")
    device = told if isinstance(told, str) and told else None
    named = tail[-1] if tail and (_MAC.fullmatch(tail[-1]) or _plain(tail[-1]) != tail[-1]) else None
    if device is not None and named is not None and _plain(device) != _plain(named):
        raise RefusedError(Reason.IDENTITY_MISMATCH, "id", f"{device[:64]!r} on the topic of {named[:64]!r}")
    if device is None and named is not None:
        device = ":".join(_plain(named)[n : n + 2] for n in range(0, 12, 2)) if _MAC.fullmatch(named) else named
    if device is None:
        if kind == "BT":
            schema("id", "a Bluetooth message names no device")
        draft = Draft(gateway)  # a code of a remote control: nobody knows whose
        for key, value in said.items():
            if fold(key) not in _BOOKKEEPING:
                set_aside(draft, key, value)
        return draft.report(Kind.DIAGNOSTIC)
    return _by_fields(device, said, gateway, _FIELDS, "")


def _plain(mac: str) -> str:
    return mac.replace(":", "").replace("-", "").upper()


def _by_fields(
    device: str, said: Mapping[str, Any], gateway: str, fields: Fields, channel: str, *, wired: bool = False
) -> Report:
    draft = Draft(device[:128])
    for key, value in said.items():
        _field(draft, said, key, value, fields, channel, wired=wired)
    pressed = said.get("button", said.get("action"))
    happening = (
        Happening(f"action.{str(pressed)[:32]}")
        if isinstance(pressed, str | int) and pressed not in (False, "")
        else None
    )
    texts = {key: value[:128] for key, value in said.items() if isinstance(value, str)}
    about = About(
        vendor=texts.get("brand"),
        model=texts.get("model_id") or texts.get("model"),
        name=texts.get("name"),
        gateway=None if device == gateway else gateway,
    )
    kind = kind_of(draft)
    if happening is not None and not measures_world(draft):
        kind = Kind.EVENT
    elif kind is Kind.STATUS and (set(said) & {"batt", "volt"}):
        kind = Kind.TELEMETRY  # the device's own broadcast, not what its gateway knows of it
    return draft.report(kind, about=about, happening=happening)


def _field(
    draft: Draft, said: Mapping[str, Any], key: str, value: Any, fields: Fields, channel: str, *, wired: bool
) -> None:
    folded = fold(key)
    if folded.startswith("tempf") and folded.replace("tempf", "tempc", 1) in said:
        return  # the same again
    if folded in ("open", "contact"):
        _open(draft, key, value)
    elif fields is _FIELDS and not wired and folded in _OF_RADIO:
        _radio_field(draft, said.get("type"), key, folded, value)
    elif folded == "volt" and wired:  # of what the module is connected to
        draft.number("voltage", value, "V", channel=channel, field=key)
    elif folded == "temp":
        unit = said.get("unit")
        draft.number("temperature", value, unit if unit in ("C", "F") else "C", channel=channel, field=key)
    elif (metered := _METERS.get(f"{folded} {said.get(f'{key}u')}")) is not None:
        draft.number(metered, value, str(said[f"{key}u"]), field=key)
    elif (field := fields.get(folded)) is not None and not isinstance(value, dict | list):
        take(draft, field, value, key, channel=channel)
    elif folded not in _BOOKKEEPING and key != "action":
        numbered = _NUMBERED.fullmatch(key)
        stem = fields.get(numbered[1]) if numbered else None
        if stem is None or numbered is None:
            set_aside(draft, key, value)
        else:
            take(draft, Field(_of_channel(stem), stem.unit), value, key, channel=numbered[2])


def _radio_field(draft: Draft, kind: Any, key: str, folded: str, value: Any) -> None:
    """Names whose meaning hangs on the type of a Bluetooth device."""
    if folded == "volt":
        draft.number("voltage" if kind == "ENRG" else "battery_voltage", value, "V", field=key)
    elif folded == "pres":
        draft.number("pressure", value, "bar" if kind == "TIRE" else "hPa", field=key)
    elif folded == "distance":
        set_aside(draft, key, value, "guessed by the gateway from the strength of the signal")
    elif folded == "power" and kind in ("ENRG", "UNIQ", None):
        draft.number("power", value, "W", field=key)
    elif folded == "power":
        draft.flag("switch_on", value, field=key)


def _of_channel(field: Field) -> str:
    """Volts of an input or an output are no battery's."""
    return "voltage" if field.observed_property == "battery_voltage" else field.observed_property


def _open(draft: Draft, key: str, value: Any) -> None:
    """Of a contact a flag; of a blind the share by which it is open, in percent: above nothing it is not closed."""
    said = None if isinstance(value, bool) else amount(value)
    if said is not None and 1 < said.value <= _PERCENT_MAX:
        draft.flag("contact_open", value=True, field=key)
        set_aside(draft, key, value, "percent; above 0 it is taken as open")
    else:
        draft.flag("contact_open", value, true=("open", "opened"), false=("closed", "close"), field=key)


def _system(gateway: str, said: Mapping[str, Any]) -> Report:
    """``SYStoMQTT``: the gateway about itself."""
    draft = Draft(gateway)
    draft.number("rssi", said.get("rssi"), "dBm", field="rssi")
    draft.number("temperature", said.get("tempc"), "Cel", channel="device", field="tempc")
    version, model = said.get("version"), said.get("env")
    about = About(
        vendor="OpenMQTTGateway",
        model=model[:64] if isinstance(model, str) else None,
        firmware=version[:64] if isinstance(version, str) else None,
        uptime_s=finite(said.get("uptime")),
    )
    return draft.report(Kind.STATUS, about=about)


def _decoded_lora(said: Mapping[str, Any]) -> bool:
    return any(fold(key) in _FIELDS and fold(key) not in ("rssi", "snr") for key in said)


def _raw(gateway: str, said: Mapping[str, Any], tail: list[str]) -> Report:
    """A packet that nobody decoded: how it was heard is measured, what it says stays as it is."""
    told = said.get("id")
    device = told if isinstance(told, str) and told else tail[-1] if tail else gateway
    draft = Draft(device[:128])
    draft.number("rssi", said.get("rssi"), "dBm", field="rssi")
    draft.number("snr", said.get("snr"), "dB", field="snr")
    for key in ("hex", "message", "from", "to"):
        set_aside(draft, key, said.get(key), "no codec")
    return draft.report(Kind.UNDECODED, about=About(gateway=gateway))
