"""``eyes process``: all detectors of ``city.events`` as one composed fold, fed from Kafka."""

import time
from typing import Final

import structlog

from processors.detectors import ALL
from processors.engine.composed import PartitionFold
from processors.engine.kafka_adapter import KafkaSink, KafkaSource
from processors.engine.runner import Options, Runner
from processors.metrics import MetricsObserver
from runtime.errors import OutcomeUnknownError, RetryableError
from runtime.exposition import HealthReport, serve
from runtime.lifecycle import Progress, Shutdown, start_watchdog
from runtime.settings import Settings
from schemas.topics import EVENTS

log: Final = structlog.get_logger()

GROUP: Final = "eyes-processors"
METRICS_HOST: Final = "127.0.0.1"
BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0)


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Fold until asked to stop.

    Raises:
        FencedError: another process runs under our instance name.
        OSError: the metrics port is taken.
    """
    chosen = settings.processors
    progress = Progress(chosen.stall_s)
    observer = MetricsObserver(GROUP)
    state: dict[str, object] = {"connected": False, "recovering": [], "stopped": []}

    def health() -> HealthReport:
        return {"healthy": progress.healthy and bool(state["connected"]), **state}

    port = serve(METRICS_HOST, chosen.metrics_port, "processors", health)
    start_watchdog(progress, shutdown)
    log.info("process.started", detectors=[detector.name for detector in ALL], port=port)
    source = _connect(settings, shutdown)
    if source is None:
        return
    sink = KafkaSink(settings.kafka, f"{GROUP}-{chosen.instance}", EVENTS.name, source.membership)
    runner = Runner(
        source,
        sink,
        lambda: PartitionFold(ALL, int(settings.ingest.lateness_s * 1000)),
        Options(EVENTS.name, f"/{settings.site}/processors", chosen.commit_ms / 1000, chosen.poll_records),
        observer,
        progress,
        time.monotonic,
    )
    source.subscribe(runner)
    try:
        _loop(runner, shutdown, state)
    finally:
        sink.close()
        source.close()
    log.info("process.stopped")


def _connect(settings: Settings, shutdown: Shutdown) -> KafkaSource | None:
    """Kafka may come up after us; None when asked to stop before it did."""
    failures = 0
    while not shutdown.requested:
        try:
            return KafkaSource(settings.kafka, EVENTS.name, GROUP, settings.processors.instance)
        except RetryableError as error:
            failures += 1
            log.warning("kafka.away", error=str(error))
            shutdown.wait(_backoff(failures))
    return None


def _loop(runner: Runner, shutdown: Shutdown, state: dict[str, object]) -> None:
    failures = 0
    while not shutdown.requested:
        try:
            runner.step()
            failures = 0
            state.update(connected=True, recovering=runner.recovering, stopped=runner.stopped)
        except RetryableError as error:
            failures += 1
            state["connected"] = False
            log.warning("kafka.away", error=str(error), failures=failures)
            shutdown.wait(_backoff(failures))
    try:
        runner.close()
    except OutcomeUnknownError as error:
        log.warning("last transaction unknown; what comes next finds out", error=str(error))


def _backoff(failures: int) -> float:
    return BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
