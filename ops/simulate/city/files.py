"""What ``eyes simulate`` writes: messages as ``eyes decode`` reads them, the truth, the registry for loading."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from ops.simulate.city.channel import Message
from ops.simulate.city.truth import Truth
from schemas.facility import DeviceBinding, Facility, Place, Policy
from schemas.model import format_rfc3339, from_ms
from schemas.registry import ZoneConfigured

BUFFER_BYTES: Final = 1 << 20
COLUMNS: Final = (
    *("facility", "scheme", "facility_class", "name", "zone", "kind"),
    *("lon", "lat", "grid", "district", "address"),
    *("device", "interval_s", "properties", "channel", "gateway", "camera_zone"),
    *("activity", "max_stay_s", "grace_s", "clear_s", "install_angle_deg", "tilt_deg", "curb", "rules"),
)
_encode: Final = msgspec.json.Encoder().encode


def message_line(message: Message) -> bytes:
    """One message as a line: topic, payload as text, and when the broker had it."""
    received = format_rfc3339(from_ms(message.at_ms))
    payload = message.payload.decode()
    return _encode({"topic": message.topic, "payload": payload, "encoding": "text", "received": received}) + b"\n"


def write_truth(path: Path, truths: Iterable[Truth]) -> int:
    """A line for every matter, in the order of their begin; returns how many."""
    ordered = sorted(truths, key=lambda one: (one.start_ms, one.id))
    with path.open("wb", buffering=BUFFER_BYTES) as file:
        for truth in ordered:
            file.write(_encode(truth.as_json()) + b"\n")
    return len(ordered)


def write_registry(path: Path, facilities: Iterable[Facility], zones: Iterable[ZoneConfigured]) -> int:
    """A CSV file for ``eyes registry load``; returns the number of facilities."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        out = _Writer(file)
        for zone in zones:
            where = {"zone": zone.zone, "kind": zone.kind.value, "name": zone.name, "facility_class": "zone"}
            out.row(where, _place(zone.place), _policy(zone.policy))
        for facility in facilities:
            count += 1
            head = {
                "facility": facility.facility,
                "scheme": facility.scheme.value,
                "facility_class": facility.facility_class.value,
                "name": facility.name,
                "zone": facility.zone,
            }
            for binding in facility.devices or (None,):
                out.row(head, _place(facility.place), _policy(facility.policy), _device(binding))
    return count


class _Writer:
    def __init__(self, file: IO[str]) -> None:
        self._out = csv.DictWriter(file, COLUMNS)
        self._out.writeheader()

    def row(self, *parts: dict[str, Any]) -> None:
        cells: dict[str, Any] = {}
        for part in parts:
            cells |= {name: value for name, value in part.items() if value is not None}
        self._out.writerow(cells)


def _place(place: Place) -> dict[str, Any]:
    return place.model_dump(exclude_none=True)


def _policy(policy: Policy) -> dict[str, Any]:
    cells = policy.model_dump(mode="json", exclude_none=True, exclude={"curb", "rules"})
    if policy.curb:
        curb = (one.model_dump(mode="json", exclude_defaults=True) for one in policy.curb)
        cells["curb"] = _encode(list(curb)).decode()
    if policy.rules:
        cells["rules"] = ";".join(f"{name}={value:g}" for name, value in sorted(policy.rules.items()))
    return cells


def _device(binding: DeviceBinding | None) -> dict[str, Any]:
    if binding is None:
        return {}
    cells = binding.model_dump(exclude_none=True)
    if binding.properties is not None:
        cells["properties"] = ";".join(binding.properties) or "-"
    return cells
