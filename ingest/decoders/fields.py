"""From a field of building automation to a measurement, or to what is set aside."""

from typing import Any, Final

from ingest.decoders.draft import Draft
from ingest.meaning.household import OWN_STATUS, Field
from ingest.meaning.values import amount
from ingest.messages import Kind, Report
from schemas.properties import PROPERTIES

_NESTED_MAX: Final = 8


def take(
    draft: Draft,
    field: Field,
    value: Any,
    name: str,
    *,
    channel: str = "",
    unit: str | None = None,
    time_ms: int | None = None,
) -> bool:
    """Make a measurement of a field; returns whether it became one.

    Args:
        draft: where it goes.
        field: what the field means.
        value: as JSON has it; None is no reading.
        name: what the device calls it, for what is set aside.
        channel: which sensor, before the channel that the field itself names.
        unit: what the device says its unit is; None: the field's.
        time_ms: when, where it is not the message's time.
    """
    both = "/".join(part for part in (channel, field.channel) if part)
    if PROPERTIES[field.observed_property].is_flag:
        return draft.flag(
            field.observed_property, value, invert=field.invert, channel=both, time_ms=time_ms, field=name
        )
    unit = unit or field.unit
    if PROPERTIES[field.observed_property].unit == "1":
        if unit == "%" and (percent := amount(value)) is not None:  # a power factor
            value = percent.value / 100
        unit = None  # "lqi", "people"
    return draft.number(field.observed_property, value, unit, channel=both, time_ms=time_ms, field=name)


def set_aside(draft: Draft, name: str, value: Any, why: str = "", depth: int = 0) -> None:
    """Keep a field that nobody knows; of an object each leaf under its dotted name, null leaves no trace."""
    if isinstance(value, dict) and value and depth < _NESTED_MAX:
        for key, inner in value.items():
            set_aside(draft, f"{name[:256]}.{key}", inner, why, depth + 1)
    elif value is not None:
        draft.unknown(name, value, why)


def measures_world(draft: Draft) -> bool:
    """Whether anything but the device's own status was measured."""
    return any(one.observed_property not in OWN_STATUS for one in draft.measurements)


def kind_of(draft: Draft) -> Kind:
    """What a message with these measurements is about: the world, the device itself, or nothing measured."""
    if measures_world(draft):
        return Kind.TELEMETRY
    return Kind.STATUS if draft.measurements else Kind.DIAGNOSTIC


def lifeline(device: str, *, online: bool) -> Report:
    """Whether a device can be reached, said by itself, its gateway or its last will."""
    draft = Draft(device)
    draft.flag("online", online)
    return draft.report(Kind.STATUS, online=online)


def ignored(device: str) -> Report:
    """A message that is rightly without effect: a command to the device, a retained message that was taken back."""
    return Report(device, Kind.IGNORED)
