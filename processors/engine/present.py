"""Shards of snapshots as the present code would have written them."""

import msgspec

from processors.engine.cast import Cast
from processors.engine.errors import SnapshotError
from processors.engine.snapshot import Shard
from processors.engine.works import TIMERS
from processors.engine.zone import upcast


def present(shard: Shard, cast: Cast, lateness_ms: int) -> Shard:
    """The same, of the present versions of the detectors.

    Raises:
        SnapshotError: it cannot be told from that.
    """
    if shard.lateness_ms < lateness_ms:
        raise SnapshotError(f"identities are remembered for {shard.lateness_ms} ms, not {lateness_ms}")
    versions = shard.cast.versions
    detectors = cast.resolve(versions)
    zones = shard.zones
    if {detector.name: detector.version for detector in detectors} != versions:
        zones = {name: upcast(detectors, versions, name, data) for name, data in zones.items()}
    labels = {detector.name for detector in detectors} | cast.tried(shard.cast) | {TIMERS}
    timers = [entry for entry in shard.timers if entry[2] in labels]  # of those whom the code still knows
    return msgspec.structs.replace(shard, zones=zones, timers=timers)
