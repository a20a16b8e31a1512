"""What the processors process exposes on ``/metrics``; labels of a partition that is no longer ours disappear."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from processors.engine.composed import Counts
from processors.engine.ports import Standing
from runtime.latency import END_TO_END
from schemas.anomaly import Anomaly
from schemas.model import Model
from schemas.quarantine import Quarantined

_BY_PARTITION: Final = ["processor", "partition"]
_SHORT: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

EVENTS: Final = Counter("eyes_processor_events", "Readings and other events folded", _BY_PARTITION)
LAG: Final = Gauge("eyes_processor_lag_records", "Records in the log that are not folded yet", _BY_PARTITION)
FOLD: Final = Histogram("eyes_processor_fold_seconds", "Folding one polled run", ["processor"], buckets=_SHORT)
FINDINGS: Final = Counter("eyes_processor_findings", "Steps of findings published", ["kind", "transition"])
DUPLICATES: Final = Counter("eyes_processor_duplicates", "Readings folds had already seen")
CONFLICTS: Final = Counter("eyes_processor_conflicts", "Readings whose identity stood for another value")
LATE: Final = Counter("eyes_processor_late", "Readings too old to be judged")
POISON: Final = Counter("eyes_processor_poison", "Events a fold failed on, set aside", ["detector"])
COMMITS: Final = Counter("eyes_processor_commits", "Transactions")
COMMIT: Final = Histogram("eyes_processor_commit_seconds", "One transaction", buckets=_SHORT)
BATCH: Final = Histogram(
    "eyes_processor_batch_events", "Events in one polled run", buckets=(1, 5, 10, 50, 100, 500, 1000, 5000, 20000)
)
WATERMARK: Final = Gauge("eyes_processor_watermark_seconds", "Clock time of the newest tick folded", ["partition"])
RECOVERING: Final = Gauge("eyes_processor_recovering", "1 while the state is being made from the log", ["partition"])
TIMERS: Final = Gauge("eyes_processor_timers", "Timers set", ["partition"])
STOPPED: Final = Gauge("eyes_processor_stopped_partitions", "Partitions that wait for an operator")
QUARANTINED: Final = Counter("eyes_quarantined", "Inputs set aside because they cannot be understood", ["reason"])


class MetricsObserver:
    """Counts what the loop does (:class:`processors.engine.ports.Observer`)."""

    def __init__(self, processor: str) -> None:
        self._processor = processor
        self._seen: dict[int, Counts] = {}
        self._stopped: set[int] = set()

    def folded(self, partition: int, counts: Counts, seconds: float) -> None:
        """Counts grow from the partition's making on, so a smaller one is a partition made anew."""
        before = self._seen.get(partition)
        if before is None or counts.events < before.events:
            before = Counts()
        events = counts.events - before.events
        EVENTS.labels(self._processor, partition).inc(events)
        FOLD.labels(self._processor).observe(seconds)
        BATCH.observe(events)
        DUPLICATES.inc(max(0, counts.duplicates - before.duplicates))
        CONFLICTS.inc(max(0, counts.conflicts - before.conflicts))
        LATE.inc(max(0, counts.late - before.late))
        for detector, number in counts.poison.items():
            POISON.labels(detector).inc(max(0, number - before.poison[detector]))
        self._seen[partition] = Counts(
            counts.events, counts.duplicates, counts.conflicts, counts.late, counts.poison.copy()
        )

    def standing(self, partition: int, standing: Standing) -> None:
        """Gauges of a partition."""
        if standing.lag is not None:
            LAG.labels(self._processor, partition).set(standing.lag)
        WATERMARK.labels(partition).set(standing.now_ms / 1000)
        RECOVERING.labels(partition).set(standing.recovering)
        TIMERS.labels(partition).set(standing.timers)

    def committed(self, outputs: Sequence[Model], seconds: float) -> None:
        """A transaction, and how long its findings took from arrival."""
        COMMITS.inc()
        COMMIT.observe(seconds)
        now = datetime.now(UTC)
        for output in outputs:
            if isinstance(output, Anomaly):
                FINDINGS.labels(output.kind.value, output.transition.value).inc()
                if output.arrival_time is not None:
                    age_s = (now - output.arrival_time).total_seconds()
                    END_TO_END.labels("arrival_to_anomaly").observe(max(0.0, age_s))
            elif isinstance(output, Quarantined):
                QUARANTINED.labels(output.reason.value).inc()

    def stopped(self, partition: int) -> None:
        """A partition waits for an operator."""
        self._stopped.add(partition)
        STOPPED.set(len(self._stopped))

    def gone(self, partition: int) -> None:
        """A partition's labels disappear with it."""
        self._stopped.discard(partition)
        STOPPED.set(len(self._stopped))
        if self._seen.pop(partition, None) is not None:
            EVENTS.remove(self._processor, partition)
        for by_both in (LAG,):
            _forget(by_both, self._processor, partition)
        for by_partition in (WATERMARK, RECOVERING, TIMERS):
            _forget(by_partition, partition)


def _forget(gauge: Gauge, *labels: object) -> None:
    try:
        gauge.remove(*labels)
    except KeyError:  # it was never set
        return
