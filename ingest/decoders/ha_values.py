"""What the state of a Home Assistant entity measures."""

from typing import Final

import msgspec

from ingest.decoders.draft import Draft
from ingest.decoders.fields import take
from ingest.decoders.ha_discovery import Entity
from ingest.meaning.home_assistant import BINARY_SENSORS, COVERS_OF_OPENINGS, SENSORS, SWITCHES, UNITS_OF_ONE
from ingest.meaning.household import Field
from ingest.messages import Happening
from schemas.properties import PROPERTIES

NO_READING: Final = ("", "none", "null", "unknown", "unavailable", "nan", "undefined")
"""States that are no value."""

_SWITCH: Final = Field("switch_on")
_VALVE: Final = Field("valve_open")
_CONTACT: Final = Field("contact_open")


def field_of(component: str, device_class: str, unit: str | None) -> Field | None:
    """What an entity measures, by its component, its device class and its unit; None where that is not certain."""
    if component == "sensor":
        return SENSORS.get(device_class) if device_class else UNITS_OF_ONE.get(unit or "")
    if component == "binary_sensor":
        return BINARY_SENSORS.get(device_class)
    if component in SWITCHES:
        return _SWITCH
    if component == "valve":
        return _VALVE
    return _CONTACT if component == "cover" and device_class in COVERS_OF_OPENINGS else None


def meaning_of(entity: Entity) -> Field | None:
    """What an announced entity measures."""
    return field_of(entity.component, entity.device_class, entity.unit)


def measure(draft: Draft, entity: Entity, said: str, *, channel: str) -> None:
    """Make a measurement of what the template of an entity made of a message."""
    field = meaning_of(entity)
    if field is None:
        why = f"a {entity.component} of device class {entity.device_class or 'none'}"
        draft.unknown(entity.object_id, said[:256], why)
    elif PROPERTIES[field.observed_property].is_flag:
        on, off = entity.words
        if said not in (on, off):  # the words are exact in Home Assistant too
            draft.unknown(entity.object_id, said[:256], f"neither {on!r} nor {off!r}")
            return
        take(draft, field, said == on, entity.object_id, channel=channel)
    else:
        number(draft, field, said, entity.unit, entity.object_id, channel)


def number(draft: Draft, field: Field, said: str, unit: str | None, name: str, channel: str) -> None:
    """A number in the unit that the entity has; without one it is only taken where there can be but one."""
    if unit is None and field.unit is None and PROPERTIES[field.observed_property].unit != "1":
        draft.unknown(name, said[:256], "a device class without unit_of_measurement")
    else:
        take(draft, field, said, name, channel=channel, unit=unit)


def happening_of(said: str, object_id: str) -> Happening | None:
    """The state of an ``event`` entity: ``{"event_type": "press"}``."""
    try:
        found = msgspec.json.decode(said)
    except (ValueError, RecursionError):
        return None
    kind = found.get("event_type") if isinstance(found, dict) else None
    return Happening(f"action.{kind[:64]}", channel=object_id[:64]) if isinstance(kind, str) and kind else None
