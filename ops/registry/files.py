"""From the rows of a registry file to facilities and zones.

One row is a facility and a device of it; several rows with one ``facility`` are several devices, and what they say of
the facility must agree (cells may be left empty after the first). A row whose ``facility_class`` is ``zone`` configures
a zone: ``zone`` is its id, ``kind`` may be left out where the id begins with ``dma:``, ``segment:``, ``feeder:`` or
``grid:``. ``properties`` are separated by semicolons; ``-`` is none at all. So are ``rules`` (``cover.tilt_deg=12``);
``curb`` is a JSON array of curb policies. A facility without ``zone`` is in the zone of its ``grid``.
"""

import math
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from ops.registry.claims import Claim, overlap
from ops.registry.rows import Problems, RegistryFileError, Row, read_rows
from schemas.curb import CurbPolicy
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.model import Model
from schemas.registry import ZoneConfigured, ZoneKind
from schemas.rules import RuleError, check, read_value

__all__ = ["RegistryFileError", "facilities_and_zones", "read_registry_file"]

E = TypeVar("E", bound=StrEnum)
M = TypeVar("M", bound=Model)

ZONE_CLASS: Final = "zone"
_PLACE: Final = ("lon", "lat", "grid", "district", "address")
_DEVICE: Final = ("device", "interval_s", "properties", "channel", "gateway", "camera_zone", "polygon", "homography")
_POLICY: Final = tuple(Policy.model_fields)
_NUMBERS: Final = {"lon", "lat", "interval_s", *_POLICY} - {"activity", "curb", "rules"}
_CURB: Final = TypeAdapter(tuple[CurbPolicy, ...])
_KINDS: Final = {
    "dma": ZoneKind.DMA,
    "segment": ZoneKind.STREET_SEGMENT,
    "feeder": ZoneKind.LAMP_FEEDER,
    "grid": ZoneKind.GRID,
}


def read_registry_file(path: Path) -> tuple[tuple[Facility, ...], tuple[ZoneConfigured, ...]]:
    """All facilities and zones of a CSV or GeoJSON file.

    Raises:
        RegistryFileError: anything is wrong; file, line or feature, and field of up to twenty problems are named.
    """
    problems = Problems()
    rows = read_rows(path, problems)
    found = facilities_and_zones(rows, problems)
    problems.raise_any()
    if not any(found):
        raise RegistryFileError(f"{path}: there is no facility in it")
    return found


def facilities_and_zones(
    rows: Iterable[Row], problems: Problems
) -> tuple[tuple[Facility, ...], tuple[ZoneConfigured, ...]]:
    """Build what the rows describe; what cannot be built is among the problems."""
    zones: dict[str, ZoneConfigured] = {}
    together: dict[str, list[Row]] = {}
    for row in rows:
        if row.cells.get("facility_class") == ZONE_CLASS:
            zone = _zone(row, problems)
            if zone is not None and zones.setdefault(zone.zone, zone) != zone:
                problems.add(row.where, "zone", f"{zone.zone} is configured twice, differently")
        elif "facility" in row.cells:
            together.setdefault(row.cells["facility"], []).append(row)
        else:
            problems.add(row.where, "facility", "is missing")
    _compare_devices(together, problems)
    built = (_facility(same, problems) for same in together.values())
    return tuple(facility for facility in built if facility is not None), tuple(zones.values())


def _compare_devices(together: dict[str, list[Row]], problems: Problems) -> None:
    """Name every device that speaks twice for one thing: a slip of whoever wrote the file.

    One device may speak for several facilities: by different properties, or as a camera by zones of its picture.
    """
    bound: dict[str, list[tuple[str, Row]]] = {}
    for facility, rows in together.items():
        for row in rows:
            if (device := row.cells.get("device")) is None:
                continue
            for other, earlier in bound.setdefault(device, []):
                if _same_claim(earlier.cells, row.cells, same_facility=other == facility):
                    problems.add(row.where, "device", f"{device!r} speaks for {other} already ({earlier.where})")
                    break
            bound[device].append((facility, row))


def _same_claim(one: dict[str, str], two: dict[str, str], *, same_facility: bool) -> bool:
    claims = _claim(one), _claim(two)
    if same_facility:
        return (claims[0].camera_zone, claims[0].channel) == (claims[1].camera_zone, claims[1].channel)
    return overlap(*claims)


def _claim(cells: dict[str, str]) -> Claim:
    properties = _listed(cells["properties"]) if "properties" in cells else None
    return Claim(properties, cells.get("channel"), cells.get("camera_zone", cells.get("polygon")))


def _listed(cell: str) -> tuple[str, ...]:
    """The properties in a cell."""
    return () if cell == "-" else tuple(part.strip() for part in cell.split(";") if part.strip())


