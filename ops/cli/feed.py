"""``eyes feed``: publish a demo, a year of a water network, or a recording, as devices would."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from ops.cli.duration import parse_duration
from ops.cli.moment import parse_moment
from ops.cli.water import run as configure_network
from ops.feed import Disturbances, FeedOptions, run_feed
from ops.feed.disturb import DEMO
from ops.feed.ltown import Ltown
from ops.feed.replay import Replay
from ops.feed.sources import Devices, Feedable
from ops.feed.start import after_last_tick
from ops.registry import load_registry
from ops.simulate.demo import DEMO_SEED, DEMO_START_MS, Demo
from ops.simulate.model import DAY_MS, Source
from ops.water.configure import Configuration, plan_of
from runtime.errors import FatalError
from runtime.lifecycle import Shutdown
from runtime.logs import configure_logs
from runtime.settings import Settings, load_settings
from schemas.model import to_ms

app = typer.Typer(
    help="Publish over MQTT as devices would, on the feed's clock. A summary in JSON ends the output.",
    no_args_is_help=True,
)

WEEK_MS: Final = 7 * DAY_MS
NEXT: Final = -1  # instead of a time: what comes after all that was fed
LEARN_S = 2.0  # ingest follows the registry; a device it has not heard of yet would be set aside


def _time(text: str) -> int:
    """Milliseconds of a date or time."""
    return to_ms(parse_moment(text))


def _speed(text: str | float) -> float:
    """How many feed seconds a second, e.g. 1000 or 1000x."""
    try:
        speed = float(str(text).removesuffix("x"))
    except ValueError:
        speed = -1.0
    if not 0 <= speed < math.inf:
        raise typer.BadParameter(f"{text} is no speed; e.g. 1000x, or 0 for as fast as it goes")
    return speed


def _start(text: str) -> int:
    """A time, or :data:`NEXT`."""
    return NEXT if text == "next" else _time(text)


Speed = Annotated[
    float,
    typer.Option(parser=_speed, metavar="SPEED", help="feed seconds per second, e.g. 1000x; 0: as fast as it goes"),
]
For = Annotated[
    float | None, typer.Option("--for", parser=parse_duration, metavar="TIME", help="stop after so long, e.g. 60s")
]
FeedFor = Annotated[
    float | None, typer.Option(parser=parse_duration, metavar="TIME", help="stop after so much feed time, e.g. 48h")
]
Step = Annotated[float, typer.Option("--clock-step", help="feed seconds between two messages of the clock")]
Seed = Annotated[int, typer.Option(help="the same seed is the same feed")]
Share = Annotated[float, typer.Option(min=0.0, max=1.0, help="share of all messages, 0 to 1")]
AsNow = Annotated[bool, typer.Option("--as-now", help="for a stack on wall time: shifted to now, at speed 1")]
Sent = Annotated[Path | None, typer.Option(help="write a line for every reading that was sent")]
Truth = Annotated[Path | None, typer.Option(help="write what was planted, when the feed ends")]
TruthFd = Annotated[int | None, typer.Option(help="the same, to a file descriptor that is open already")]
Status = Annotated[Path | None, typer.Option("--status-file", help="replaced every second while feeding")]
Register = Annotated[bool, typer.Option(help="register the facilities first")]


@app.command()
def demo(
    *,
    speed: Speed = 2880.0,
    wall: For = None,
    feed_for: FeedFor = None,
    clock_step: Step = 60.0,
    seed: Seed = DEMO_SEED,
    start: Annotated[
        int | None, typer.Option(parser=_time, metavar="TIME", help="default: the midnight after all that was fed")
    ] = None,
    duplicates: Share = DEMO.duplicates,
    conflicts: Share = DEMO.conflicts,
    reordered: Share = DEMO.reordered,
    garbage: Share = DEMO.garbage,
    unregistered: Share = DEMO.unregistered,
    sent: Sent = None,
    truth: Truth = None,
    truth_fd: TruthFd = None,
    status: Status = None,
    register: Register = True,
    as_now: AsNow = False,
) -> None:
    """A street and a water network with incidents. Example: `eyes feed demo --speed 2880 --for 60s`."""
    settings = load_settings()
    if as_now:
        start = _now_ms()
    elif start is None:
        start = after_last_tick(settings.kafka, DEMO_START_MS)
    rates = _rates(duplicates, conflicts, reordered, garbage, unregistered)
    options = _options(speed, wall, feed_for, clock_step, sent=sent, truth=truth, truth_fd=truth_fd, status=status)
    _feed_devices(settings, Demo(seed, start), rates, options, seed=seed, register=register, as_now=as_now)


@app.command()
def ltown(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="with scada_5min_centi.parquet in it")],
    *,
    begin: Annotated[int | None, typer.Option("--from", parser=_time, metavar="TIME", help="first row")] = None,
    end: Annotated[int | None, typer.Option("--to", parser=_time, metavar="TIME", help="before this row")] = None,
    speed: Speed = 2880.0,
    wall: For = None,
    feed_for: FeedFor = None,
    clock_step: Step = 60.0,
    seed: Seed = 1,
    duplicates: Share = 0.0,
    conflicts: Share = 0.0,
    reordered: Share = 0.0,
    garbage: Share = 0.0,
    unregistered: Share = 0.0,
    sent: Sent = None,
    truth: Truth = None,
    truth_fd: TruthFd = None,
    status: Status = None,
    register: Register = True,
    network: Annotated[
        Path | None, typer.Option(metavar="FILE", help="EPANET file of the town; default: L-TOWN.inp beside DIR")
    ] = None,
    configure: Annotated[
        bool, typer.Option("--configure", help="also tell the leak detectors of the network, as `eyes water configure`")
    ] = False,
    start_at: Annotated[
        int | None,
        typer.Option(parser=_start, metavar="TIME", help="shift it to begin then; `next`: after all that was fed"),
    ] = None,
    as_now: AsNow = False,
) -> None:
    """A year of L-Town-R: pressures, flows, level and household meters.

    Without --start-at the times are those of the data. The clock of a stack never goes back, so a second year (or the
    same one again) wants `--start-at next`, which shifts it by whole weeks.

    Examples:
    `eyes feed ltown ../shared/data/ltown/ltown_2018 --configure --speed 1000x`

    `eyes feed ltown ../shared/data/ltown/scen_1 --from 2018-01-20 --to 2018-03-01 --start-at next`
    """
    settings = load_settings()
    source = Ltown(folder, begin, end, network_file=network)
    begins_ms = source.start_ms
    if as_now and start_at is not None:
        raise FatalError("--as-now and --start-at contradict each other")
    if as_now:
        start_at = _now_ms()
    elif start_at == NEXT:
        weeks = -(-(after_last_tick(settings.kafka, begins_ms) - begins_ms) // WEEK_MS)
        start_at = begins_ms + weeks * WEEK_MS
    if start_at is not None:
        source = Ltown(folder, begin, end, start_at - begins_ms, network)
    town = source.town
    piped = plan_of(town.sensors, town.inp, town.network, town.inp or folder, register=False) if configure else None
    rates = _rates(duplicates, conflicts, reordered, garbage, unregistered)
    options = _options(speed, wall, feed_for, clock_step, sent=sent, truth=truth, truth_fd=truth_fd, status=status)
    _feed_devices(settings, source, rates, options, seed=seed, register=register, as_now=as_now, piped=piped)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help='lines of {"topic": ..., "payload": ..., "at": ...}')],
    *,
    speed: Speed = 1.0,
    wall: For = None,
    feed_for: FeedFor = None,
    clock_step: Step = 60.0,
    sent: Sent = None,
    status: Status = None,
    as_now: AsNow = False,
) -> None:
    """Recorded messages again, in their own rhythm. Example: `eyes feed replay messages.ndjson --speed 60`."""
    source = Replay(file)
    begins_ms = source.start_ms  # a file that cannot be read is told before anybody connects
    if as_now:
        source = Replay(file, _now_ms() - begins_ms)
    options = _options(speed, wall, feed_for, clock_step, sent=sent, truth=None, truth_fd=None, status=status)
    _feed(load_settings(), source, options, as_now=as_now)


def _rates(duplicates: float, conflicts: float, reordered: float, garbage: float, unregistered: float) -> Disturbances:
    return Disturbances(
        duplicates=duplicates, conflicts=conflicts, reordered=reordered, garbage=garbage, unregistered=unregistered
    )


def _options(
    speed: float, wall: float | None, feed_for: float | None, clock_step: float,
    *, sent: Path | None, truth: Path | None, truth_fd: int | None, status: Path | None,
) -> FeedOptions:  # fmt: skip
    return FeedOptions(
        speed=speed, for_s=wall, feed_for_s=feed_for, clock_step_s=clock_step,
        sent=sent, truth=truth, truth_fd=truth_fd, status=status,
    )  # fmt: skip


def _feed_devices(
    settings: Settings,
    source: Source,
    rates: Disturbances,
    options: FeedOptions,
    *,
    seed: int,
    register: bool,
    as_now: bool,
    piped: Configuration | None = None,
) -> None:
    _check_clock(settings, as_now=as_now)
    if register:
        report = load_registry(settings, source.facilities, source.zones)
        if report.added or report.changed:
            _say(f"registry: {report}")
            time.sleep(LEARN_S)
    if piped is not None:
        done = configure_network(settings, piped)
        _say(f"network: {done.registry}; model {done.model or 'none'}, {done.model_bytes / 1024:,.0f} KiB")
    oversize = (settings.ingest.message_max_kib + 1) * 1024
    devices = Devices(source, site=settings.site, seed=seed, disturbances=rates, oversize_bytes=oversize)
    _feed(settings, devices, options, as_now=as_now)


def _feed(settings: Settings, source: Feedable, options: FeedOptions, *, as_now: bool) -> None:
    _check_clock(settings, as_now=as_now)
    configure_logs(settings.log, "feed")
    if as_now:
        options = FeedOptions(
            for_s=options.for_s, feed_for_s=options.feed_for_s, with_clock=settings.clock.mode == "feed",
            sent=options.sent, truth=options.truth, truth_fd=options.truth_fd, status=options.status,
        )  # fmt: skip
    shutdown = Shutdown()
    shutdown.install()
    terminal = Console(stderr=True)
    if terminal.is_terminal:
        with terminal.status("feeding ...") as line:
            report = run_feed(source, settings, options, shutdown=shutdown, on_status=_painter(line.update))
    else:
        report = run_feed(source, settings, options, shutdown=shutdown)
    print(json.dumps(report.as_json()), flush=True)


def _check_clock(settings: Settings, *, as_now: bool) -> None:
    """Recorded times on a wall clock would all be late, and nothing would be judged.

    Raises:
        FatalError: saying what to do.
    """
    if settings.clock.mode == "wall" and not as_now:
        raise FatalError(
            "this stack runs on wall time (clock.mode), and the times of a feed are not today's: it would all be "
            'late. Feed it with --as-now (shifted to now, at speed 1), or make a fresh stack with clock.mode = "feed"'
        )


def _painter(update: Callable[[str], None]) -> Callable[[dict[str, Any]], None]:
    def paint(status: dict[str, Any]) -> None:
        update(
            f"{status['clock']}  {status['messages']:,} messages, {status['messages_per_s']:,.0f}/s, "
            f"{status['in_flight']} in flight (Ctrl-C ends it in order)"
        )

    return paint


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _say(text: str) -> None:
    Console(stderr=True).print(text, style="dim", highlight=False)
