"""``eyes correlate``: the composed fold of all correlators over ``city.case-inputs.v1``, on Kafka."""

from typing import Final

from processors.correlators import ALL, GROUP, LATENESS_MS
from processors.engine.composed import PartitionFold
from processors.folding import Folding, fold
from runtime.lifecycle import Shutdown
from runtime.settings import Settings
from schemas.topics import ANOMALIES, CASE_INPUTS, CORRELATIONS, QUARANTINE

_FOLDING: Final = Folding(
    process="correlate",
    stage="correlate",
    group=GROUP,
    input=CASE_INPUTS,
    shelf=CORRELATIONS,
    others=(ANOMALIES, QUARANTINE),
    make_fold=lambda: PartitionFold(ALL, LATENESS_MS),
    restore=lambda shards: PartitionFold.restore(ALL, LATENESS_MS, shards),
)


def run(settings: Settings, shutdown: Shutdown) -> None:
    """Run a worker until ``shutdown`` is requested.

    Raises:
        FencedError: another process works under our instance name.
        OSError: the metrics port is taken.
    """
    fold(_FOLDING, settings, settings.correlators, shutdown)
