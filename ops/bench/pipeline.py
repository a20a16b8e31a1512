"""``eyes bench pipeline``: single readings over MQTT, end to end into the database, on real servers of its own.

The rate that counts is readings / (time from the first publication to the last row), so a queue that has to be worked
off afterwards counts against it; and it counts only if the account says that nothing was lost or doubled.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from ops.accounting import Account, account_for
from ops.bench.fleet import facilities, fleet, zones
from ops.bench.place import READY_S, Place, Report, place, wait_until
from ops.bench.publisher import Load
from ops.feed.access import feeder_access
from ops.pipeline import member
from ops.registry import load_registry
from ops.run.snapshot import Samples, scrape
from runtime.errors import FatalError
from runtime.settings import Settings, StackSettings

DRAIN_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured; CPU in seconds per million readings, by process."""

    readings: int
    offered_per_s: float
    published_per_s: float
    stored_per_s: float
    drain_s: float
    arrival_to_row_p50_s: float | None
    arrival_to_row_p95_s: float | None
    cpu_s_per_million: dict[str, float]
    lost: int
    doubled: int

    def as_json(self) -> dict[str, Any]:
        """For programs; the key of the figure that part 2 asks for is ``stored_per_s``."""
        return asdict(self)


def bench_pipeline(stack: StackSettings, *, devices: int, rate: float, seconds: float, report: Report) -> Result:
    """Measure; everything lives in a temporary directory and is gone afterwards.

    Raises:
        FatalError: a process did not become well, or what was sent did not arrive in five minutes.
    """
    with place(stack, report, "ingest", "processors", "sequencer", "archive") as here:
        here.start()
        settings, cpu = here.settings, _cpu(here)
        crowd = fleet(devices)
        report(f"registering {len(crowd):,} devices")
        load_registry(settings, facilities(crowd), zones(crowd))
        wait_until(lambda: _ingest_knows(settings, len(crowd)), READY_S, "ingest to know the registry")
        before = cpu()
        sent_file = here.folder / "sent.ndjson"
        report(f"publishing {rate:,.0f} readings/s for {seconds:.0f} s")
        began = time.monotonic()
        said = _publish(settings, sent_file, devices=devices, rate=rate, seconds=seconds)
        published = time.monotonic()
        report(f"published {said['messages']:,} in {said['seconds']:.1f} s; waiting for the last row")
        wait_until(lambda: _rows(settings) >= said["messages"], DRAIN_S, "every reading to be stored")
        ended = time.monotonic()
        after = cpu()
        archive = scrape(member(settings, "archive").metrics_url)
        account = account_for(settings.database, sent_file)
        spent = {name: after[name] - before[name] for name in after} | {"publisher": said["cpu_s"]}
        return _result(said, account, archive, spent, rate=rate, total_s=ended - began, drain_s=ended - published)


def _result(
    said: dict[str, Any],
    account: Account,
    archive: Samples,
    spent: dict[str, float],
    *,
    rate: float,
    total_s: float,
    drain_s: float,
) -> Result:
    readings = int(said["messages"])
    return Result(
        readings=readings,
        offered_per_s=rate,
        published_per_s=round(readings / said["seconds"], 1),
        stored_per_s=round(account.stored / total_s, 1),
        drain_s=round(drain_s, 2),
        arrival_to_row_p50_s=archive.quantile("eyes_end_to_end_seconds", 0.5, stage="arrival_to_row"),
        arrival_to_row_p95_s=archive.quantile("eyes_end_to_end_seconds", 0.95, stage="arrival_to_row"),
        cpu_s_per_million={name: round(seconds / readings * 1e6, 1) for name, seconds in spent.items()},
        lost=account.lost,
        doubled=account.doubled,
    )


def _cpu(here: Place) -> Callable[[], dict[str, float]]:
    """A way to ask what CPU each server and process has used so far."""
    pids = {one.name: one.pid for one in here.supervisor.status() if one.pid}
    pids |= {one.name: one.pid for one in here.stack.status().servers if one.pid}
    return lambda: {name: _cpu_s(pid) for name, pid in pids.items()}


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process and all its children, those that ended included."""
    total = 0.0
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        times = process.cpu_times()
        total += times.user + times.system
        if process.pid == pid:
            total += times.children_user + times.children_system
    return total


def _publish(settings: Settings, sent_file: Path, *, devices: int, rate: float, seconds: float) -> dict[str, Any]:
    mqtt = feeder_access(settings)
    assert mqtt.username is not None
    assert mqtt.password is not None
    load = Load(
        host=mqtt.host,
        port=mqtt.port,
        username=mqtt.username,
        password=mqtt.password.get_secret_value(),
        site=settings.site,
        devices=devices,
        rate=rate,
        seconds=seconds,
        sent_file=str(sent_file),
    )
    answer = subprocess.run(
        [sys.executable, "-m", "ops.bench.publisher"],
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise FatalError("the publisher failed; what it said stands above")
    said: dict[str, Any] = json.loads(answer.stdout)
    return said


def _ingest_knows(settings: Settings, facilities: int) -> bool:
    return scrape(member(settings, "ingest").metrics_url).total("eyes_ingest_facilities") >= facilities


def _rows(settings: Settings) -> int:
    return int(scrape(member(settings, "archive").metrics_url).total("eyes_archive_rows_total", table="observations"))
