"""Home Assistant: devices that announce themselves by MQTT discovery, and the statestream of an installation.

Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery and .../mqtt_statestream/. Discovery topics are
``homeassistant/{component}/[{node}/]{object}/config``; from then on a message is recognised by its topic being one that
was announced. A statestream has ``homeassistant/{domain}/{object}/{attribute}``. Both may have levels before them.
"""

from collections.abc import Iterable
from typing import Final

from ingest.decoders.base import Message, RefusedError
from ingest.decoders.draft import Draft
from ingest.decoders.fields import ignored, kind_of, lifeline
from ingest.decoders.ha_discovery import Availability, Config, Entity, read_config
from ingest.decoders.ha_functions import UNDEFINED, TemplateFaultError
from ingest.decoders.ha_statestream import Statestream
from ingest.decoders.ha_values import NO_READING, happening_of, meaning_of, measure
from ingest.meaning.home_assistant import COMPONENTS
from ingest.messages import Decoded, Happening, Kind, Report, Unmapped
from schemas.quarantine import Reason

ROOT: Final = "homeassistant"
ENTITIES_MAX: Final = 20_000
"""Entities kept in memory; one more is announced to people and not learned."""
_CONFIG_LEVELS: Final = (3, 4)  # component[/node]/object/config


class HomeAssistant:
    """Reads announced topics and statestreams; learns from discovery messages and from units of a statestream."""

    name = "home-assistant"

    def __init__(self) -> None:
        self._configs: dict[str, Config] = {}
        self._count = 0
        self._states: dict[str, dict[str, Entity]] = {}
        self._availabilities: dict[str, dict[str, Entity]] = {}
        self._alike: dict[tuple[str, str], int] = {}
        """How many entities of a device measure one property: one alone needs no channel."""
        self._stream = Statestream()

    def topics(self) -> list[str]:
        """Topics of states and availabilities that were announced, to be subscribed to."""
        return sorted(self._states.keys() | self._availabilities.keys())

    def recognise(self, message: Message) -> str | None:
        """By an announced topic, or by one of discovery or of a statestream."""
        topic = message.topic
        if topic in self._states:
            return "state topic announced by discovery"
        if topic in self._availabilities:
            return "availability topic announced by discovery"
        rest = _below(message.levels)
        if not rest:
            return None
        if _is_config(rest):
            return f"discovery of a {rest[0]}"
        if rest == ["status"]:
            return "birth and last will of Home Assistant"
        return f"statestream of {rest[0][:32]}.{rest[1][:64]}" if len(rest) == 3 else None  # noqa: PLR2004

    def learn(self, message: Message) -> None:
        """Take in a discovery message, or an attribute of a statestream that says how to read its states."""
        rest = _below(message.levels)
        if _is_config(rest):
            self._learn_config(message, rest)
        elif len(rest) == 3:  # noqa: PLR2004 - domain, object, attribute
            self._stream.learn(rest, message)

    def decode(self, message: Message) -> Decoded:
        """Read one message.

        Raises:
            RefusedError: it is neither of discovery nor of a statestream, and nobody announced its topic.
        """
        entities, availabilities = self._states.get(message.topic), self._availabilities.get(message.topic)
        if entities is not None or availabilities is not None:
            return Decoded([*self._announced(entities or {}, message), *self._reached(availabilities or {}, message)])
        rest = _below(message.levels)
        if _is_config(rest):
            return self._learn_config(message, rest)
        if rest == ["status"]:
            word = message.text.strip().lower()
            return Decoded(
                [lifeline(ROOT, online=word == "online") if word in ("online", "offline") else ignored(ROOT)]
            )
        if len(rest) == 3:  # noqa: PLR2004 - domain, object, attribute
            return self._stream.decode(rest, message)
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", "no discovery, no statestream, and announced by nobody")

    # ------------------------------------------------------------------------------------------------------ discovery

    def _learn_config(self, message: Message, rest: list[str]) -> Decoded:
        topic = message.topic
        if not message.payload.strip():  # taken back
            gone = self._forget(topic)
            return Decoded([ignored(gone.device if gone else rest[-2])], learned=topic)
        config = read_config(topic, rest[0], rest[-2], message.object)
        old = self._forget(topic)
        report = Report(config.device, Kind.DISCOVERY, about=config.about, unmapped=_faults(config))
        if config.native:  # read by its own decoder, under the name it has there
            return Decoded([report._replace(kind=Kind.DIAGNOSTIC)], learned=topic if old else None)
        if self._count + len(config.entities) > ENTITIES_MAX:
            full = Unmapped("config", None, f"more than {ENTITIES_MAX} entities: not learned")
            return Decoded([report._replace(unmapped=[*report.unmapped, full])])
        self._remember(topic, config)
        return Decoded([report], learned=topic)

    def _remember(self, topic: str, config: Config) -> None:
        self._configs[topic] = config
        self._count += len(config.entities)
        for entity in config.entities:
            if entity.state_topic:
                self._states.setdefault(entity.state_topic, {})[entity.key] = entity
            for one in entity.availability:
                self._availabilities.setdefault(one.topic, {})[entity.key] = entity
            if (field := meaning_of(entity)) is not None:
                alike = (entity.device, field.observed_property)
                self._alike[alike] = self._alike.get(alike, 0) + 1

    def _forget(self, topic: str) -> Config | None:
        config = self._configs.pop(topic, None)
        for entity in config.entities if config else ():
            self._count -= 1
            _drop(self._states, [entity.state_topic], entity.key)
            _drop(self._availabilities, [one.topic for one in entity.availability], entity.key)
            if (field := meaning_of(entity)) is not None:
                alike = (entity.device, field.observed_property)
                self._alike[alike] -= 1
                if not self._alike[alike]:
                    del self._alike[alike]
        return config

    # --------------------------------------------------------------------------------------------------------- states

    def _announced(self, entities: dict[str, Entity], message: Message) -> list[Report]:
        """A report for each device that reads this topic."""
        if not entities:
            return []
        if not message.payload.strip():
            return [ignored(next(iter(entities.values())).device)]
        value, value_json = message.text, _json_of(message)
        drafts: dict[str, Draft] = {}
        happenings: dict[str, Happening] = {}
        for entity in entities.values():
            draft = drafts.setdefault(entity.device, Draft(entity.device))
            if entity.fault:
                draft.unknown(entity.object_id, value[:256], entity.fault)
                continue
            try:
                said = value.strip() if entity.template is None else entity.template.render(value, value_json)
            except TemplateFaultError as fault:
                draft.unknown(entity.object_id, value[:256], str(fault))
                continue
            if entity.component == "event":
                if (happening := happening_of(said, entity.object_id)) is not None:
                    happenings[entity.device] = happening
            elif said.lower() not in NO_READING:
                field = meaning_of(entity)
                alone = field is None or self._alike.get((entity.device, field.observed_property), 0) <= 1
                measure(draft, entity, said, channel="" if alone else entity.object_id)
        return [_state_report(draft, happenings.get(device)) for device, draft in drafts.items()]

    def _reached(self, entities: dict[str, Entity], message: Message) -> list[Report]:
        devices: dict[str, bool | None] = {}
        for entity in entities.values():
            for one in entity.availability:
                if one.topic == message.topic:
                    said = _reachable(one, message)
                    if said is not None or entity.device not in devices:
                        devices[entity.device] = said
        return [_reach_report(device, online) for device, online in devices.items()]


