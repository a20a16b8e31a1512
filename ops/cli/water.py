"""``eyes water``: what is known of water networks, for the detectors that look for leaks."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.explained import kafka_explained
from ops.registry import read_registered
from ops.water.configure import SENSORS, Configuration, Configured, configure, find_inp, plan
from ops.water.draft import draft
from ops.water.geo import Origin
from ops.water.inp import read_network
from ops.water.model import is_written
from runtime.errors import FatalError
from runtime.settings import Settings, load_settings
from schemas.water import WaterNetworkConfigured

app = typer.Typer(help="Water networks: their sensors and models, for leak detection.", no_args_is_help=True)
console = Console()


def _origin(text: str) -> Origin:
    """Longitude and latitude."""
    try:
        lon, lat = map(float, text.split(","))
    except ValueError:
        raise FatalError(f"--origin {text} is not LON,LAT, e.g. 113.85,34.03") from None
    if not (-180 <= lon <= 180 and -85 <= lat <= 85):  # noqa: PLR2004 - a plane at a pole is none
        raise FatalError(f"--origin {text}: longitude comes first, from -180 to 180; latitude from -85 to 85")
    return lon, lat


@app.command("configure")
def configure_network(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=f"with an EPANET file (.inp) and {SENSORS}")],
    *,
    zone: Annotated[str | None, typer.Option(help=f"for the first {SENSORS}, e.g. dma:weidu")] = None,
    origin: Annotated[
        str | None, typer.Option(metavar="LON,LAT", help="where the point (0, 0) of coordinates in metres lies")
    ] = None,
    register: Annotated[bool, typer.Option("--register", help="register the sensors' facilities and the zone")] = False,
    without_model: Annotated[
        bool, typer.Option("--without-model", help="look for leaks without the hydraulic model")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would change")] = False,
) -> None:
    """Tell the detectors which meters a network has, and by which model leaks are placed in it.

    DIR holds the network as an EPANET input file and sensors.toml, which says what each meter measures. Without
    sensors.toml a first one is made from the network, to be looked through. Without an input file leaks are
    looked for without a model. Run again, it changes nothing; run it again when the network or its sensors changed.

    The model is written to city.models.v1, then the network to the registry, which names the model by its hash.
    docs/water.md explains each step.

    Examples:
    `eyes water configure weidu/ --zone dma:weidu` makes weidu/sensors.toml.

    `eyes water configure weidu/ --dry-run` checks it.

    `eyes water configure weidu/ --register --origin 113.85,34.03` registers the sensors too.
    """
    if not (folder / SENSORS).exists():
        _make_draft(folder, zone)
    at = None if origin is None else _origin(origin)
    wanted = plan(folder, origin=at, register=register, model=not without_model)
    if zone is not None and zone != wanted.network.zone:
        raise FatalError(f"{folder / SENSORS} is of zone {wanted.network.zone}, not of {zone}")
    for warning in wanted.warnings:
        console.print(f"[yellow]note[/]: {escape(warning)}", highlight=False, soft_wrap=True)
    _say(wanted, run(load_settings(), wanted, dry_run=dry_run))


def run(settings: Settings, wanted: Configuration, *, dry_run: bool = False) -> Configured:
    """Configure, and say that the model is being made, which takes its time."""
    terminal = Console(stderr=True)
    with terminal.status("reading the registry ...") as line:
        return configure(
            settings,
            wanted,
            dry_run=dry_run,
            building=lambda: line.update("making the model: one run of the network for each place of a leak ..."),
        )


def _make_draft(folder: Path, zone: str | None) -> None:
    """Write the first file, and stop: nothing is configured that nobody has looked at."""
    inp = find_inp(folder)
    if inp is None:
        raise FatalError(f"{folder} holds neither an EPANET file (.inp) nor {SENSORS}; docs/water.md shows one")
    if zone is None:
        raise FatalError(f"{folder} has no {SENSORS} yet: say with --zone whose it is (e.g. dma:weidu) and it is made")
    text = draft(read_network(inp), inp.name, zone)
    path = folder / SENSORS
    path.write_text(text, encoding="utf-8")
    sensors = text.count("\n[[sensor]]")
    raise FatalError(
        f"nothing is configured yet: {path} was made with {sensors} sensors that {inp.name} shows; add the pressure "
        "sensors, look through it, and run the same command again"
    )


def _say(wanted: Configuration, done: Configured) -> None:
    verb = "would be " if done.registry.dry_run else ""
    if done.model is None:
        console.print("no model: leaks are looked for without one", highlight=False)
    elif done.chunks:
        console.print(f"model {done.model}: {_size(done)} in {done.chunks} chunks written", highlight=False)
    elif done.registry.dry_run:
        console.print(f"model {done.model}: {_size(done)}", highlight=False)
    else:
        console.print(f"model {done.model}: {_size(done)}, in the log already", highlight=False)
    roles = Counter(sensor.role.value for sensor in wanted.network.sensors)
    said = ", ".join(f"{count} {role}" for role, count in roles.items())
    state = f"{verb}configured" if done.registry.networks else "as it was"
    console.print(f"network of {wanted.network.zone} {state}: {said}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"registry: {done.registry}", highlight=False, markup=False, soft_wrap=True)


def _size(done: Configured) -> str:
    return f"{done.model_bytes / 1024:,.0f} KiB"


@app.command("list")
def list_networks() -> None:
    """List the networks that are configured, and whether their models are in the log. Example: `eyes water list`."""
    settings = load_settings()
    with kafka_explained(settings.kafka):
        networks = read_registered(settings.kafka).networks
        table = Table("zone", "name", "sensors", "model")
        for zone, network in sorted(networks.items()):
            table.add_row(
                *map(escape, (zone, network.name or "", str(len(network.sensors)), _model(settings, network)))
            )
    console.print(table)


def _model(settings: Settings, network: WaterNetworkConfigured) -> str:
    if network.model is None:
        return "none"
    return network.model[:12] if is_written(settings, network.model) else f"{network.model[:12]} IS MISSING"
