"""Discovery messages of Home Assistant: which entity of which device reads which topic, and how.

Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery. Both forms are read: one message for each
entity, and one for a whole device with its ``components``.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from ingest.decoders.base import schema
from ingest.decoders.ha_functions import TemplateFaultError
from ingest.decoders.ha_template import Template
from ingest.meaning.home_assistant import DEVICE, ENTITY, ORIGIN
from ingest.messages import About

COMPONENTS_MAX: Final = 256
_AVAILABILITY_MAX: Final = 8
_TOPIC_MAX: Final = 1_024
_TEXT_MAX: Final = 128
_CHANNEL_MAX: Final = 64
_NATIVE_ORIGINS: Final = ("zigbee2mqtt",)
_NATIVE: Final = re.compile(r"(?:^|/)(?:zigbee2mqtt[^/]*/|shellies/|[^/]*toMQTT(?:/|$)|(?:tele|stat)/)")


class Availability(NamedTuple):
    """A topic that says whether an entity can be reached."""

    topic: str
    online: str
    offline: str
    template: Template | None
    sole: bool  # nothing else says so
    mode: str  # all, any, latest


class Entity(NamedTuple):
    """One entity as its discovery message describes it."""

    key: str  # unique: the topic of its config, and which of its components
    component: str
    object_id: str
    device: str
    state_topic: str
    device_class: str
    unit: str | None
    words: tuple[str, str]  # what the state is when it is on (open, unlocked) and when it is off
    template: Template | None
    availability: tuple[Availability, ...]
    fault: str = ""  # why its values cannot be understood


class Config(NamedTuple):
    """A discovery message."""

    device: str
    about: About
    entities: tuple[Entity, ...]
    native: bool = False  # what it describes is read by a decoder of its own


def read_config(topic: str, component: str, object_id: str, said: Mapping[str, Any]) -> Config:
    """What a discovery message says; ``component`` and ``object_id`` are levels of its topic.

    Raises:
        RefusedError: it names no device and nothing to call one by.
    """
    config = _expanded(said, ENTITY)
    device_part = _expanded(config.get("device"), DEVICE)
    origin = _text(_expanded(config.get("origin"), ORIGIN).get("name")) or ""
    device = _identifier(device_part) or _text(config.get("unique_id")) or object_id
    if not device:
        schema("device.identifiers", "nothing by which to call the device")
    entities: list[Entity] = []
    for name, kind, one in _components(component, object_id, config):
        for suffix, inner in _split_climate(kind, one):
            entities += _entity(f"{topic}#{name}{suffix}", kind, f"{name}{suffix}", device, inner)
    native = origin.lower() in _NATIVE_ORIGINS or any(_NATIVE.search(one.state_topic) for one in entities)
    return Config(device, _about(device_part), tuple(entities), native)


def _components(component: str, object_id: str, config: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, kind and config of each component; one of a device has what it shares from around it."""
    if component != "device":
        yield object_id, component, config
        return
    parts = config.get("components")
    if not isinstance(parts, dict):
        schema("components", "a device without its components")
    shared = {key: value for key, value in config.items() if key != "components"}
    for name, part in islice(parts.items(), COMPONENTS_MAX):
        inner = _expanded(part, ENTITY)
        kind = inner.get("platform")
        if isinstance(kind, str) and len(inner) > 1:  # a platform alone takes the component away
            yield name[:_TEXT_MAX], kind, {**shared, **inner}


