"""The figures of ``eyes sequence``; their names are fixed, dashboards and alerts stand on them."""

from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from processors.sequencer.copies import BEGINNING, Moment
from processors.sequencer.loop import Done
from runtime.latency import END_TO_END
from schemas.anomaly import Anomaly
from schemas.model import to_ms
from schemas.quarantine import Quarantined
from schemas.topics import TICKS, Topic

COPIED: Final = Counter("eyes_sequencer_events", "Events copied into city.case-inputs", ["topic"])
LAG: Final = Gauge("eyes_sequencer_lag_records", "Records in the log not copied yet", ["topic", "partition"])
COMMITS: Final = Counter("eyes_sequencer_commits", "Transactions committed")
COMMIT_SECONDS: Final = Histogram(
    "eyes_sequencer_commit_seconds",
    "Seconds per transaction",
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
TIME: Final = Gauge(
    "eyes_sequencer_watermark_seconds", "Time of the newest tick copied, at the worker that copies ticks", ["partition"]
)
STOPPED: Final = Gauge(
    "eyes_sequencer_stopped",
    "1 for a partition that waits for an operator because the log lost its offset",
    ["topic", "partition"],
)
QUARANTINED: Final = Counter("eyes_quarantined", "Events set aside by the sequencer", ["reason"])


class Meter:
    """The loop's :class:`~processors.sequencer.loop.Observer` that tells Prometheus."""

    def __init__(self, wall_ms: Callable[[], int]) -> None:
        """``wall_ms`` gives the wall time in milliseconds since the epoch."""
        self._wall_ms = wall_ms

    def committed(self, done: Sequence[Done], seconds: float) -> None:
        """See :class:`processors.sequencer.loop.Observer`."""
        COMMITS.inc()
        COMMIT_SECONDS.observe(seconds)
        now_ms = self._wall_ms()
        for one in done:
            if isinstance(one.what, Quarantined):
                QUARANTINED.labels(one.what.reason.value).inc()
                continue
            COPIED.labels(one.topic.name).inc()
            data = one.what.data
            if isinstance(data, Anomaly) and data.arrival_time is not None:
                END_TO_END.labels("arrival_to_case_input").observe(max(0.0, (now_ms - to_ms(data.arrival_time)) / 1000))

    def standing(self, topic: Topic, partition: int, lag: int | None, moment: Moment) -> None:
        """See :class:`processors.sequencer.loop.Observer`."""
        if lag is not None:
            LAG.labels(topic.name, partition).set(lag)
        STOPPED.labels(topic.name, partition).set(0)
        if topic is TICKS and moment != BEGINNING:
            TIME.labels(partition).set(moment.time_ms / 1000)

    def stopped(self, topic: Topic, partition: int) -> None:
        """See :class:`processors.sequencer.loop.Observer`."""
        STOPPED.labels(topic.name, partition).set(1)

    def gone(self, topic: Topic, partition: int) -> None:
        """See :class:`processors.sequencer.loop.Observer`."""
        for gauge in (LAG, STOPPED):
            gauge.remove(topic.name, partition)
        if topic is TICKS:
            TIME.remove(partition)