def _facility(rows: list[Row], problems: Problems) -> Facility | None:
    first = rows[0]
    cells = dict(first.cells)
    for row in rows[1:]:
        for name, cell in row.cells.items():
            if name not in _DEVICE and cells.setdefault(name, cell) != cell:
                problems.add(row.where, name, f"{cell!r}, but {first.where} says {cells[name]!r} of the same facility")
    if "zone" not in cells and "grid" not in cells:
        problems.add(first.where, "zone", "is missing, and so is grid, which could stand for it")
        return None
    scheme = _choice(first.where, "scheme", cells.get("scheme", ""), CodeScheme, problems)
    facility_class = _choice(first.where, "facility_class", cells.get("facility_class", ""), FacilityClass, problems)
    place = _place(first.where, cells, problems)
    policy = _policy(first.where, cells, problems, facility_class)
    devices = [_device(row, problems) for row in rows if any(name in row.cells for name in _DEVICE)]
    if scheme is None or facility_class is None or None in (place, policy, *devices):
        return None
    return _validated(
        first.where,
        Facility,
        problems,
        facility=cells["facility"],
        scheme=scheme,
        facility_class=facility_class,
        name=cells.get("name"),
        zone=cells.get("zone") or f"grid:{cells['grid']}",
        place=place,
        devices=tuple(devices),
        policy=policy,
    )


def _device(row: Row, problems: Problems) -> DeviceBinding | None:
    device = _typed(row.where, row.cells, _DEVICE, problems)
    if device is None:
        return None
    if "device" not in device:
        problems.add(row.where, "device", "is missing, but the row has columns of one")
        return None
    if "properties" in device:
        device["properties"] = _listed(device["properties"])
    if "polygon" in device:
        device["polygon"] = _polygon(row.where, device["polygon"], problems)
        if device["polygon"] is None:
            return None
    return _validated(row.where, DeviceBinding, problems, **device)


def _polygon(where: str, cell: str, problems: Problems) -> tuple[tuple[float, ...], ...] | None:
    try:
        corners = tuple(tuple(map(float, corner.split(","))) for corner in cell.split(";"))
    except ValueError:
        corners = ((),)
    if any(len(corner) != 2 or not all(map(math.isfinite, corner)) for corner in corners):  # noqa: PLR2004 - x and y
        problems.add(where, "polygon", f"{cell[:80]!r} is no list of corners, as in 0.1,0.5;0.4,0.5;0.4,0.9")
        return None
    return corners


def _place(where: str, cells: dict[str, str], problems: Problems) -> Place | None:
    values = _typed(where, cells, _PLACE, problems)
    return None if values is None else _validated(where, Place, problems, **values)


def _policy(
    where: str, cells: dict[str, str], problems: Problems, facility_class: FacilityClass | None = None
) -> Policy | None:
    values = _typed(where, cells, _POLICY, problems)
    if values is None:
        return None
    if "curb" in cells:
        values["curb"] = _curb(where, cells["curb"], problems)
        if values["curb"] is None:
            return None
    try:
        if "rules" in cells:
            values["rules"] = dict(read_value(part) for part in cells["rules"].split(";") if part.strip())
        policy = _validated(where, Policy, problems, **values)
        if policy is not None:
            check(policy, facility_class)
    except RuleError as error:
        problems.add(where, "rules", str(error))
        return None
    return policy


def _curb(where: str, cell: str, problems: Problems) -> tuple[CurbPolicy, ...] | None:
    try:
        return _CURB.validate_json(cell)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            place = ".".join(_column(str(part)) for part in problem["loc"])
            message = problem["msg"].removeprefix("Value error, ")
            problems.add(where, "curb", f"{place}: {message}" if place else message)
        return None


def _zone(row: Row, problems: Problems) -> ZoneConfigured | None:
    cells = row.cells
    if "zone" not in cells:
        problems.add(row.where, "zone", "is missing")
        return None
    for name in ("facility", *_DEVICE):
        if name in cells:
            problems.add(row.where, name, "has no place in a row of a zone")
    kind = _KINDS.get(cells["zone"].split(":")[0])
    if "kind" in cells or kind is None:
        kind = _choice(row.where, "kind", cells.get("kind", ""), ZoneKind, problems)
    place = _place(row.where, cells, problems)
    policy = _policy(row.where, cells, problems)
    if None in (kind, place, policy):
        return None
    return _validated(
        row.where,
        ZoneConfigured,
        problems,
        zone=cells["zone"],
        kind=kind,
        name=cells.get("name"),
        place=place,
        policy=policy,
    )


def _choice(where: str, field: str, cell: str, choices: type[E], problems: Problems) -> E | None:
    try:
        return choices(cell)
    except ValueError:
        known = ", ".join(choice.value for choice in choices)
        problems.add(where, field, f"{cell!r} is none of {known}" if cell else f"is missing; one of {known}")
        return None


def _typed(where: str, cells: dict[str, str], names: Iterable[str], problems: Problems) -> dict[str, Any] | None:
    """The cells of these names, numbers read; None when one is no number."""
    values: dict[str, Any] = {}
    good = True
    for name in names:
        if name not in cells:
            continue
        values[name] = cells[name]
        if name in _NUMBERS:
            try:
                values[name] = float(cells[name])
            except ValueError:
                values[name] = math.nan
            if not math.isfinite(values[name]):
                problems.add(where, name, f"{cells[name]!r} is not a number")
                good = False
    return values if good else None


def _validated(where: str, model: type[M], problems: Problems, **values: Any) -> M | None:
    try:
        return model(**values)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            field = next((str(part) for part in reversed(problem["loc"]) if isinstance(part, str)), "")
            problems.add(where, _column(field) or "row", problem["msg"].removeprefix("Value error, "))
        return None


def _column(field: str) -> str:
    """The column of a model's field, whose alias in errors is camelCase."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field)
