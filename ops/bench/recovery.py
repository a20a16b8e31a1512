"""``eyes bench recovery``: how soon a worker that is killed with the state of a whole city is live again.

The city's past is written into the log as ingest would have written it, and then its present goes on: readings at the
city's rate, and ticks. When every piece of the state has been written to the snapshots and has aged a while, the
worker is killed. It is live again when it has committed something new in every partition.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from ops.bench.fleet import facilities, fleet, zones
from ops.bench.log import CityLog
from ops.bench.place import Place, Report, place, wait_until
from ops.past import bounds, committed_offsets
from ops.pipeline import member
from ops.registry import load_registry
from ops.run.snapshot import Samples, scrape
from processors.engine.snapshot import SHARDS
from runtime.settings import Settings, StackSettings
from schemas.topics import EVENTS

CATCH_UP_S: Final = 1_800.0
RECOVER_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured; sizes in MB of 10^6 bytes."""

    recovery_s: float
    facilities: int
    readings: int
    readings_per_s: float
    state_mb: float
    snapshot_mb_per_s: float
    longest_snapshot_ms: float
    longest_stall_ms: float
    """The longest commit, snapshots and sending included: for so long no fold went on."""
    records_behind: int
    first_fold_readings_per_s: float

    def as_json(self) -> dict[str, Any]:
        """For programs; the key of the figure that part 2 asks for is ``recovery_s``."""
        return asdict(self)


def bench_recovery(
    stack: StackSettings, *, devices: int, readings: int, rate: float, age_s: float, report: Report
) -> Result:
    """Measure.

    Args:
        stack: ports of the servers.
        devices: facilities of the city, one device each.
        readings: how many each device has said within the remembered day.
        rate: readings a second while it is killed.
        age_s: how long the worker is at work after its first whole snapshot, before it is killed.
        report: told what is going on.

    Raises:
        FatalError: something did not happen in time.
    """
    with place(stack, report, "processors") as here:
        crowd = fleet(devices)
        report(f"registering {len(crowd):,} facilities")
        load_registry(here.settings, facilities(crowd), zones(crowd))
        report(f"writing {len(crowd) * readings:,} readings of the past day")
        log = CityLog(here.settings, crowd)
        log.past(readings)
        here.start()
        began = time.monotonic()
        wait_until(lambda: _behind(here.settings) == 0, CATCH_UP_S, "the worker to fold the past")
        folded_s = time.monotonic() - began
        report(f"folded in {folded_s:.0f} s; the present begins: {rate:,.0f} readings/s")
        log.begin_present(rate)
        try:
            return _kill(here, log, age_s, folded_s, len(crowd) * readings, report)
        finally:
            log.close()


def _kill(here: Place, log: CityLog, age_s: float, folded_s: float, past: int, report: Report) -> Result:
    settings = here.settings
    began = _metrics(here)  # caught up: what is written from here on is the whole state and no part of it on the way
    whole = began.total("eyes_processor_snapshots_total") + EVENTS.partitions * SHARDS
    wait_until(lambda: _metrics(here).total("eyes_processor_snapshots_total") >= whole, CATCH_UP_S, "a whole snapshot")
    before = _metrics(here)
    report(f"a whole snapshot is written; {age_s:.0f} s of work")
    time.sleep(age_s)
    metrics = _metrics(here)
    here.supervisor.kill("processors")
    killed = time.monotonic()
    committed = committed_offsets(
        settings.kafka
    )  # by the one that is dead: its successor needs longer than this to come
    wait_until(
        lambda: all(committed_offsets(settings.kafka).get(at, -1) > stood for at, stood in committed.items()),
        RECOVER_S,
        "a commit in every partition",
    )
    recovery_s = time.monotonic() - killed
    report("live again")
    again = _metrics(here)
    written = _since(began, before, "eyes_processor_snapshot_bytes_total")
    seconds = _since(began, before, "eyes_processor_snapshot_seconds_sum")
    return Result(
        recovery_s=round(recovery_s, 2),
        facilities=len(log.devices),
        readings=past + log.said,
        readings_per_s=round(log.rate, 1),
        state_mb=round(written / 1e6, 1),
        snapshot_mb_per_s=round(written / seconds / 1e6, 1),
        longest_snapshot_ms=round(1000 * metrics.total("eyes_processor_snapshot_longest_seconds"), 1),
        longest_stall_ms=round(1000 * metrics.total("eyes_processor_commit_longest_seconds"), 1),
        records_behind=round(again.total("eyes_processor_recovered_records_total")),
        first_fold_readings_per_s=round(past / folded_s, 1),
    )


def _since(began: Samples, now: Samples, name: str) -> float:
    return now.total(name) - began.total(name)


def _metrics(here: Place) -> Samples:
    return scrape(member(here.settings, "processors").metrics_url)


def _behind(settings: Settings) -> int:
    """Records in the log that are not committed yet."""
    found = bounds(settings.kafka)
    return sum(span.end - max(0, found.committed.get(partition, 0)) for partition, span in found.events.items())