def _split_climate(kind: str, config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a thermostat measures, beside what it is set to."""
    if kind not in ("climate", "humidifier", "water_heater"):
        yield "", config
        return
    for what, unit in (("temperature", config.get("temperature_unit", "C")), ("humidity", "%")):
        topic = config.get(f"current_{what}_topic")
        template = config.get(f"current_{what}_template")
        if topic:
            shown = {
                "state_topic": topic,
                "value_template": template,
                "device_class": what,
                "unit_of_measurement": unit,
            }
            yield f"_{what}", {**config, **shown, "measured": True}


def _expanded(said: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """Without abbreviations, and with the base topic where ``~`` stands for it."""
    if not isinstance(said, dict):
        return {}
    out = {names.get(key, key): value for key, value in said.items()}
    base = out.pop("~", None)
    if isinstance(base, str):
        _spread(out, base)
        for one in out.get("availability") or () if isinstance(out.get("availability"), list) else ():
            if isinstance(one, dict):
                _spread(one, base)
        if isinstance(parts := out.get("components"), dict):
            out["components"] = {
                key: {"~": base, **part} if isinstance(part, dict) else part for key, part in parts.items()
            }
    return out


def _spread(config: dict[str, Any], base: str) -> None:
    for key, value in config.items():
        if isinstance(value, str) and value and (key.endswith("topic") or key == "t"):
            if value[0] == "~":
                value = base + value[1:]  # noqa: PLW2901 - both ends may have one
            if value[-1:] == "~":
                value = value[:-1] + base  # noqa: PLW2901
            config[key] = value


def _identifier(device: Mapping[str, Any]) -> str | None:
    """The first identifier; else the first connection, which is a kind and an address."""
    found = device.get("identifiers")
    first = found[0] if isinstance(found, list) and found else found
    if isinstance(first, str | int) and not isinstance(first, bool):
        return str(first)[:_TEXT_MAX] or None
    connections = device.get("connections")
    pair = connections[0] if isinstance(connections, list) and connections else None
    return _text(pair[-1]) if isinstance(pair, list) and pair else None


def _about(device: Mapping[str, Any]) -> About:
    serial, area = _text(device.get("serial_number")), _text(device.get("suggested_area"))
    return About(
        vendor=_text(device.get("manufacturer")),
        model=_text(device.get("model")) or _text(device.get("model_id")),
        name=_text(device.get("name")),
        firmware=_text(device.get("sw_version")),
        hardware=_text(device.get("hw_version")),
        gateway=_text(device.get("via_device")),
        tags={key: value for key, value in (("serial_number", serial), ("area", area)) if value},
    )


def _entity(key: str, component: str, object_id: str, device: str, config: dict[str, Any]) -> list[Entity]:
    topic = _topic(config.get("state_topic"))
    fault, template = "", None
    try:
        template = _template(config, "value_template", "state_value_template", "state_template")
    except TemplateFaultError as error:
        fault = str(error)
    if config.get("schema") == "json" and template is None and component == "light":
        template = Template("{{ value_json.state }}")
    availability = tuple(_availability(config))
    if not topic and not availability:
        return []  # buttons, scenes, notifiers: nothing is published for us
    kind = "sensor" if config.get("measured") else component
    unit = config.get("unit_of_measurement")
    return [
        Entity(
            key,
            kind,
            object_id[:_CHANNEL_MAX],
            device,
            topic,
            _text(config.get("device_class")) or "",
            unit[:_TEXT_MAX] if isinstance(unit, str) else None,
            _words(component, config),
            template,
            availability,
            fault,
        )
    ]


def _words(component: str, config: Mapping[str, Any]) -> tuple[str, str]:
    """What says on and off: ``state_on`` before ``payload_on``, as Home Assistant has it."""
    if component in ("cover", "valve"):
        pairs = (("state_open", "open"), ("state_closed", "closed"))
    elif component == "switch":
        pairs = (
            ("state_on", _plain(config.get("payload_on", "ON"))),
            ("state_off", _plain(config.get("payload_off", "OFF"))),
        )
    else:
        pairs = (("payload_on", "ON"), ("payload_off", "OFF"))
    on, off = (_plain(config.get(key, default)) for key, default in pairs)
    return on, off


def _plain(value: Any) -> str:
    return str(value)[:_TEXT_MAX] if isinstance(value, str | int | float) else ""


def _template(config: Mapping[str, Any], *keys: str) -> Template | None:
    text = next((config[key] for key in keys if config.get(key) not in (None, "")), None)
    if text is None:
        return None
    if not isinstance(text, str):
        raise TemplateFaultError("a template that is no text")
    return Template(text)


def _availability(config: Mapping[str, Any]) -> Iterator[Availability]:
    listed = config.get("availability")
    found = [_expanded(one, ENTITY) for one in islice(listed, _AVAILABILITY_MAX)] if isinstance(listed, list) else []
    if not found and config.get("availability_topic"):
        found = [
            {**config, "topic": config["availability_topic"], "value_template": config.get("availability_template")}
        ]
    mode = config.get("availability_mode", "latest")
    for one in found:
        topic = _topic(one.get("topic"))
        try:
            template = _template(one, "value_template")
        except TemplateFaultError:
            continue  # what it says cannot be understood; its values still can
        if topic:
            online = _plain(one.get("payload_available", "online"))
            offline = _plain(one.get("payload_not_available", "offline"))
            yield Availability(topic, online, offline, template, len(found) == 1, mode if isinstance(mode, str) else "")


def _topic(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= _TOPIC_MAX and not set("+#") & set(value) else ""


def _text(value: Any) -> str | None:
    return value[:_TEXT_MAX] if isinstance(value, str) and value else None
