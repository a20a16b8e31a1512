"""The messages of real devices and of the network servers before them, byte by byte.

ChirpStack 4 (``up`` with the vendor's codec applied), SenML (RFC 8428), Frigate 0.14 events and statistics, and our own
JSON for what an NB-IoT module sends itself. The vendors' own names of fields are kept: to understand them is ingest's
business, and it shares nothing with this module.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from ops.simulate.city.model import Box, Defect, Device, Said, Seen
from ops.simulate.model import Value

DETECT_FPS: Final = 5
_encode: Final = msgspec.json.Encoder().encode


class Sending(NamedTuple):
    """What a message says of its device besides what it measured."""

    number: int
    """Of the message since the device was started."""
    starts: int
    """How often it was."""
    stated_ms: int
    """When it was measured, by whoever puts the time into the message."""
    battery: float
    rssi: float
    uptime_s: float
    site: str
    """As our own topics name it."""


Wire = tuple[str, bytes]
"""Topic and payload."""


def iso(ms: int) -> str:
    """RFC 3339 in UTC, as network servers write it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_LORA_NAMES: Final = {
    "tilt_angle": "angle",
    "power": "active_power_w",
    "voltage": "voltage_v",
    "water_level": "water_level_m",
}
_LORA_MODELS: Final = {"01": "manhole-tilt", "02": "parking-bay", "03": "cabinet-meter", "04": "gas-detector"}


def _lora_object(values: Sequence[Value], sending: Sending) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, value, _ in values:
        if name == "contact_open":
            said["magnet_status"] = "open" if value else "closed"
        else:
            said[_LORA_NAMES.get(name, name)] = value
    said["battery"] = round(sending.battery)
    return said


def chirpstack(device: Device, said: Said, sending: Sending) -> Wire:
    """An uplink of a LoRaWAN device, decoded by the network server; the time is the gateway's."""
    eui = device.name
    model = _LORA_MODELS.get(eui[4:6], "node")
    time = iso(sending.stated_ms)
    payload = {
        "deduplicationId": f"{eui[:8]}-{eui[8:12]}-{eui[12:]}-{sending.number:08x}",
        "time": time,
        "deviceInfo": {
            "tenantName": "xuchang",
            "applicationName": "street",
            "applicationId": "5f0c6c1e-9d0a-4d0e-9c2b-000000000001",
            "deviceProfileName": model,
            "deviceName": f"{model}-{eui[-6:]}",
            "devEui": eui,
            "tags": {},
        },
        "devAddr": f"{(int(eui[-8:], 16) + sending.starts) & 0x1FFFFFF:08x}",
        "adr": True,
        "dr": 3,
        "fCnt": sending.number,
        "fPort": 85,
        "confirmed": False,
        "object": _lora_object(said.values, sending),
        "rxInfo": [
            {
                "gatewayId": device.gateway,
                "uplinkId": sending.number & 0xFFFF,
                "nsTime": time,
                "rssi": round(sending.rssi),
                "snr": round(min(10.0, 12 + (sending.rssi + 100) / 4), 1),
                "channel": sending.number % 8,
                "crcStatus": "CRC_OK",
            }
        ],
        "txInfo": {"frequency": 486300000 + 200000 * (sending.number % 8)},
    }
    return f"application/5f0c6c1e-9d0a-4d0e-9c2b-000000000001/device/{eui}/event/up", _encode(payload)


def eyes(device: Device, said: Said, sending: Sending) -> Wire:
    """Our own JSON, as an NB-IoT module with a clock and a counter of its own sends it."""
    stamp = {"time": iso(sending.stated_ms), "boot": f"b{sending.starts}", "seq": sending.number}
    own = (Value("battery_percent", round(sending.battery)), Value("rssi", round(sending.rssi)))
    body = [
        {"property": name, "value": value} | ({"unit": unit} if unit else {}) | stamp
        for name, value, unit in (*said.values, *own)
    ]
    return f"eyes/v1/{sending.site}/{device.name}/observations", _encode(body)


