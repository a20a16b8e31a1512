"""One record of the log into a fold, whatever is in it."""

from collections.abc import Mapping

from processors.engine.composed import PartitionFold
from processors.engine.refusal import undecodable, unfoldable
from processors.engine.zone import SnapshotError
from schemas.envelope import UnknownEventError, decode
from schemas.model import Model


class UnfoldableError(Exception):
    """The engine itself failed at a record, and the fold's state may be spoilt.

    Make it anew, and give the record to :func:`fold_record` among those that are known: it sets it aside.
    """

    partition: int | None = None
    """Of which partition, once somebody knows."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what


def fold_record(fold: PartitionFold, raw: bytes, place: str, failed: Mapping[str, str]) -> list[Model]:
    """What the fold says to a record.

    Args:
        fold: of the record's partition.
        raw: the value of the record.
        place: its topic, partition and offset.
        failed: places at which the engine is known to fail, with the error: these are not tried again.

    Raises:
        UnfoldableError: the engine failed.
        SnapshotError: a restored state turned out to be none.
    """
    if place in failed:
        fold.counts.poison["engine"] += 1
        return [unfoldable(raw, place, failed[place], fold.now_ms)]
    try:
        return fold.fold([decode(raw).data])
    except UnknownEventError as error:
        fold.counts.poison["decode"] += 1
        return [undecodable(raw, place, error, fold.now_ms)]
    except (SnapshotError, MemoryError):  # say something about our state or this machine, not about the record
        raise
    except Exception as error:
        raise UnfoldableError(place, f"{type(error).__name__}: {error}") from error
