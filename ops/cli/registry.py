"""``eyes registry``: what stands where, and which device speaks for it."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.explained import kafka_explained
from ops.registry import Registered, load_registry, read_registered, read_registry_file, remove_facility, retire_ingest
from runtime.errors import FatalError
from runtime.settings import load_settings
from schemas.facility import FacilityClass
from schemas.model import Model

app = typer.Typer(help="Facilities, zones and the devices that speak for them.", no_args_is_help=True)
console = Console()


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="CSV or GeoJSON (a FeatureCollection)")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would change")] = False,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="also remove what the file does not name")
    ] = False,
) -> None:
    """Register the facilities of a file; nothing is loaded when anything in it is wrong.

    CSV columns: facility, scheme, facility_class, name, zone, lon, lat, grid, district, address, device, interval_s,
    properties, camera_zone, activity, max_stay_s, grace_s, clear_s, install_angle_deg, tilt_deg, m3_per_pulse,
    rolls_over_at, max_flow_m3_h, count_gap_s, rules. Several rows of one facility are several devices; a row of
    facility_class `zone` configures a zone. GeoJSON has the same names as properties, a Point, and optionally a list
    `devices`. docs/registry.md explains each.

    Example: `eyes registry load covers.csv --dry-run`.
    """
    facilities, zones = read_registry_file(file)
    report = load_registry(load_settings(), facilities, zones, remove_missing=remove_missing, dry_run=dry_run)
    console.print(str(report), highlight=False, markup=False, soft_wrap=True)


@app.command("list")
def list_facilities(
    facility_class: Annotated[FacilityClass | None, typer.Option("--class", help="only this class")] = None,
    zone: Annotated[str | None, typer.Option(help="only this zone")] = None,
) -> None:
    """List what is registered. Example: `eyes registry list --class manhole_cover`."""
    registered = _registered()
    table = Table("facility", "class", "name", "zone", "place", "devices")
    for _, one in sorted(registered.facilities.items()):
        if facility_class in (None, one.facility_class) and zone in (None, one.zone):
            place = f"{one.place.lon:.5f} {one.place.lat:.5f}"
            devices = ", ".join(binding.device for binding in one.devices)
            cells = (one.facility, one.facility_class.value, one.name or "", one.zone, place, devices)
            table.add_row(*map(escape, cells))
    console.print(table)


@app.command()
def show(facility: Annotated[str, typer.Argument(metavar="ID", help="of a facility or a zone")]) -> None:
    """Show one facility, or a zone and its water network, whole. Example: `eyes registry show 41100201001000123`."""
    registered = _registered()
    found = registered.facilities.get(facility) or registered.zones.get(facility)
    if found is None and facility not in registered.networks:
        raise FatalError(f"nothing is registered as {facility!r}; see: eyes registry list")
    if found is not None:
        _print(found)
    if facility in registered.networks:
        _print(registered.networks[facility])


def _print(found: Model) -> None:
    print(json.dumps(found.model_dump(mode="json", by_alias=True, exclude_none=True), indent=2, ensure_ascii=False))


def _registered() -> Registered:
    settings = load_settings().kafka
    with kafka_explained(settings):
        return read_registered(settings)


@app.command()
def retire(shard: Annotated[str, typer.Argument(metavar="CLIENT_ID", help="of an ingest that was taken away")]) -> None:
    """Say that an ingest will not come back, so that no finding waits for it. Example: `eyes registry retire ingest-2`.

    Until then what its devices do not say is put down to its own silence. Should it come back after all, it counts
    again as soon as it is heard of.
    """
    retire_ingest(load_settings(), shard)
    console.print(f"nobody waits for {shard} any more", highlight=False, markup=False)


@app.command()
def remove(facility: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Take one facility out of the registry; what was seen of it stays. Example: `eyes registry remove bay-7`."""
    remove_facility(load_settings(), facility)
    console.print(f"{facility} is no longer registered", highlight=False, markup=False)