def eyes_camera(device: Device, seen: Defect, sending: Sending) -> Wire:
    """Our own JSON of a camera, as what reads the pictures of the ground sends it."""
    body: dict[str, Any] = {
        "phase": seen.phase.value,
        "track": seen.track,
        "label": seen.label,
        "time": iso(sending.stated_ms),
        "zones": [seen.zone],
        "stationary": True,
        "confidence": seen.score,
        "lon": seen.lon,
        "lat": seen.lat,
        "boot": f"b{sending.starts}",
        "seq": sending.number,
    }
    if seen.area_m2 is not None:
        body["area_m2"] = seen.area_m2
    return f"eyes/v1/{sending.site}/{device.name}/camera", _encode(body)


_SENML: Final[dict[str, tuple[str, str | None]]] = {
    "water_level": ("level", "m"),
    "temperature": ("temperature", "Cel"),
    "humidity": ("humidity", "%RH"),
    "pm2_5": ("pm25", "ug/m3"),
    "sound_level": ("sound_level", "dB"),
}


def senml(device: Device, said: Said, sending: Sending) -> Wire:
    """SenML of a level gauge with a clock of its own."""
    records: list[dict[str, Any]] = []
    for name, value, _ in said.values:
        label, unit = _SENML.get(name, (name, None))
        kind = "vb" if isinstance(value, bool) else "v"
        records.append({"n": label, kind: value} | ({"u": unit} if unit else {}))
    records[0] = {"bn": f"{device.name}:", "bt": sending.stated_ms / 1000} | records[0]
    records.append({"n": "battery_level", "u": "%EL", "v": round(sending.battery)})
    return f"senml/{device.name.rpartition(':')[2]}", _encode(records)


def zigbee2mqtt(device: Device, said: Said, sending: Sending) -> Wire:
    """The state of a lamp controller; without a time, it is that of its arrival."""
    body: dict[str, Any] = {"linkquality": max(0, min(255, round((sending.rssi + 120) * 3)))}
    for name, value, _ in said.values:
        if name == "switch_on":
            body["state"] = "ON" if value else "OFF"
        else:
            body[name] = value
    return f"zigbee2mqtt/{device.name}", _encode(body)


def frigate_stats(device: Device, said: Said, sending: Sending) -> Wire:
    """What Frigate says of a camera's stream: whether pictures come."""
    fault = any(name == "fault" and value for name, value, _ in said.values)
    body = {
        "cameras": {device.name: {"camera_fps": 0.0 if fault else 5.1, "process_fps": 0.0 if fault else 5.0}},
        "service": {
            "uptime": round(sending.uptime_s),
            "version": "0.14.1",
            "last_updated": sending.stated_ms // 1000,
        },
    }
    return "frigate/stats", _encode(body)


def frigate_event(device: Device, seen: Seen, sending: Sending) -> Wire:
    """A tracked object of Frigate: new, update or end."""
    offset_ms = sending.stated_ms - seen.at_ms
    after = {
        "id": seen.track,
        "camera": device.name,
        "frame_time": sending.stated_ms / 1000,
        "label": seen.label,
        "sub_label": None,
        "top_score": seen.score,
        "false_positive": False,
        "start_time": (seen.since_ms + offset_ms) / 1000,
        "end_time": sending.stated_ms / 1000 if seen.phase.value == "end" else None,
        "score": seen.score,
        "box": list(seen.box),
        "area": _area(seen.box),
        "ratio": 1.4,
        "region": [0, 0, 640, 640],
        "current_zones": list(seen.zones),
        "entered_zones": list(seen.zones),
        "stationary": seen.still,
        "motionless_count": int(seen.motionless_s * DETECT_FPS),
        "position_changes": 1,
        "has_snapshot": True,
        "has_clip": False,
        "active": not seen.still,
    }
    if seen.plate is not None:
        after["recognized_license_plate"] = seen.plate
    return "frigate/events", _encode({"type": seen.phase.value, "before": after, "after": after})


def _area(box: Box) -> int:
    return (box.right - box.left) * (box.bottom - box.top)


SAMPLES: Final[dict[str, Callable[[Device, Said, Sending], Wire]]] = {
    "chirpstack": chirpstack,
    "eyes": eyes,
    "senml": senml,
    "frigate": frigate_stats,
    "zigbee2mqtt": zigbee2mqtt,
}
"""By :attr:`Device.format`."""
