"""``eyes sequence``: the one ordered input of cases, on Kafka."""

import time
from typing import Final

from processors.engine.kafka_adapter import KafkaSink, KafkaSource
from processors.sequencer.copies import INPUTS
from processors.sequencer.loop import PLACES, Options, Sequencer
from processors.sequencer.metrics import Meter
from processors.worker import Worker
from runtime.lifecycle import Progress, Shutdown
from runtime.settings import Settings
from schemas.topics import CASE_INPUTS, QUARANTINE

GROUP: Final = "sequencer"
TOPICS: Final = (*(one.topic for one in INPUTS), CASE_INPUTS, QUARANTINE)


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Run a worker until ``shutdown`` is requested.

    Raises:
        FencedError: another process works under our instance name.
        OSError: the metrics port is taken.
    """
    chosen = settings.sequencer
    progress = Progress(chosen.stall_s)

    def make_loop(source: KafkaSource, sink: KafkaSink) -> Sequencer:
        return Sequencer(
            source=source,
            sink=sink,
            options=Options(
                source=f"/{settings.site}/sequence",
                prefix=settings.kafka.topic_prefix,
                commit_s=chosen.commit_ms / 1000,
                poll_records=chosen.poll_records,
                accept_gap=chosen.accept_gap,
            ),
            observer=Meter(lambda: time.time_ns() // 1_000_000),
            progress=progress,
            monotonic=time.monotonic,
        )

    worker = Worker(
        settings.kafka,
        shutdown,
        progress,
        group=GROUP,
        instance=chosen.instance,
        inputs=PLACES,
        topics=TOPICS,
        stage="sequence",
        make_loop=make_loop,
    )
    worker.serve(settings.metrics.host, chosen.metrics_port, "sequence")
