"""``eyes process``: the composed fold of all detectors over ``city.events.v1``, on Kafka."""

import time
from typing import Final

import structlog

from processors.detectors import ALL, CANDIDATES, GROUP
from processors.engine.composed import PartitionFold
from processors.engine.kafka_adapter import KafkaSink, KafkaSource, retryable
from processors.engine.kafka_shelf import KafkaShelf
from processors.engine.runner import Options, Runner
from processors.metrics import Meter
from runtime.errors import OutcomeUnknownError, RetryableError
from runtime.exposition import HealthReport, serve
from runtime.kafka import require_topics
from runtime.lifecycle import Progress, Shutdown, start_watchdog
from runtime.settings import Settings
from schemas.topics import ANOMALIES, EVENTS, QUARANTINE, SHADOWS, SNAPSHOTS

log: Final = structlog.get_logger()

TOPICS: Final = (EVENTS, ANOMALIES, QUARANTINE, SHADOWS, SNAPSHOTS)
_RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)


class Service:
    """One worker of the group."""

    def __init__(self, settings: Settings, shutdown: Shutdown) -> None:
        """Nothing is connected before :meth:`run`."""
        self._settings = settings
        self._shutdown = shutdown
        self.progress = Progress(settings.processors.stall_s)
        self._runner: Runner | None = None
        self._trouble = "not connected yet"

    def report(self) -> HealthReport:
        """What ``/healthz`` says: whether the work gets done and no partition waits for an operator."""
        runner = self._runner
        return {
            "healthy": self.progress.healthy and not (runner is not None and runner.stopped),
            "stalledForS": round(self.progress.stalled_for_s, 1),
            "trouble": self._trouble,
            "live": [] if runner is None else runner.live,
            "recovering": [] if runner is None else runner.recovering,
            "stopped": [] if runner is None else runner.stopped,
        }

    def run(self) -> None:
        """Work until asked to end; Kafka may be away for any length of time.

        Raises:
            FencedError: another process works under our instance name.
        """
        source = self._connect()
        if source is None:
            return
        sink = self._sink(source)
        kafka = self._settings.kafka
        shelf = KafkaShelf(kafka, SNAPSHOTS.name, f"{GROUP}-{self._settings.processors.instance}-shelf")
        try:
            runner = self._runner = self._make_runner(source, sink, shelf)
            source.subscribe(runner)
            self._work(runner)
            runner.close()
        except OutcomeUnknownError as error:  # of the last commit: whoever comes next finds out
            log.warning("ended in doubt", error=str(error))
        finally:
            sink.close()
            shelf.close()
            source.close()

    def _connect(self) -> KafkaSource | None:
        failures = 0
        while not self._shutdown.requested:
            try:
                with retryable():
                    require_topics(self._settings.kafka, TOPICS)
                return KafkaSource(self._settings.kafka, EVENTS.name, GROUP, self._settings.processors.instance)
            except RetryableError as error:
                failures = self._wait(error, failures)
        return None

    def _sink(self, source: KafkaSource) -> KafkaSink:
        transactional_id = f"{GROUP}-{self._settings.processors.instance}"
        return KafkaSink(self._settings.kafka, transactional_id, EVENTS.name, source.membership)

    def _make_runner(self, source: KafkaSource, sink: KafkaSink, shelf: KafkaShelf) -> Runner:
        settings = self._settings
        lateness_ms = round(settings.ingest.lateness_s * 1000)
        return Runner(
            source=source,
            sink=sink,
            shelf=shelf,
            make_fold=lambda: PartitionFold(ALL, lateness_ms, CANDIDATES),
            restore=lambda shards: PartitionFold.restore(ALL, lateness_ms, shards, CANDIDATES),
            options=Options(
                topic=settings.kafka.topic_prefix + EVENTS.name,
                source=f"/{settings.site}/process",
                commit_s=settings.processors.commit_ms / 1000,
                poll_records=settings.processors.poll_records,
                snapshot_every_s=settings.processors.snapshot_s,
                snapshot_budget_s=settings.processors.snapshot_budget_ms / 1000,
                accept_gap=settings.processors.accept_gap,
            ),
            observer=Meter(GROUP, lambda: time.time_ns() // 1_000_000),
            progress=self.progress,
            monotonic=time.monotonic,
        )

    def _work(self, runner: Runner) -> None:
        failures = 0
        while not self._shutdown.requested:
            try:
                runner.step()
            except RetryableError as error:
                failures = self._wait(error, failures)
            else:
                failures = 0
                self._trouble = ""

    def _wait(self, error: RetryableError, failures: int) -> int:
        self._trouble = str(error)
        self.progress.done()  # waiting for a server is no fault of ours that a restart would mend
        log.warning("waiting for kafka", error=str(error))
        self._shutdown.wait(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
        return failures + 1


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Run a worker until ``shutdown`` is requested.

    Raises:
        FencedError: another process works under our instance name.
        OSError: the metrics port is taken.
    """
    service = Service(settings, shutdown)
    port = serve(settings.metrics.host, settings.processors.metrics_port, "process", service.report)
    log.info("metrics_served", port=port)
    start_watchdog(service.progress)
    service.run()
    log.info("ended")
