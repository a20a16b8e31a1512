"""The figures of ``eyes process``; their names are fixed, dashboards and alerts stand on them."""

from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from processors.engine.contract import Reading, Said
from processors.engine.counts import Counts
from processors.engine.ports import Standing
from runtime.latency import END_TO_END
from schemas.anomaly import Anomaly
from schemas.model import to_ms
from schemas.quarantine import Quarantined

EVENTS: Final = Counter(
    "eyes_processor_events_total", "Readings and other events folded, recovery included", ["processor", "partition"]
)
LAG: Final = Gauge("eyes_processor_lag_records", "Records in the log not folded yet", ["processor", "partition"])
FOLD_SECONDS: Final = Histogram(
    "eyes_processor_fold_seconds",
    "Seconds to fold the records of one partition of one poll",
    ["processor"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
BATCH_EVENTS: Final = Histogram(
    "eyes_processor_batch_events",
    "Events folded at once: those of one partition of one poll",
    buckets=(1, 10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000),
)
FINDINGS: Final = Counter("eyes_processor_findings_total", "Findings published", ["kind", "transition"])
DERIVED: Final = Counter("eyes_processor_derived_total", "Readings published that were made from others", ["property"])
DUPLICATES: Final = Counter("eyes_processor_duplicates_total", "Events that were seen before, recovery included")
CONFLICTS: Final = Counter("eyes_processor_conflicts_total", "Other values under a known identity")
LATE: Final = Counter("eyes_processor_late_total", "Events too old to be judged")
POISON: Final = Counter(
    "eyes_processor_poison_total", "Events at which a detector (or `decode`) failed, recovery included", ["detector"]
)
COMMITS: Final = Counter("eyes_processor_commits_total", "Transactions committed")
COMMIT_SECONDS: Final = Histogram(
    "eyes_processor_commit_seconds",
    "Seconds per transaction",
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SNAPSHOTS: Final = Counter("eyes_processor_snapshots_total", "Records of snapshots written")
SNAPSHOT_BYTES: Final = Counter("eyes_processor_snapshot_bytes_total", "Bytes of snapshots written")
SNAPSHOT_SECONDS: Final = Histogram(
    "eyes_processor_snapshot_seconds",
    "Seconds per transaction for which the folds stood still while snapshots were made",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
SNAPSHOT_LONGEST: Final = Gauge(
    "eyes_processor_snapshot_longest_seconds", "The longest that the folds stood still for snapshots since the start"
)
RECOVERED: Final = Counter(
    "eyes_processor_recovered_records_total",
    "Records folded again to make a state, whose outputs were published before",
)
DISTRUSTED: Final = Counter(
    "eyes_processor_snapshots_distrusted_total", "Snapshots found to be of no use when a state was to be made of them"
)
COMMIT_LONGEST: Final = Gauge(
    "eyes_processor_commit_longest_seconds",
    "The longest that a transaction took since the start, its snapshots included",
)
WATERMARK: Final = Gauge("eyes_processor_watermark_seconds", "Time of the newest tick folded", ["partition"])
RECOVERING: Final = Gauge("eyes_processor_recovering", "1 while the state of a partition is made", ["partition"])
TIMERS: Final = Gauge("eyes_processor_timers", "Timers armed", ["partition"])
STOPPED: Final = Gauge(
    "eyes_processor_stopped",
    "1 for a partition that waits for an operator: neither log nor snapshots hold what it needs, or the engine fails",
    ["partition"],
)
QUARANTINED: Final = Counter("eyes_quarantined_total", "Events set aside by the processors", ["reason"])

_BY_PARTITION: Final = (WATERMARK, RECOVERING, TIMERS, STOPPED)


class Meter:
    """The loop's :class:`~processors.engine.ports.Observer` that tells Prometheus."""

    def __init__(self, processor: str, wall_ms: Callable[[], int]) -> None:
        """``wall_ms`` gives the wall time in milliseconds since the epoch."""
        self._processor = processor
        self._wall_ms = wall_ms
        self._longest_s = 0.0
        self._longest_commit_s = 0.0

    def folded(self, partition: int, counts: Counts, seconds: float) -> None:
        """See :class:`processors.engine.ports.Observer`."""
        EVENTS.labels(self._processor, partition).inc(counts.events)
        FOLD_SECONDS.labels(self._processor).observe(seconds)
        BATCH_EVENTS.observe(counts.events)
        DUPLICATES.inc(counts.duplicates)
        CONFLICTS.inc(counts.conflicts)
        LATE.inc(counts.late)
        for detector, number in counts.poison.items():
            POISON.labels(detector).inc(number)

    def standing(self, partition: int, standing: Standing) -> None:
        """See :class:`processors.engine.ports.Observer`."""
        if standing.lag is not None:
            LAG.labels(self._processor, partition).set(standing.lag)
        if standing.now_ms:
            WATERMARK.labels(partition).set(standing.now_ms / 1000)
        RECOVERING.labels(partition).set(standing.recovering)
        TIMERS.labels(partition).set(standing.timers)
        STOPPED.labels(partition).set(0)

    def committed(self, outputs: Sequence[Said], seconds: float) -> None:
        """See :class:`processors.engine.ports.Observer`."""
        COMMITS.inc()
        COMMIT_SECONDS.observe(seconds)
        self._longest_commit_s = max(self._longest_commit_s, seconds)
        COMMIT_LONGEST.set(self._longest_commit_s)
        now_ms = self._wall_ms()
        for output in outputs:
            if isinstance(output, Anomaly):
                FINDINGS.labels(output.kind.value, output.transition.value).inc()
                if output.arrival_time is not None:
                    waited_s = max(0.0, (now_ms - to_ms(output.arrival_time)) / 1000)
                    END_TO_END.labels("arrival_to_anomaly").observe(waited_s)
            elif isinstance(output, Reading):
                DERIVED.labels(output.series.observed_property).inc()
            elif isinstance(output, Quarantined):
                QUARANTINED.labels(output.reason.value).inc()

    def stored(self, number: int, size: int, seconds: float) -> None:
        """See :class:`processors.engine.ports.Observer`."""
        SNAPSHOTS.inc(number)
        SNAPSHOT_BYTES.inc(size)
        SNAPSHOT_SECONDS.observe(seconds)
        self._longest_s = max(self._longest_s, seconds)
        SNAPSHOT_LONGEST.set(self._longest_s)

    def distrusted(self, partition: int, number: int) -> None:  # noqa: ARG002 - which one, the log says
        """See :class:`processors.engine.ports.Observer`."""
        DISTRUSTED.inc(number)

    def recovered(self, records: int) -> None:
        """See :class:`processors.engine.ports.Observer`."""
        RECOVERED.inc(records)

    def stopped(self, partition: int) -> None:
        """See :class:`processors.engine.ports.Observer`."""
        STOPPED.labels(partition).set(1)
        RECOVERING.labels(partition).set(0)

    def gone(self, partition: int) -> None:
        """See :class:`processors.engine.ports.Observer`."""
        for gauge in _BY_PARTITION:
            gauge.remove(partition)
        LAG.remove(self._processor, partition)
        EVENTS.remove(self._processor, partition)
