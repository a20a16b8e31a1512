"""``eyes process``: the composed fold of all detectors over ``city.events.v1``, on Kafka."""

import time
from collections.abc import Iterable
from typing import Final

import structlog

from processors.detectors import ALL, CANDIDATES, GROUP
from processors.engine.composed import PartitionFold
from processors.engine.kafka_adapter import KafkaSink, KafkaSource
from processors.engine.kafka_models import KafkaModels
from processors.engine.kafka_shelf import KafkaShelf
from processors.engine.places import Places
from processors.engine.runner import Options, Runner
from processors.engine.snapshot import models_of
from processors.metrics import Meter
from processors.worker import Worker
from runtime.kafka import topic_id
from runtime.lifecycle import Progress, Shutdown
from runtime.settings import Settings
from schemas.topics import ANOMALIES, DERIVED, EVENTS, MODELS, QUARANTINE, SHADOWS, SNAPSHOTS

log: Final = structlog.get_logger()

TOPICS: Final = (EVENTS, ANOMALIES, DERIVED, QUARANTINE, SHADOWS, SNAPSHOTS, MODELS)


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Run a worker until ``shutdown`` is requested.

    Raises:
        FencedError: another process works under our instance name.
        OSError: the metrics port is taken.
    """
    chosen = settings.processors
    progress = Progress(chosen.stall_s)
    lateness_ms = round(settings.ingest.lateness_s * 1000)
    shelf = KafkaShelf(settings.kafka, SNAPSHOTS.name, f"{GROUP}-{chosen.instance}-shelf")
    models = KafkaModels(settings.kafka, f"{GROUP}-{chosen.instance}-models")

    def fetch(digests: Iterable[str]) -> None:
        for digest in models.fetch(digests):
            log.error("no such model in the log: run `eyes water configure` for its network again", sha256=digest)

    def restore(shards: Iterable[bytes]) -> tuple[PartitionFold, int]:
        shards = list(shards)
        fetch(sorted(models_of(shards)))
        return PartitionFold.restore(ALL, lateness_ms, shards, CANDIDATES, models)

    def make_loop(source: KafkaSource, sink: KafkaSink) -> Runner:
        return Runner(
            source=source,
            sink=sink,
            shelf=shelf,
            make_fold=lambda: PartitionFold(ALL, lateness_ms, CANDIDATES, models),
            restore=restore,
            options=Options(
                topic=settings.kafka.topic_prefix + EVENTS.name,
                log_id=topic_id(settings.kafka, EVENTS),
                source=f"/{settings.site}/process",
                commit_s=chosen.commit_ms / 1000,
                poll_records=chosen.poll_records,
                snapshot_every_s=chosen.snapshot_s,
                snapshot_budget_s=chosen.snapshot_budget_ms / 1000,
                accept_gap=chosen.accept_gap,
            ),
            observer=Meter(GROUP, lambda: time.time_ns() // 1_000_000),
            progress=progress,
            monotonic=time.monotonic,
            fetch=fetch,
        )

    worker = Worker(
        settings.kafka,
        shutdown,
        progress,
        group=GROUP,
        instance=chosen.instance,
        inputs=Places((EVENTS,)),
        topics=TOPICS,
        stage="fold",
        make_loop=make_loop,
        let_go=shelf.close,
    )
    worker.serve(settings.metrics.host, chosen.metrics_port, "process")
