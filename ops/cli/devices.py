"""``eyes devices``: what is heard of devices, which are unknown, and making them known."""

import json
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.cli.duration import parse_duration
from ops.devices.register import offers, register
from ops.devices.rules import Rule, Template, UnfilledError, facility_of, read_rules
from ops.devices.store import read_devices, unmapped_fields
from ops.explained import kafka_explained
from ops.registry import read_registered
from runtime.errors import FatalError
from runtime.lifecycle import Shutdown
from runtime.settings import load_settings
from schemas.device import DeviceTwin
from schemas.facility import FacilityClass
from schemas.model import from_ms

app = typer.Typer(
    help="What devices say of themselves: list them, see who is unknown and what nobody understands, register them.",
    no_args_is_help=True,
)
console = Console()
AsJson = Annotated[bool, typer.Option("--json", help="whole, a line each, for programs")]


@app.command("list")
def list_devices(
    decoder: Annotated[str | None, typer.Option(help="only of this format, e.g. `sparkplug-b`")] = None,
    silent: Annotated[str | None, typer.Option(metavar="TIME", help="only those not heard for so long")] = None,
    as_json: AsJson = False,
) -> None:
    """List every device that was ever heard. Example: `eyes devices list --silent 1d`."""
    twins = [one for one in _twins().values() if decoder in (None, one.decoder)]
    if silent is not None:
        newest = max((one.last_seen for one in twins), default=0)
        twins = [one for one in twins if one.last_seen <= newest - parse_duration(silent) * 1000]
    _show(twins, as_json=as_json)


@app.command()
def unknown(as_json: AsJson = False) -> None:
    """List the devices that no facility claims, with everything known of them. Example: `eyes devices unknown --json`.

    Their readings wait in the log and are released when they are registered: `eyes devices register`, or a file for
    `eyes registry load`.
    """
    _show([one for one in _twins().values() if not one.registered], as_json=as_json)


@app.command()
def show(device: Annotated[str, typer.Argument(metavar="DEVICE")]) -> None:
    """Show all that is known of one device. Example: `eyes devices show 24e124535b316056`."""
    twin = _twins().get(device)
    if twin is None:
        raise FatalError(f"no device {device!r} was ever heard; see: eyes devices list")
    said = twin.model_dump(mode="json", by_alias=True, exclude_none=True)
    print(json.dumps(said, indent=2, ensure_ascii=False))


@app.command()
def unmapped(
    device: Annotated[str | None, typer.Option(help="only of this device")] = None,
) -> None:
    """List what devices say that becomes no reading, and why. Example: `eyes devices unmapped`."""
    twins = [one for one in _twins().values() if device in (None, one.device)]
    table = Table("decoder", "vendor", "model", "field", "times", "devices", "last value", "why")
    for one in unmapped_fields(twins):
        table.add_row(*(escape(str(cell)) for cell in one))
    console.print(table)


