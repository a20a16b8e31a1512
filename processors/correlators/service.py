"""``eyes correlate``: the composed fold of all correlators over ``city.case-inputs.v1``, on Kafka."""

import time
from typing import Final

from processors.correlators import ALL, GROUP, LATENESS_MS
from processors.engine.composed import PartitionFold
from processors.engine.kafka_adapter import KafkaSink, KafkaSource
from processors.engine.kafka_shelf import KafkaShelf
from processors.engine.places import Places
from processors.engine.runner import Options, Runner
from processors.metrics import Meter
from processors.worker import Worker
from runtime.kafka import topic_id
from runtime.lifecycle import Progress, Shutdown
from runtime.settings import Settings
from schemas.topics import ANOMALIES, CASE_INPUTS, CORRELATIONS, QUARANTINE

TOPICS: Final = (CASE_INPUTS, ANOMALIES, QUARANTINE, CORRELATIONS)


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Run a worker until ``shutdown`` is requested.

    Raises:
        FencedError: another process works under our instance name.
        OSError: the metrics port is taken.
    """
    chosen = settings.correlators
    progress = Progress(chosen.stall_s)
    shelf = KafkaShelf(settings.kafka, CORRELATIONS.name, f"{GROUP}-{chosen.instance}-shelf")

    def make_loop(source: KafkaSource, sink: KafkaSink) -> Runner:
        return Runner(
            source=source,
            sink=sink,
            shelf=shelf,
            make_fold=lambda: PartitionFold(ALL, LATENESS_MS),
            restore=lambda shards: PartitionFold.restore(ALL, LATENESS_MS, shards),
            options=Options(
                topic=settings.kafka.topic_prefix + CASE_INPUTS.name,
                log_id=topic_id(settings.kafka, CASE_INPUTS),
                source=f"/{settings.site}/correlate",
                commit_s=chosen.commit_ms / 1000,
                poll_records=chosen.poll_records,
                snapshot_every_s=chosen.snapshot_s,
                snapshot_budget_s=chosen.snapshot_budget_ms / 1000,
                accept_gap=chosen.accept_gap,
                shelf=CORRELATIONS.name,
            ),
            observer=Meter(GROUP, lambda: time.time_ns() // 1_000_000),
            progress=progress,
            monotonic=time.monotonic,
        )

    worker = Worker(
        settings.kafka,
        shutdown,
        progress,
        group=GROUP,
        instance=chosen.instance,
        inputs=Places((CASE_INPUTS,)),
        topics=TOPICS,
        stage="correlate",
        make_loop=make_loop,
        let_go=shelf.close,
    )
    worker.serve(settings.metrics.host, chosen.metrics_port, "correlate")
