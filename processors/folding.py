"""A worker that folds one topic on Kafka: what ``eyes process`` and ``eyes correlate`` have in common."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from processors.engine.composed import PartitionFold
from processors.engine.kafka_adapter import KafkaSink, KafkaSource
from processors.engine.kafka_shelf import KafkaShelf
from processors.engine.places import Places
from processors.engine.runner import Options, Runner
from processors.metrics import Meter
from processors.worker import Worker
from runtime.kafka import topic_id
from runtime.lifecycle import Progress, Shutdown
from runtime.memory import relax
from runtime.settings import ProcessorSettings, Settings
from schemas.topics import Topic


@dataclass(frozen=True, slots=True)
class Folding:
    """What is folded, from which topic, and what it is called."""

    process: str
    """Names the metrics endpoint and the source of what is said."""
    stage: str
    """Begins the names of the failpoints."""
    group: str
    input: Topic
    shelf: Topic
    """Where the snapshots are."""
    others: tuple[Topic, ...]
    """What must exist besides these two."""
    make_fold: Callable[[], PartitionFold]
    restore: Callable[[Iterable[bytes]], tuple[PartitionFold, int]]
    fetch: Callable[[Iterable[str]], None] = lambda _: None
    """Puts the models at hand that an event names."""


def fold(folding: Folding, settings: Settings, chosen: ProcessorSettings, shutdown: Shutdown) -> None:
    """Run a worker until ``shutdown`` is requested.

    Raises:
        FencedError: another process works under our instance name.
        OSError: the metrics port is taken.
    """
    relax()
    progress = Progress(chosen.stall_s)
    shelf = KafkaShelf(settings.kafka, folding.shelf.name, f"{folding.group}-{chosen.instance}-shelf")

    def make_loop(source: KafkaSource, sink: KafkaSink) -> Runner:
        return Runner(
            source=source,
            sink=sink,
            shelf=shelf,
            make_fold=folding.make_fold,
            restore=folding.restore,
            options=Options(
                topic=settings.kafka.topic_prefix + folding.input.name,
                log_id=topic_id(settings.kafka, folding.input),
                source=f"/{settings.site}/{folding.process}",
                commit_s=chosen.commit_ms / 1000,
                poll_records=chosen.poll_records,
                snapshot_every_s=chosen.snapshot_s,
                snapshot_budget_s=chosen.snapshot_budget_ms / 1000,
                accept_gap=chosen.accept_gap,
                shelf=folding.shelf.name,
            ),
            observer=Meter(folding.group, lambda: time.time_ns() // 1_000_000),
            progress=progress,
            monotonic=time.monotonic,
            fetch=folding.fetch,
        )

    worker = Worker(
        settings.kafka,
        shutdown,
        progress,
        group=folding.group,
        instance=chosen.instance,
        inputs=Places((folding.input,)),
        topics=(folding.input, folding.shelf, *folding.others),
        stage=folding.stage,
        make_loop=make_loop,
        let_go=shelf.close,
    )
    worker.serve(settings.metrics.host, chosen.metrics_port, folding.process)