@app.command("register")
def register_devices(
    device: Annotated[str | None, typer.Argument(metavar="[DEVICE]", help="one device, by hand")] = None,
    *,
    rules: Annotated[Path | None, typer.Option(help="TOML file of rules: every unknown device they fit")] = None,
    facility: Annotated[str | None, typer.Option(help="id of its facility; a new one needs the class too")] = None,
    facility_class: Annotated[FacilityClass | None, typer.Option("--class", help="class of a new facility")] = None,
    zone: Annotated[str, typer.Option(help="zone of a new facility; `nearest` takes the nearest one within 500 m")] = (
        "nearest"
    ),
    lon: Annotated[float | None, typer.Option(help="WGS 84; left out: where its messages say it is")] = None,
    lat: Annotated[float | None, typer.Option(help="WGS 84")] = None,
    channel: Annotated[str | None, typer.Option(help="only this of several sensors")] = None,
    gateway: Annotated[str | None, typer.Option(help="who alone may speak for it")] = None,
    every: Annotated[
        str | None, typer.Option(metavar="TIME", help="with --rules: look again so often, until interrupted")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be registered")] = False,
) -> None:
    """Register devices that were heard: one by hand, or all that a file of rules fits (docs/devices.md).

    Examples:
    - `eyes devices register 24e124535b316056 --facility bin-7 --class waste_bin --zone segment:qiyi-1`
    - `eyes devices register --rules devices.toml --dry-run`
    - `eyes devices register --rules devices.toml --every 1m`
    """
    if (device is None) == (rules is None):
        raise FatalError("name one DEVICE, or --rules FILE; see eyes devices register --help")
    if rules is not None:
        _by_rules(read_rules(rules), None if every is None else parse_duration(every), dry_run=dry_run)
        return
    assert device is not None
    settings = load_settings()
    twin = _twins().get(device)
    if twin is None:
        raise FatalError(f"no device {device!r} was ever heard; see: eyes devices unknown")
    with kafka_explained(settings.kafka):
        registered = read_registered(settings.kafka)
    standing = None if facility is None else registered.facilities.get(facility)
    if facility is None or (standing is None and facility_class is None):
        raise FatalError("--facility says whose device it is; with --class it may be a new one")
    template = Template(
        facility=facility,
        facility_class=facility_class or (standing.facility_class if standing else FacilityClass.CAMERA),
        zone=standing.zone if standing else zone,
        lon=standing.place.lon if standing else ("{lon}" if lon is None else lon),
        lat=standing.place.lat if standing else ("{lat}" if lat is None else lat),
        channel=channel,
        gateway=gateway,
    )
    try:
        made = facility_of(Rule(facility=template), twin, registered.zones.values())
    except UnfilledError as error:
        raise FatalError(f"{device} cannot be registered so: {error}; give --lon, --lat or --zone") from None
    console.print(str(register(settings, [made], registered, dry_run=dry_run)), highlight=False, markup=False)


def _by_rules(rules: tuple[Rule, ...], every_s: float | None, *, dry_run: bool) -> None:
    settings = load_settings()
    shutdown = Shutdown()
    if every_s is not None:
        shutdown.install()
    while not shutdown.requested:
        with kafka_explained(settings.kafka):
            registered = read_registered(settings.kafka)
            found = offers(rules, read_devices(settings.kafka).values(), registered)
        for offer in found:
            if offer.problem is not None:
                console.print(f"{offer.device}: {offer.problem}", markup=False, style="yellow", soft_wrap=True)
            elif offer.facility is not None:
                text = f"{offer.device}: {offer.facility.facility_class.value} {offer.facility.facility}"
                console.print(f"{text} in {offer.facility.zone}", highlight=False, markup=False, soft_wrap=True)
        made = [offer.facility for offer in found if offer.facility is not None]
        if made or every_s is None:
            console.print(str(register(settings, made, registered, dry_run=dry_run)), highlight=False, markup=False)
        if every_s is None:
            return
        shutdown.wait(every_s)


def _twins() -> dict[str, DeviceTwin]:
    settings = load_settings().kafka
    with kafka_explained(settings):
        return read_devices(settings)


def _show(twins: list[DeviceTwin], *, as_json: bool) -> None:
    if as_json:
        for one in twins:
            print(one.model_dump_json(by_alias=True, exclude_none=True))
        return
    table = Table("device", "format", "vendor, model", "place", "says", "online", "battery", "lost", "last heard")
    for one in twins:
        traffic = one.traffic
        cells = (
            one.device,
            one.decoder,
            " ".join(word for word in (one.vendor, one.model) if word),
            "" if one.lon is None or one.lat is None else f"{one.lon:.5f} {one.lat:.5f}",
            ", ".join(sorted({value.property for value in one.values})),
            "" if one.online is None else "yes" if one.online else "no",
            "" if one.battery is None else f"{one.battery.percent:.0f} %",
            f"{traffic.lost}/{traffic.received + traffic.lost}" if traffic.received else "",
            f"{from_ms(one.last_seen).astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        )
        table.add_row(*map(escape, cells))
    console.print(table)
