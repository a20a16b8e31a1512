"""The statestream of a Home Assistant: the state and the attributes of every entity, each on a topic of its own."""

from typing import Final

from ingest.decoders.base import Message, RefusedError
from ingest.decoders.draft import Draft
from ingest.decoders.fields import ignored, kind_of, lifeline, take
from ingest.decoders.ha_values import NO_READING, field_of, number
from ingest.meaning.home_assistant import UNITS_OF_ONE
from ingest.messages import NOTHING_ABOUT, About, Decoded, Kind, Report
from schemas.properties import PROPERTIES

ENTITIES_MAX: Final = 20_000
"""Entities whose unit and class are remembered; states of further ones are kept as unmapped."""
_LEARNED: Final = ("unit_of_measurement", "device_class")
_TEXT_MAX: Final = 64


class Statestream:
    """Reads ``{domain}/{object}/{attribute}``; learns units and device classes."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def learn(self, rest: list[str], message: Message) -> bool:
        """Take in an attribute that says how to read the state; whether it is one, and there was room for it."""
        entity, attribute = f"{rest[0]}.{rest[1]}", rest[2]
        if attribute not in _LEARNED:
            return False
        value = _text(message)
        if value is None:
            self._known.get(entity, {}).pop(attribute, None)
        elif entity in self._known or len(self._known) < ENTITIES_MAX:
            self._known.setdefault(entity, {})[attribute] = value
        else:
            return False
        return True

    def decode(self, rest: list[str], message: Message) -> Decoded:
        """Read one topic of a statestream."""
        entity, attribute = f"{rest[0]}.{rest[1]}", rest[2]
        if not message.payload.strip():
            return Decoded([ignored(entity)], learned=message.topic if self.learn(rest, message) else None)
        if attribute != "state":
            learned = message.topic if self.learn(rest, message) else None
            name = _text(message) if attribute == "friendly_name" else None
            return Decoded(
                [Report(entity, Kind.ATTRIBUTE, about=About(name=name) if name else NOTHING_ABOUT)], learned=learned
            )
        return Decoded([self._state(entity, rest[0], message.text.strip())])

    def _state(self, entity: str, domain: str, said: str) -> Report:
        if said == "unavailable":
            return lifeline(entity, online=False)
        draft = Draft(entity)
        if said.lower() in NO_READING:
            return draft.report(Kind.DIAGNOSTIC)
        known = self._known.get(entity, {})
        unit = known.get("unit_of_measurement")
        field = field_of(domain, known.get("device_class", ""), unit)
        if field is None and domain == "sensor":
            field = UNITS_OF_ONE.get(unit or "")
        if field is None:
            draft.unknown("state", said[:256], "neither unit nor device class was heard" if domain == "sensor" else "")
            return draft.report(Kind.TELEMETRY)
        if PROPERTIES[field.observed_property].is_flag:
            word = {"open": "on", "closed": "off"}.get(said, said)
            take(draft, field, word if word in ("on", "off") else f"{said[:64]} ", "state")
        else:
            number(draft, field, said, unit, "state", "")
        return draft.report(kind_of(draft) if draft.measurements else Kind.TELEMETRY)


def _text(message: Message) -> str | None:
    """An attribute, which is JSON: ``"°C"`` with its quotes."""
    try:
        found = message.json
    except RefusedError:
        found = message.payload.decode(errors="replace").strip()
    return found[:_TEXT_MAX] if isinstance(found, str) and found else None
