"""Zigbee2MQTT 1.x and 2.x: states of devices, availability, and what the bridge says of them.

Source: https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html and the exposes of its device pages.
``{base}/{friendly name}`` carries a JSON object, or with ``output: attribute`` one topic for each attribute; a friendly
name may hold ``/``. The base topic is a level that begins with ``zigbee2mqtt``; others need a route.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.fields import ignored, lifeline, measures_world, set_aside, take
from ingest.decoders.zigbee_bridge import BRIDGE, Exposes, bridge_reports, text_of
from ingest.meaning.household import Field, Fields, fold, table
from ingest.meaning.times import epoch, rfc3339
from ingest.meaning.values import amount
from ingest.messages import NOTHING_ABOUT, About, Decoded, Happening, Kind, Report
from schemas.quarantine import Reason

_FIELDS: Final[Fields] = table(
    {
        "contact": Field("contact_open", invert=True),  # true: the two halves touch
        "carbonmonoxide": Field("gas_alarm", channel="carbon_monoxide"),  # a flag; "co" is the concentration
        "co": Field("co", "ppm"),
        "voc": Field("tvoc"),
        "localtemperature": Field("temperature", "Cel"),  # what a thermostat measures; its set points are settings
        "anglex": Field("tilt_x", "deg"),
        "angley": Field("tilt_y", "deg"),
        "anglez": Field("tilt_z", "deg"),
        "tilt": Field("tilted"),  # a flag of sensors; of a cover it is a number and its slats' own
        "liquiddepth": Field("water_level", "m"),
        "liquidlevelpercent": Field("fill_level", "%"),
        "moving": Field("vibration"),
        "distance": Field("distance", "m"),
        "flow": Field("flow", "m3/h"),
        "ec": Field("conductivity", "uS/cm"),
        "ph": Field("ph", "[pH]"),
        "peopleinside": Field("object_count", "1"),
        "people": Field("object_count", "1"),
    },
    without=("temp", "hum", "rssi", "snr", "occupied", "leak", "flood", "fault"),
)
_BOOKKEEPING: Final = frozenset(
    {
        "lastseen",
        "elapsed",
        "update",
        "updateavailable",
        "device",
        "action",
        "click",
        "state",
        "voltage",
        "batteryvoltage",
    }
)
_ENDPOINTS: Final = frozenset(
    {f"l{n}" for n in range(1, 17)}
    | {str(n) for n in range(1, 17)}
    | {f"{kind}_{n}" for kind in ("switch", "relay", "phase") for n in ("1", "2", "3", "4", "a", "b", "c")}
    | {"left", "right", "center", "top", "bottom", "main", "back", "front", "in", "out"}
)
_BATTERY_MAX_V: Final = 60.0
_MILLIVOLTS_FROM: Final = 500.0  # no Zigbee device measures a mains of that many volts, and no battery has so few mV
_NO_ACTION: Final = ("", "none", "null")


class Zigbee2Mqtt:
    """Reads what a Zigbee2MQTT bridge publishes; learns the units of exposes from ``bridge/devices``."""

    name = "zigbee2mqtt"

    def __init__(self) -> None:
        self._exposes = Exposes()

    def recognise(self, message: Message) -> str | None:
        """By a level that begins with ``zigbee2mqtt`` and has something under it."""
        found = _base(message.levels)
        return None if found is None else f"below the base topic {'/'.join(message.levels[: found + 1])}"

    def topics(self) -> tuple[str, ...]:
        """None: all that it reads is below a base topic."""
        return ()

    def learn(self, message: Message) -> None:
        """Take in a ``bridge/devices``."""
        base, rest = _split(message.levels)
        if rest == ["bridge", "devices"] and message.payload:
            self._exposes.learn(base, message.json)

    def decode(self, message: Message) -> Decoded:
        """Read one message.

        Raises:
            RefusedError: it is neither a state, nor an attribute, nor of the bridge.
        """
        base, rest = _split(message.levels)
        if not rest or not all(rest):
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "no friendly name below the base topic")
        if rest[0] == "bridge":
            if rest == ["bridge", "devices"] and message.payload:
                learned = message.topic if self._exposes.learn(base, message.json) else None
                return Decoded(bridge_reports(rest[1:], message), learned=learned)
            return Decoded(bridge_reports(rest[1:], message))
        if rest[-1] in ("set", "get") or (len(rest) > 2 and rest[-2] in ("set", "get")):  # noqa: PLR2004 - name/set/attribute
            name = rest[:-1] if rest[-1] in ("set", "get") else rest[:-2]
            return Decoded([ignored("/".join(name) or BRIDGE)])
        if rest[-1] == "availability" and len(rest) > 1:
            return Decoded([_availability("/".join(rest[:-1]), message)])
        if not message.payload.strip():  # a retained state taken back: the device was removed or renamed
            return Decoded([ignored("/".join(rest))])
        return Decoded([self._state(base, rest, message)])

    def _state(self, base: str, rest: list[str], message: Message) -> Report:
        if message.payload.lstrip()[:1] == b"{":
            name, state = "/".join(rest), message.object
        elif len(rest) > 1:
            name, state = "/".join(rest[:-1]), {rest[-1]: text_of(message)}
        else:
            schema(None, "not a JSON object, and no attribute in the topic")
        draft = Draft(name, _last_seen(state.get("last_seen")))
        about = _device(state.get("device"), name)
        _measure(draft, state, self._exposes.units(base, name))
        action = next((state[key] for key in ("action", "click") if isinstance(state.get(key), str)), "")
        happening = None if action.lower() in _NO_ACTION else Happening(f"action.{action[:128]}")
        kind = Kind.TELEMETRY if draft.measurements or draft.unmapped else Kind.DIAGNOSTIC
        if happening is not None and not measures_world(draft):
            kind = Kind.EVENT
        return draft.report(kind, happening=happening, about=about)


def _base(levels: list[str]) -> int | None:
    """Where the base topic ends; None where no level is one."""
    for index, level in enumerate(levels[:-1]):
        if level.startswith("zigbee2mqtt"):
            return index
    return None


def _split(levels: list[str]) -> tuple[str, list[str]]:
    """Base topic and what is below it; a base topic of another name, sent here by a route, is one level."""
    found = _base(levels) or 0
    return "/".join(levels[: found + 1]), levels[found + 1 :]


def _availability(device: str, message: Message) -> Report:
    said = text_of(message)
    word = said.get("state") if isinstance(said, dict) else said
    if word not in ("online", "offline"):
        schema("state", f"availability is online or offline, not {word!r}")
    return lifeline(device, online=word == "online")


def _last_seen(value: Any) -> int | None:
    return rfc3339(value) if isinstance(value, str) else epoch(value)


def _device(said: Any, name: str) -> About:
    """What ``include_device_information`` adds to a state.

    Raises:
        RefusedError: it speaks of another device than the topic.
    """
    if not isinstance(said, dict):
        return NOTHING_ABOUT
    friendly, ieee = said.get("friendlyName"), said.get("ieeeAddr")
    if isinstance(friendly, str) and friendly != name:
        raise RefusedError(Reason.IDENTITY_MISMATCH, "device.friendlyName", f"{friendly!r} on the topic of {name!r}")
    if isinstance(ieee, str) and _is_ieee(name) and ieee.lower() != name.lower():
        raise RefusedError(Reason.IDENTITY_MISMATCH, "device.ieeeAddr", f"{ieee!r} on the topic of {name!r}")
    texts = {key: value for key, value in said.items() if isinstance(value, str)}
    return About(
        vendor=texts.get("manufacturerName"),
        model=texts.get("model") or texts.get("modelID"),
        name=texts.get("friendlyName"),
        firmware=texts.get("softwareBuildID"),
        hardware=texts.get("hardwareVersion"),
    )


def _is_ieee(name: str) -> bool:
    return len(name) == 18 and name[:2].lower() == "0x"  # noqa: PLR2004 - 0x and 16 digits


def _measure(draft: Draft, state: Mapping[str, Any], units: Mapping[str, str]) -> None:
    for key, value, folded, channel in _split_endpoints(state):
        if folded == "state":
            _switch(draft, key, value, channel)
        elif folded in ("voltage", "batteryvoltage"):
            _voltage(draft, key, value, channel, state, units.get(key))
        elif folded in _BOOKKEEPING or key.startswith("action_"):
            continue
        elif folded == "illuminance" and "illuminance_lux" in state:
            continue  # before 2.0 this was the raw value of the Zigbee cluster
        elif (field := _FIELDS.get(folded)) is None or isinstance(value, dict | list):
            set_aside(draft, key, value)
        elif folded == "voc" and units.get(key) not in ("ppb", "ppm"):
            set_aside(draft, key, value, "in µg/m³, ppb or an index: bridge/devices did not say so")
        elif folded == "tilt" and not isinstance(value, bool):
            set_aside(draft, key, value, "position of a cover's slats")
        elif take(draft, field, value, key, channel=channel, unit=units.get(key)) and folded == "occupancy":
            draft.flag("motion", value, channel=channel, field=key)  # of most devices it is a PIR's, with a hold time


def _split_endpoints(state: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, str]]:
    """Each field with its folded name and the endpoint behind it: ``power_l2``, ``state_left``, ``current_phase_b``."""
    for key, value in state.items():
        folded, channel = fold(key), ""
        if folded not in _FIELDS and folded not in _BOOKKEEPING:
            parts = key.rsplit("_", 2)
            for tail in (parts[-1], "_".join(parts[-2:])):
                stem = fold(key[: -len(tail) - 1])
                if tail in _ENDPOINTS and (stem in _FIELDS or stem in ("state", "voltage")):
                    folded, channel = stem, tail
        yield key, value, folded, channel


def _switch(draft: Draft, key: str, value: Any, channel: str) -> None:
    """ON and OFF switch something; OPEN, CLOSE, LOCK and the like are the states of covers, valves and locks."""
    if isinstance(value, str) and value.upper() in ("ON", "OFF"):
        draft.flag("switch_on", value, channel=channel, field=key)
    elif value is not None:
        set_aside(draft, key, value, "state of something that is no switch")


def _voltage(draft: Draft, key: str, value: Any, channel: str, state: Mapping[str, Any], unit: str | None) -> None:
    """Of a battery in mV, of the mains in V; where the exposes did not say so, by size and company."""
    said = amount(value)
    unit = unit if unit in ("V", "mV") else "mV" if said is not None and said.value >= _MILLIVOLTS_FROM else "V"
    volts = None if said is None else said.value / 1000 if unit == "mV" else said.value
    powered = "battery" in state or "battery_low" in state
    battery = (
        unit == "mV" or fold(key) == "batteryvoltage" or (powered and volts is not None and volts <= _BATTERY_MAX_V)
    )
    draft.number("battery_voltage" if battery else "voltage", value, unit, channel=channel, field=key)
