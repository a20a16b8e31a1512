"""A fold's state, looked at from outside and taken through its own snapshot."""

from typing import Any

from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector
from processors.engine.slot import Slot
from processors.engine.snapshot import SHARDS, shard_of

State = tuple[bytes, ...]


class Earless:
    """A detector that hears every reading in full: a short cut must not be told from the long way."""

    def __init__(self, detector: Detector[Any]) -> None:
        self._detector = detector

    def __getattr__(self, name: str) -> Any:
        if name in {"ear", "calm"}:
            raise AttributeError(name)
        return getattr(self._detector, name)


def state(fold: PartitionFold, offset: int = 0) -> State:
    """Every shard; equal for folds that will behave equally."""
    return tuple(fold.snapshot(shard, offset) for shard in range(SHARDS))


def restored(fold: PartitionFold) -> PartitionFold:
    """A fold made of the snapshot of this one, which says the same of itself."""
    data = state(fold)
    known = tuple(fold._cast._known.values())
    again, offset = PartitionFold.restore(fold._cast._detectors, fold._lateness_ms, data, known, fold._models)
    assert offset == 0
    assert state(again) == data
    again, _ = PartitionFold.restore(  # nothing of it decoded yet
        fold._cast._detectors, fold._lateness_ms, data, known, fold._models
    )
    return again


def slot(fold: PartitionFold, zone: str, index: int = 0) -> Slot:
    """A detector's slot of a zone that is known."""
    assert zone in fold._shards[shard_of(zone)]
    return fold._known(zone).slots[index]
