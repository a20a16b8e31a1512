"""What the bridge of Zigbee2MQTT says of itself and of its devices."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.fields import ignored, lifeline
from ingest.meaning.values import finite
from ingest.messages import About, Happening, Kind, Report

BRIDGE: Final = "bridge"
"""The device that the bridge itself is."""
BASES_MAX: Final = 64
"""Bridges whose units are remembered; devices of further ones are read without."""
_DEVICES_MAX: Final = 2_000
_EXPOSES_MAX: Final = 256
_UNIT_MAX: Final = 16
_NESTED_MAX: Final = 4
_NO_UNITS: Final[Mapping[str, str]] = MappingProxyType({})


class Exposes:
    """Units of the exposed properties, for each device of each bridge; what is beyond the bounds goes without units."""

    def __init__(self) -> None:
        self._bases: dict[str, dict[str, dict[str, str]]] = {}

    def learn(self, base: str, devices: Any) -> bool:
        """Replace what is known of the devices of one bridge; whether there was room for it."""
        known: dict[str, dict[str, str]] = {}
        for device in _devices(devices):
            definition = device.get("definition")
            units = (
                dict(islice(_units(definition.get("exposes"), 0), _EXPOSES_MAX)) if isinstance(definition, dict) else {}
            )
            if units:
                known[device["friendly_name"]] = units
        if base not in self._bases and len(self._bases) >= BASES_MAX:
            return False
        self._bases[base] = known
        return True

    def units(self, base: str, name: str) -> Mapping[str, str]:
        """Property to unit of a device, as its definition has them; empty for a device not heard of."""
        return self._bases.get(base, {}).get(name, _NO_UNITS)


def text_of(message: Message) -> Any:
    """The payload as JSON where it is some, as text otherwise: ``online``, ``21.5``, ``{"state": "online"}``.

    Raises:
        RefusedError: it is neither.
    """
    try:
        return message.json
    except RefusedError:
        return message.text.strip()


def bridge_reports(rest: list[str], message: Message) -> list[Report]:
    """Reports on a message below ``{base}/bridge``; ``rest`` are the levels below that.

    Raises:
        RefusedError: it is not what its topic says.
    """
    what = rest[0] if rest else ""
    if what in ("request", "response") or not message.payload.strip():
        return [ignored(BRIDGE)]
    read = _READERS.get(what)
    if read is None:  # logging, log, groups, extensions, definitions, converters, config
        return [Report(BRIDGE, Kind.DIAGNOSTIC)]
    return read(message)


def _state(message: Message) -> list[Report]:
    said = text_of(message)
    word = said.get("state") if isinstance(said, dict) else said
    if word not in ("online", "offline"):
        schema("state", f"the bridge is online or offline, not {word!r}")
    return [lifeline(BRIDGE, online=word == "online")]


def _list(message: Message) -> list[Report]:
    return [Report(BRIDGE, Kind.DISCOVERY), *(_discovered(device) for device in _devices(message.json))]


def _health(message: Message) -> list[Report]:
    process = message.object.get("process")
    uptime = finite(process.get("uptime_sec")) if isinstance(process, dict) else None
    return [Report(BRIDGE, Kind.DIAGNOSTIC, about=About(uptime_s=uptime))]


def _info(message: Message) -> list[Report]:
    said = message.object
    coordinator = said.get("coordinator")
    kind = coordinator.get("type") if isinstance(coordinator, dict) else None
    return [Report(BRIDGE, Kind.DIAGNOSTIC, about=About(model=_text(kind), firmware=_text(said.get("version"))))]


def _devices(said: Any) -> Iterator[dict[str, Any]]:
    """Those of ``bridge/devices`` that have a name, without the coordinator.

    Raises:
        RefusedError: it is no array.
    """
    if not isinstance(said, list):
        schema(None, "bridge/devices is no array")
    for device in islice(said, _DEVICES_MAX):
        named = isinstance(device, dict) and isinstance(device.get("friendly_name"), str) and device["friendly_name"]
        if named and device.get("type") != "Coordinator":
            yield device


def _discovered(device: Mapping[str, Any]) -> Report:
    definition = device.get("definition")
    known: Mapping[str, Any] = definition if isinstance(definition, dict) else {}
    ieee = _text(device.get("ieee_address"))
    about = About(
        vendor=_text(known.get("vendor")) or _text(device.get("manufacturer")),
        model=_text(known.get("model")) or _text(device.get("model_id")),
        name=device["friendly_name"],
        firmware=_text(device.get("software_build_id")),
        gateway=BRIDGE,
        tags={"ieee_address": ieee} if ieee else {},
    )
    return Report(device["friendly_name"][:128], Kind.DISCOVERY, about=about)


def _event(message: Message) -> list[Report]:
    """``device_joined``, ``device_announce``, ``device_interview``, ``device_leave``."""
    said = message.object
    data = said.get("data")
    about: Mapping[str, Any] = data if isinstance(data, dict) else {}
    what = _text(said.get("type"))
    if what is None:
        schema("type", "an event of the bridge without its type")
    device = _text(about.get("friendly_name")) or _text(about.get("ieee_address")) or BRIDGE
    happening = Happening(f"zigbee.{what[:128]}")
    if what == "device_leave":
        return [Draft(device).report(Kind.EVENT, happening=happening)]
    return [Draft(device).report(Kind.JOIN, happening=happening, about=About(gateway=BRIDGE))]


def _units(exposes: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Property and unit of exposes; those of lights and covers have theirs under ``features``."""
    if not isinstance(exposes, list) or depth > _NESTED_MAX:
        return
    for expose in islice(exposes, _EXPOSES_MAX):
        if isinstance(expose, dict):
            named, unit = expose.get("property"), expose.get("unit")
            if isinstance(named, str) and isinstance(unit, str) and len(unit) <= _UNIT_MAX:
                yield named, unit
            yield from _units(expose.get("features"), depth + 1)


def _text(value: Any) -> str | None:
    return value[:128] if isinstance(value, str) and value else None


_READERS: Final[Mapping[str, Callable[[Message], list[Report]]]] = {
    "state": _state,
    "devices": _list,
    "event": _event,
    "info": _info,
    "health": _health,
}
