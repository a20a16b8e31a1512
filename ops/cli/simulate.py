"""``eyes simulate``: a whole city from a seed."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer
from rich.console import Console

from ops.cli.duration import parse_duration
from ops.cli.moment import parse_moment
from ops.feed import FeedOptions, run_feed
from ops.feed.start import after_last_tick
from ops.registry import load_registry
from ops.score.street.calendar import calendar_of
from ops.simulate.city.city import START_MS, City
from ops.simulate.city.feed import CityFeed
from ops.simulate.city.files import BUFFER_BYTES, message_line, write_registry, write_truth
from runtime.errors import FatalError
from runtime.lifecycle import Shutdown
from runtime.logs import configure_logs
from runtime.settings import load_settings
from schemas.model import format_rfc3339, from_ms, to_ms

LEARN_S: Final = 2.0  # ingest follows the registry; a device it has not heard of yet would be set aside
STATUS_S: Final = 1.0
LOOK_EVERY: Final = 1_000  # messages between two looks at the clock
UTC_OFFSET_MS: Final = 8 * 3_600_000
EXIT_INTERRUPTED: Final = 130

Progress = Callable[[str], None]


def _midnight(text: str) -> int:
    moment_ms = to_ms(parse_moment(text))
    if (moment_ms + UTC_OFFSET_MS) % 86_400_000:
        raise typer.BadParameter("a midnight in Xuchang, such as 2026-07-06T00:00:00+08:00: the city lives by its days")
    return moment_ms


def simulate(
    *,
    seed: Annotated[int, typer.Option(help="the same seed is the same city, byte by byte")] = 1,
    facilities: Annotated[
        int, typer.Option(min=1, max=200_000, help="at least so many: whole streets of a hundred")
    ] = 2_000,
    days: Annotated[int, typer.Option(min=1, max=366, help="how long")] = 1,
    start: Annotated[
        int | None, typer.Option(parser=_midnight, metavar="TIME", help="a local midnight; default: 2026-07-06")
    ] = None,
    noise: Annotated[float, typer.Option(min=0.0, max=5.0, help="scales all that is wrong; 0: a perfect world")] = 1.0,
    to: Annotated[str | None, typer.Option(metavar="mqtt", help="publish to the configured broker")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE|-", help="write the messages as `eyes decode` reads")
    ] = None,
    truth: Annotated[Path | None, typer.Option(metavar="FILE", help="write what was wrong, a line each")] = None,
    registry: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="write what is registered, and beside it the calendar")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.0, help="with mqtt: feed seconds per second; 0: as fast as it goes")
    ] = 0.0,
    wall: Annotated[
        float | None, typer.Option("--for", parser=parse_duration, metavar="TIME", help="with mqtt: stop after so long")
    ] = None,
    register: Annotated[bool, typer.Option(help="with mqtt: register the facilities first")] = True,
) -> None:
    """Make a city up: its registry, its MQTT traffic in the formats of real devices, and the truth about it.

    Streets of a hundred facilities each, with weather, traffic and demand, broken devices and lossy networks;
    incidents with known beginning and end, and near-misses that nobody should speak of. What one facility does depends
    on the seed and its own name alone. A summary in JSON ends the output (on standard error with `--out -`).

    Detectors never see the truth file; it is complete when all messages were made. `eyes score street` does it all in
    one process and compares.

    Examples:
    - `eyes simulate --seed 7 --facilities 500 --out city.ndjson --truth truth.ndjson --registry city.csv`
    - `eyes simulate --facilities 100 --out - | eyes decode | head`
    - `eyes simulate --facilities 170000 --to mqtt --speed 60 --truth truth.ndjson` (a stack with `clock.mode = "feed"`)
    """
    if to not in (None, "mqtt"):
        raise FatalError(f"--to {to}: known is mqtt")
    if to is None and out is None and truth is None and registry is None:
        raise FatalError("nothing is asked for: give --to mqtt, --out, --truth or --registry")
    if to is not None and out is not None:
        raise FatalError("--to and --out exclude each other: one run makes the messages once")
    settings = load_settings()
    if to is not None and start is None:
        start = after_last_tick(settings.kafka, START_MS)
    city = City(seed, facilities, days, noise, START_MS if start is None else start, site=settings.site)
    shutdown = Shutdown()
    shutdown.install()
    console = Console(stderr=True, highlight=False)
    if registry is not None:
        count = write_registry(registry, city.facilities, city.zones)
        calendar = registry.with_suffix(".calendar.json")
        calendar.write_text(calendar_of(city).calendar.model_dump_json(indent=2, by_alias=True), encoding="utf-8")
        console.print(f"{registry}: {count:,} facilities; their holidays: {calendar}", style="dim")
    summary: dict[str, Any] = {"seed": seed, "facilities": len(city.facilities), "days": days, "noise": noise}
    complete = True
    if to is not None:
        summary |= _published(city, speed, wall, shutdown, console, register=register)
    elif out is not None or truth is not None:
        made, complete = _written(city, out, shutdown, console)
        summary["messages"] = made
    if truth is not None:
        summary["truth"] = write_truth(truth, city.truth())
    print(json.dumps(summary), file=sys.stderr if str(out) == "-" else sys.stdout, flush=True)
    if not complete:
        raise typer.Exit(EXIT_INTERRUPTED)


def _written(city: City, out: Path | None, shutdown: Shutdown, console: Console) -> tuple[int, bool]:
    """Make all messages, and write them where they are wanted; how many, and whether to the end."""
    if out is None:
        return _make(city, None, shutdown, console)
    if str(out) == "-":
        return _make(city, sys.stdout.buffer, shutdown, console)
    with out.open("wb", buffering=BUFFER_BYTES) as file:
        return _make(city, file, shutdown, console)


def _make(city: City, file: IO[bytes] | None, shutdown: Shutdown, console: Console) -> tuple[int, bool]:
    made = 0
    status_s = time.monotonic() + STATUS_S
    with console.status("laying out the city ...") as line:
        for message in city.messages():
            made += 1
            if file is not None:
                file.write(message_line(message))
            if made % LOOK_EVERY:
                continue
            if shutdown.requested:
                return made, False
            if time.monotonic() >= status_s:
                status_s = time.monotonic() + STATUS_S
                line.update(f"{format_rfc3339(from_ms(message.at_ms))}  {made:,} messages (Ctrl-C ends it in order)")
    return made, True


def _published(
    city: City, speed: float, wall: float | None, shutdown: Shutdown, console: Console, *, register: bool
) -> dict[str, Any]:
    settings = load_settings()
    if settings.clock.mode == "wall":
        raise FatalError(
            "this stack runs on wall time (clock.mode), and the times of a simulated city are not today's: it would "
            'all be late. Make a fresh stack with clock.mode = "feed"'
        )
    configure_logs(settings.log, "simulate")
    if register:
        report = load_registry(settings, city.facilities, city.zones, (calendar_of(city),))
        if report.added or report.changed:
            console.print(f"registry: {report}", style="dim")
            time.sleep(LEARN_S)
    options = FeedOptions(speed=speed, for_s=wall)
    with console.status("publishing ...") as line:

        def paint(status: dict[str, Any]) -> None:
            line.update(f"{status['clock']}  {status['messages']:,} messages, {status['messages_per_s']:,.0f}/s")

        return run_feed(CityFeed(city), settings, options, shutdown=shutdown, on_status=paint).as_json()
