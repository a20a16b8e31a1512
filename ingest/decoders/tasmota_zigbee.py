"""Devices that a Tasmota device hears by radio and speaks for: its Zigbee bridge, its LoRaWAN bridge."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from ingest.decoders.draft import Draft
from ingest.decoders.fields import kind_of, measures_world, set_aside, take
from ingest.meaning.household import Field, Fields, fold, table, words
from ingest.messages import About, Happening, Kind, Report

BRIDGES: Final = ("ZbReceived", "ZigbeeReceived", "ZbInfo", "LwReceived", "LwInfo")
"""Keys under which the devices behind a bridge stand, each under its short address or its name."""
_DEVICES_MAX: Final = 256

_ZIGBEE: Final[Fields] = table(
    {
        "contact": Field("contact_open"),  # the alarm bit of the zone: set when it is open
        "water": Field("water_leak"),
        "fire": Field("smoke_alarm"),
        "pir": Field("motion"),
        "rmsvoltage": Field("voltage", "V"),
        "rmscurrent": Field("current", "A"),
        "power": Field("switch_on"),  # the OnOff cluster
    },
    without=("temp", "hum", "energy", "fault"),
)
_LORA: Final[Fields] = table(
    {"dooropen": Field("contact_open"), "battery": Field("battery_voltage", "V")}, without=("temp", "hum", "fault")
)
_BOOKKEEPING: Final = words(
    """
    device name endpoint group ieeeaddr modelid manufacturer node cluster lastseen lastseenepoch lastmessageutc
    batterylastseenepoch reachable config click action
    """
)


def bridged(gateway: str, said: Mapping[str, Any], time_ms: int | None) -> Iterator[Report]:
    """A report for each device that a message of its bridge speaks of."""
    for key in BRIDGES:
        devices = said.get(key)
        if isinstance(devices, dict):
            fields = _ZIGBEE if key.startswith("Z") else _LORA
            for name, one in islice(devices.items(), _DEVICES_MAX):
                if isinstance(one, dict):
                    yield _device(gateway, name, one, fields, time_ms)


def _device(gateway: str, name: str, said: Mapping[str, Any], fields: Fields, time_ms: int | None) -> Report:
    """Its address within the bridge's network names it: names may be given and taken away."""
    address = said.get("Device")
    draft = Draft(f"{gateway}/{(address if isinstance(address, str) and address else name)[:64]}", time_ms)
    for key, value in said.items():
        folded = fold(key)
        if folded in _BOOKKEEPING:
            continue
        field = fields.get(folded)
        if field is None or isinstance(value, dict | list):
            set_aside(draft, key, value)
        else:
            take(draft, field, value, key)
    texts = {key: value for key, value in said.items() if isinstance(value, str)}
    clicked = texts.get("Click") or texts.get("Action")
    about = About(vendor=texts.get("Manufacturer"), model=texts.get("ModelId"), name=texts.get("Name"), gateway=gateway)
    happening = Happening(f"action.{clicked[:64]}") if clicked else None
    kind = Kind.EVENT if happening is not None and not measures_world(draft) else kind_of(draft)
    return draft.report(kind, about=about, happening=happening)
