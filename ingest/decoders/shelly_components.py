"""The components of Shelly devices of the second generation: what each status means.

The component with its number (``switch:0``) is the channel; of a three-phase meter the phase stands behind it
(``em:0/a``). Energies are in Wh as they are.
"""

from collections.abc import Mapping
from typing import Any, Final

from ingest.decoders.draft import Draft
from ingest.decoders.fields import set_aside
from ingest.meaning.household import words
from ingest.meaning.times import epoch_s
from ingest.meaning.values import finite
from ingest.messages import NOTHING_ABOUT, About
from schemas.properties import PROPERTIES

_Fields = Mapping[str, tuple[str, str | None]]

_METER: Final[_Fields] = {
    "output": ("switch_on", None),
    "apower": ("power", "W"),
    "act_power": ("power", "W"),
    "aprtpower": ("apparent_power", "V.A"),
    "aprt_power": ("apparent_power", "V.A"),
    "voltage": ("voltage", "V"),
    "current": ("current", "A"),
    "pf": ("power_factor", None),
    "freq": ("frequency", "Hz"),
    "aenergy.total": ("energy", "Wh"),
    "temperature.tC": ("temperature", "Cel"),
}
_PHASES: Final[_Fields] = {
    **{key: _METER[key] for key in ("act_power", "aprt_power", "voltage", "current", "pf", "freq")},
    "total_act_energy": ("energy", "Wh"),
}
_FIELDS: Final[Mapping[str, _Fields]] = {
    **dict.fromkeys(("switch", "light", "cover", "cct", "rgb", "rgbw", "rgbcct", "pm1", "em1", "em", "emdata"), _METER),
    "em1data": {"total_act_energy": ("energy", "Wh")},
    "temperature": {"tC": ("temperature", "Cel")},
    "humidity": {"rh": ("humidity", "%RH")},
    "thermostat": {"current_C": ("temperature", "Cel"), "current_humidity": ("humidity", "%RH")},
    "devicepower": {"battery.V": ("battery_voltage", "V"), "battery.percent": ("battery_percent", "%")},
    "voltmeter": {"voltage": ("voltage", "V")},
    "smoke": {"alarm": ("smoke_alarm", None)},
    "flood": {"alarm": ("water_leak", None)},
    "illuminance": {"lux": ("illuminance", "lx")},
    "presence": {"num_objects": ("object_count", "1")},
    "presencezone": {"value": ("occupied", None), "state": ("occupied", None), "num_objects": ("object_count", "1")},
    "input": {"state": ("switch_on", None), "freq": ("frequency", "Hz"), "counts.total": ("pulse_count", "1")},
    "bthomedevice": {"rssi": ("rssi", "dBm"), "battery": ("battery_percent", "%")},
    "bthomesensor": {},  # the object it shows stands only in its configuration
    "blutrv": {"current_C": ("temperature", "Cel"), "rssi": ("rssi", "dBm"), "battery": ("battery_percent", "%")},
    "wifi": {"rssi": ("rssi", "dBm")},
}
_TOTALS: Final[_Fields] = {
    "total_act_power": ("power", "W"),
    "total_aprt_power": ("apparent_power", "V.A"),
    "total_current": ("current", "A"),
    "total_act": ("energy", "Wh"),
}
_QUIET: Final = words(
    """
    sys cloud mqtt ble ws script eth ui modbus knx matter bthome zigbee schedule plugs_ui dali webhook http kvs
    bthomecontrol object service
    """
)
_BOOKKEEPING: Final = words(
    """
    id source status mute errors flags transition timer_started_at timer_duration last_updated_ts last_command_ts
    packet_id paired connected in_group tF temperature temperature.tF current_F battery external external.present
    aenergy aenergy.by_minute aenergy.minute_ts ret_aenergy ret_aenergy.by_minute ret_aenergy.minute_ts
    user_calibrated_phase counts counts.by_minute counts.xtotal counts.xby_minute
    sta_ip sta_ip6 gw nameserver netmask ssid bssid mac ap_client_count
    """
)
_WITH_ERRORS: Final = words("switch light cct rgb rgbw rgbcct cover pm1 em em1")
_ALARMS: Final = frozenset(
    {"overpower", "overtemp", "overvoltage", "undervoltage", "overcurrent", "out_of_range:temperature"}
)


def is_component(name: str) -> bool:
    """Whether this is a component as Shelly devices name them: ``switch:0``, ``sys``."""
    kind, _, number = name.partition(":")
    return (kind in _FIELDS or kind in _QUIET) and (not number or number.isdigit())


def component(draft: Draft, name: str, status: Mapping[str, Any], *, whole: bool) -> About:
    """Take the status of one component; what it says of the device itself is returned.

    In a whole status errors are only shown where there are some; in one of changes they may have stayed what they were.
    """
    kind = name.partition(":")[0]
    if kind == "sys":
        return _sys(status)
    fields = _FIELDS.get(kind)
    if fields is None:
        if kind not in _QUIET:
            set_aside(draft, name, dict(status))
        return NOTHING_ABOUT
    channel = "" if kind == "wifi" else name
    time_ms = epoch_s(status.get("last_updated_ts"))
    for key, value in _flat(status):
        if key in fields:
            _take(draft, fields[key], value, channel, time_ms, f"{name}.{key}")
        elif kind in ("em", "emdata") and (key in _TOTALS or _phase(key)):
            phase = "" if key in _TOTALS else f"/{key[0]}"
            _take(draft, _TOTALS.get(key) or _PHASES[key[2:]], value, channel + phase, time_ms, f"{name}.{key}")
        elif key not in _BOOKKEEPING:
            set_aside(draft, f"{name}.{key}", value)
    errors = status.get("errors", [] if whole else None)
    if kind in _WITH_ERRORS and isinstance(errors, list):
        draft.flag("fault", any(isinstance(error, str) and error in _ALARMS for error in errors[:16]), channel=channel)
    return NOTHING_ABOUT


def _flat(status: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Its fields, those of objects one level down under a dotted name."""
    out: list[tuple[str, Any]] = []
    for key, value in status.items():
        if isinstance(value, dict):
            out += ((f"{key}.{inner}", one) for inner, one in value.items())
        else:
            out.append((key, value))
    return out


def _phase(key: str) -> bool:
    return key[:2] in ("a_", "b_", "c_", "n_") and key[2:] in _PHASES


def _take(
    draft: Draft, meaning: tuple[str, str | None], value: Any, channel: str, time_ms: int | None, field: str
) -> None:
    observed_property, unit = meaning
    if PROPERTIES[observed_property].is_flag:
        draft.flag(observed_property, value, channel=channel, time_ms=time_ms, field=field)
    else:
        draft.number(observed_property, value, unit, channel=channel, time_ms=time_ms, field=field)


def _sys(status: Mapping[str, Any]) -> About:
    mac, version = status.get("mac"), status.get("fw_id") or status.get("ver")
    return About(
        vendor="Shelly",
        firmware=version[:128] if isinstance(version, str) else None,
        uptime_s=finite(status.get("uptime")),
        tags={"mac": mac[:32]} if isinstance(mac, str) else {},
    )
