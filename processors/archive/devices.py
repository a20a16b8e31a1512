"""The table of devices: the newest twin of each, whatever order they come in."""

import json
from typing import Any, Final, LiteralString

from schemas.device import DeviceTwin
from schemas.model import from_ms

DEVICES: Final[dict[LiteralString, LiteralString]] = {
    "device": "text",
    "shard": "text",
    "registered": "bool",
    "decoder": "text",
    "mqtt_topic": "text",
    "first_seen": "timestamptz",
    "last_seen": "timestamptz",
    "messages": "int8",
    "online": "bool",
    "vendor": "text",
    "model": "text",
    "name": "text",
    "firmware": "text",
    "hardware": "text",
    "gateway": "text",
    "lon": "float8",
    "lat": "float8",
    "interval_s": "float8",
    "uptime_s": "float8",
    "tags": "jsonb",
    "event": "text",
    "last_values": "jsonb",
    "unmapped": "jsonb",
    "received": "int8",
    "lost": "int8",
    "repeated": "int8",
    "restarts": "int8",
    "relayed_received": "int8",
    "relayed_lost": "int8",
    "battery_percent": "float8",
    "battery_per_day": "float8",
    "battery_empty_at": "timestamptz",
    "log_offset": "int8",
}
_COLUMNS: Final[LiteralString] = ", ".join(DEVICES)
_CAST: Final[LiteralString] = ", ".join(f"{name}::jsonb" if kind == "jsonb" else name for name, kind in DEVICES.items())
_SET: Final[LiteralString] = ", ".join(f"{name} = excluded.{name}" for name in DEVICES if name != "device")

# A device has one partition, so its offsets are its order.
MERGE_DEVICES: Final[LiteralString] = f"""
INSERT INTO devices AS d ({_COLUMNS})
SELECT DISTINCT ON (device) {_CAST}
FROM incoming_devices
ORDER BY device, log_offset DESC
ON CONFLICT (device) DO UPDATE SET {_SET}
WHERE excluded.log_offset > d.log_offset
"""  # noqa: S608 - of names that stand above

Row = tuple[Any, ...]


def device_row(it: DeviceTwin, offset: int) -> Row:
    """A twin as a row of :data:`DEVICES`."""
    battery = it.battery
    return (
        *(it.device, it.shard, it.registered, it.decoder, it.mqtt_topic),
        *(from_ms(it.first_seen), from_ms(it.last_seen), it.messages, it.online),
        *(it.vendor, it.model, it.name, it.firmware, it.hardware, it.gateway),
        *(it.lon, it.lat, it.interval_s, it.uptime_s, _json(it.tags), it.event),
        _json([one.model_dump(by_alias=True) for one in it.values]),
        _json([one.model_dump(by_alias=True) for one in it.unmapped]),
        *(it.traffic.received, it.traffic.lost, it.traffic.repeated, it.traffic.restarts),
        *(it.relayed.received, it.relayed.lost),
        *((None, None) if battery is None else (battery.percent, battery.per_day)),
        None if battery is None or battery.empty_at is None else from_ms(battery.empty_at),
        offset,
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