def _below(levels: list[str]) -> list[str]:
    """The levels below the discovery prefix."""
    return levels[levels.index(ROOT) + 1 :] if ROOT in levels else []


def _is_config(rest: list[str]) -> bool:
    return len(rest) in _CONFIG_LEVELS and rest[-1] == "config" and rest[0] in COMPONENTS


def _drop(index: dict[str, dict[str, Entity]], topics: Iterable[str], key: str) -> None:
    for topic in topics:
        found = index.get(topic)
        if found is not None:
            found.pop(key, None)
            if not found:
                del index[topic]


def _faults(config: Config) -> list[Unmapped]:
    return [Unmapped(entity.object_id, None, entity.fault) for entity in config.entities if entity.fault]


def _json_of(message: Message) -> object:
    try:
        return message.json
    except RefusedError:
        return UNDEFINED


def _state_report(draft: Draft, happening: Happening | None) -> Report:
    kind = kind_of(draft)
    if happening is not None and not draft.measurements:
        kind = Kind.EVENT
    elif kind is not Kind.TELEMETRY:
        kind = Kind.TELEMETRY if draft.measurements or draft.unmapped else Kind.DIAGNOSTIC
    online = next((bool(one.value) for one in draft.measurements if one.observed_property == "online"), None)
    return draft.report(kind, happening=happening, online=online)


def _reachable(one: Availability, message: Message) -> bool | None:
    """Whether this message alone says that an entity can be reached; None: others must agree, or it says neither."""
    try:
        value = message.text
        said = value.strip() if one.template is None else one.template.render(value, _json_of(message))
    except TemplateFaultError:
        return None
    if said == one.online:
        return True if one.sole or one.mode != "all" else None
    if said == one.offline:
        return False if one.sole or one.mode != "any" else None
    return None


def _reach_report(device: str, online: bool | None) -> Report:  # noqa: FBT001 - three answers
    return Report(device, Kind.STATUS) if online is None else lifeline(device, online=online)
