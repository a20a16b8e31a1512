"""``eyes bench``: how fast it is, here."""

import json
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from ops.bench.decode import bench_decode
from ops.bench.fold import bench_fold, named
from ops.bench.pipeline import bench_pipeline
from ops.bench.recovery import bench_recovery
from ops.cli.duration import parse_duration
from runtime.logs import configure_logs
from runtime.settings import LogSettings, StackSettings

app = typer.Typer(help="Measure, on real servers of its own that are gone afterwards.", no_args_is_help=True)

PORTS: Final = {
    "kafka_port": 29092,
    "kafka_controller_port": 29093,
    "mqtt_port": 21883,
    "postgres_port": 25432,
    "prometheus_port": 29090,
}


@app.command()
def pipeline(
    devices: Annotated[int, typer.Option(min=10, help="devices that speak in turn")] = 2_000,
    rate: Annotated[float, typer.Option(min=1, help="single readings a second to offer")] = 12_000.0,
    duration: Annotated[
        float, typer.Option("--for", parser=parse_duration, metavar="TIME", help="how long to publish")
    ] = "30s",  # type: ignore[assignment]  # typer parses the default too
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Single readings over MQTT, one a message, end to end into the database.

    `stored_per_s` is readings by the time from the first publication to the last row; offer more than it can take to
    find its limit. Exit code 0 only if nothing was lost or doubled.

    Examples:
    - `eyes bench pipeline`
    - `eyes bench pipeline --rate 8000 --for 60s --json | jq .stored_per_s`
    """
    console = Console(stderr=True, highlight=False)
    configure_logs(LogSettings(level="warning"), "bench")
    stack = StackSettings.model_validate(PORTS)
    result = bench_pipeline(
        stack, devices=devices, rate=rate, seconds=duration, report=lambda line: console.print(line, style="dim")
    )
    if as_json:
        print(json.dumps(result.as_json()))
    else:
        _show(Console(highlight=False), "Pipeline", result.as_json())
    if result.lost or result.doubled:
        raise typer.Exit(1)


@app.command()
def recovery(
    facilities: Annotated[int, typer.Option(min=100, help="of the city, one device each")] = 170_000,
    readings: Annotated[int, typer.Option(min=1, help="that each device has said within the remembered day")] = 12,
    rate: Annotated[float, typer.Option(min=12, help="readings a second while the worker is killed")] = 600.0,
    age: Annotated[
        float, typer.Option(parser=parse_duration, metavar="TIME", help="of work after the first whole snapshot")
    ] = "60s",  # type: ignore[assignment]  # typer parses the default too
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Kill a worker that holds the state of a whole city, and see how soon it is live again.

    `recovery_s` is from the kill to the first new commit in every partition, the supervisor's restart included;
    `snapshot_mb_per_s` how fast states become snapshots; `longest_stall_ms` how long folds ever stood still for them.

    Examples:
    - `eyes bench recovery --json | jq .recovery_s`
    - `eyes bench recovery --facilities 10000 --age 10s`
    """
    console = Console(stderr=True, highlight=False)
    configure_logs(LogSettings(level="warning"), "bench")
    result = bench_recovery(
        StackSettings.model_validate(PORTS),
        devices=facilities,
        readings=readings,
        rate=rate,
        age_s=age,
        report=lambda line: console.print(line, style="dim"),
    )
    if as_json:
        print(json.dumps(result.as_json()))
    else:
        _show(Console(highlight=False), "Recovery", result.as_json())


@app.command()
def fold(
    facilities: Annotated[
        int, typer.Option(min=100, help="of the city; one in twenty is a kerb before a camera")
    ] = 170_000,
    readings: Annotated[int, typer.Option(min=100, help="to fold, of all devices in turn")] = 1_000_000,
    camera_events: Annotated[
        int, typer.Option(min=100, help="to fold, of vehicles that pass, stand and leave")
    ] = 1_000_000,
    detectors: Annotated[
        str, typer.Option(metavar="NAMES", help="with commas between them; none: what the engine costs by itself")
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Fold readings and camera events with a whole city's state, on one core; needs no servers.

    CPU seconds of the fold alone, per million of each. `yardstick_s` is what a fixed piece of work took in the same
    run: divide by it to compare runs of different days or machines.

    Examples:
    - `eyes bench fold`
    - `eyes bench fold --facilities 10000 --json | jq .cpu_s_per_million_camera_events`
    - `eyes bench fold --detectors none`
    - `eyes bench fold --detectors silence,health --facilities 20000`
    """
    console = Console(stderr=True, highlight=False)
    try:
        chosen = named(detectors)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--detectors") from error
    result = bench_fold(
        facilities, readings, camera_events, lambda line: console.print(line, style="dim"), chosen
    ).as_json()
    if as_json:
        print(json.dumps(result))
    else:
        _show(Console(highlight=False), "Fold", result)


@app.command()
def decode(
    seconds: Annotated[
        float, typer.Option("--for", parser=parse_duration, metavar="TIME", help="how long to decode each format")
    ] = "3s",  # type: ignore[assignment]  # typer parses the default too
    as_json: Annotated[bool, typer.Option("--json", help="only the result, for programs")] = False,
) -> None:
    """Decode messages on one core, and set it against the mere parsing of the same bytes; needs no servers.

    `per_s` is messages a second (readings, for our batch format), `ratio` how many times as long as `json.loads` or
    the parser of protobuf alone.

    Examples:
    - `eyes bench decode`
    - `eyes bench decode --for 10s --json | jq '.[] | {format, per_s}'`
    """
    table = Table("format", "counted in", "decoded a second", "parsed alone a second", "ratio", title="Decoding")
    results = []
    for speed in bench_decode(seconds):
        results.append({**speed._asdict(), "ratio": round(speed.ratio, 2)})
        cells = (f"{speed.per_s:,.0f}", f"{speed.parsed_per_s:,.0f}", f"{speed.ratio:.1f}")
        table.add_row(speed.format, speed.unit, *cells)
    if as_json:
        print(json.dumps(results))
    else:
        Console(highlight=False).print(table)


def _show(console: Console, title: str, result: dict[str, Any]) -> None:
    table = Table(title=title, show_header=False)
    for name, value in result.items():
        if isinstance(value, dict):
            for process, seconds in sorted(value.items(), key=lambda item: -item[1]):
                table.add_row(f"CPU s per million: {process}", f"{seconds:,.1f}")
        else:
            table.add_row(name.replace("_", " "), _cell(value))
    console.print(table)


def _cell(value: str | float | None) -> str:
    if isinstance(value, str):
        return value or "-"
    return "-" if value is None else f"{value:,}"
