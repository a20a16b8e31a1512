"""``eyes process``: the composed fold of all detectors over ``city.events.v1``, on Kafka."""

from collections.abc import Iterable
from typing import Final

import structlog

from processors.detectors import ALL, CANDIDATES, GROUP
from processors.engine.composed import PartitionFold
from processors.engine.kafka_models import KafkaModels
from processors.engine.snapshot import models_of
from processors.folding import Folding, fold
from runtime.lifecycle import Shutdown
from runtime.settings import Settings
from schemas.topics import ANOMALIES, DERIVED, EVENTS, MODELS, QUARANTINE, SHADOWS, SNAPSHOTS

log: Final = structlog.get_logger()


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Run a worker until ``shutdown`` is requested.

    Raises:
        FencedError: another process works under our instance name.
        OSError: the metrics port is taken.
    """
    chosen = settings.processors
    lateness_ms = round(settings.ingest.lateness_s * 1000)
    models = KafkaModels(settings.kafka, f"{GROUP}-{chosen.instance}-models")

    def fetch(digests: Iterable[str]) -> None:
        for digest in models.fetch(digests):
            log.error("no such model in the log: run `eyes water configure` for its network again", sha256=digest)

    def restore(shards: Iterable[bytes]) -> tuple[PartitionFold, int]:
        shards = list(shards)
        fetch(sorted(models_of(shards)))
        return PartitionFold.restore(ALL, lateness_ms, shards, CANDIDATES, models)

    folding = Folding(
        process="process",
        stage="fold",
        group=GROUP,
        input=EVENTS,
        shelf=SNAPSHOTS,
        others=(ANOMALIES, DERIVED, QUARANTINE, SHADOWS, MODELS),
        make_fold=lambda: PartitionFold(ALL, lateness_ms, CANDIDATES, models),
        restore=restore,
        fetch=fetch,
    )
    fold(folding, settings, chosen, shutdown)
