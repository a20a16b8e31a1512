"""Rows of a registry file, whatever its format: where each stands in the file, and its columns as text."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from runtime.errors import FatalError

COLUMNS: Final = (
    *("facility", "scheme", "facility_class", "name", "zone", "kind"),
    *("lon", "lat", "grid", "district", "address"),
    *("device", "interval_s", "properties", "channel", "gateway", "camera_zone", "polygon", "homography"),
    *("activity", "max_stay_s", "grace_s", "clear_s", "install_angle_deg", "tilt_deg"),
    *("m3_per_pulse", "rolls_over_at", "max_flow_m3_h", "count_gap_s", "curb", "rules"),
)
PROBLEMS_MAX: Final = 20


class RegistryFileError(FatalError):
    """A registry file that cannot be loaded; the message lists what is wrong with it."""


class Row(NamedTuple):
    """One row or feature; columns that are empty are left out."""

    where: str
    cells: dict[str, str]


class Problems:
    """Everything that is wrong with a file, so that a person mends it in one go."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, where: str, field: str, what: str) -> None:
        """One thing that is wrong."""
        self._found.append(f"{where}: {field}: {what}")

    def raise_any(self) -> None:
        """Give up if anything was wrong.

        Raises:
            RegistryFileError: naming up to twenty problems.
        """
        if not self._found:
            return
        shown = self._found[:PROBLEMS_MAX]
        more = len(self._found) - len(shown)
        tail = [f"... and {more} more"] if more else []
        raise RegistryFileError("nothing was loaded:\n  " + "\n  ".join((*shown, *tail)))


def read_rows(path: Path, problems: Problems) -> list[Row]:
    """The rows of a CSV or GeoJSON file, told apart by name.

    Raises:
        RegistryFileError: no such file, not UTF-8, or of neither format.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RegistryFileError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RegistryFileError(f"{path}: not UTF-8 at byte {error.start}") from None
    if path.suffix.lower() in {".json", ".geojson"}:
        return list(_features(path, text, problems))
    if path.suffix.lower() == ".csv":
        return list(_lines(path, text, problems))
    raise RegistryFileError(f"{path}: the name must end in .csv, .geojson or .json")


def _lines(path: Path, text: str, problems: Problems) -> Iterator[Row]:
    # Not str.splitlines: it also ends lines at signs that may stand in a name.
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    unknown = [name for name in reader.fieldnames or () if name not in COLUMNS]
    for name in unknown:
        problems.add(f"{path.name}:1", name, f"no such column; there are: {', '.join(COLUMNS)}")
    if "facility_class" not in (reader.fieldnames or ()):
        problems.add(f"{path.name}:1", "facility_class", "this column is missing")
    for name, times in Counter(reader.fieldnames or ()).items():
        if times > 1:
            problems.add(f"{path.name}:1", name, "this column is there twice")
    if unknown:
        return
    try:
        for row in reader:
            where = f"{path.name}:{reader.line_num}"
            if None in row:
                problems.add(where, "row", "more cells than the header has columns")
                continue
            yield Row(where, {name: cell.strip() for name, cell in row.items() if cell and cell.strip()})
    except csv.Error as error:
        problems.add(f"{path.name}:{reader.line_num}", "row", str(error))


def _features(path: Path, text: str, problems: Problems) -> Iterator[Row]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise RegistryFileError(f"{path}: not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise RegistryFileError(f"{path}: not a GeoJSON FeatureCollection")
    features = document.get("features")
    if not isinstance(features, list):
        raise RegistryFileError(f"{path}: its features are no list")
    for number, feature in enumerate(features, start=1):
        yield from _feature(f"{path.name}: feature {number}", feature, problems)


def _feature(where: str, feature: Any, problems: Problems) -> Iterator[Row]:
    """The feature as a row, or as one for each entry of its property ``devices``."""
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        problems.add(where, "properties", "a feature with an object of properties was expected")
        return
    properties = dict(feature["properties"])
    devices = properties.pop("devices", None)
    point = _point(where, feature.get("geometry"), problems)
    cells = _cells(where, {**properties, **point}, problems)
    if devices is None:
        yield Row(where, cells)
    elif not isinstance(devices, list) or not all(isinstance(device, dict) for device in devices):
        problems.add(where, "devices", "a list of objects was expected")
    else:
        for device in devices or [{}]:
            yield Row(where, cells | _cells(where, device, problems))


def _point(where: str, geometry: Any, problems: Problems) -> dict[str, Any]:
    match geometry:
        case {"type": "Point", "coordinates": [lon, lat, *_]}:
            return {"lon": lon, "lat": lat}
        case None:
            return {}
        case _:
            problems.add(where, "geometry", "a Point with coordinates [lon, lat] was expected")
            return {}


def _cells(where: str, values: dict[str, Any], problems: Problems) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name, value in values.items():
        if name not in COLUMNS:
            problems.add(where, name, f"no such property; there are: devices, {', '.join(COLUMNS)}")
        elif isinstance(value, list) and name == "properties":
            cells[name] = ";".join(map(str, value)) or "-"
        elif isinstance(value, list) and name == "polygon":
            cells[name] = ";".join(",".join(map(str, corner)) if isinstance(corner, list) else "?" for corner in value)
        elif isinstance(value, list) and name == "curb":
            cells[name] = json.dumps(value)
        elif isinstance(value, dict) and name == "rules":
            cells[name] = ";".join(f"{parameter}={number}" for parameter, number in value.items())
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            cells[name] = str(value).strip()
        elif value is not None:
            problems.add(where, name, f"text or a number was expected, not {json.dumps(value)}")
    return {name: cell for name, cell in cells.items() if cell}
