"""One record of the log into a fold, whatever is in it."""

from collections.abc import Callable, Iterable

from processors.engine.composed import PartitionFold
from processors.engine.contract import Said
from processors.engine.refusal import undecodable, unfoldable
from processors.engine.zone import SnapshotError
from schemas.envelope import Data, UnknownEventError, decode


class UnfoldableError(Exception):
    """The engine itself failed at a record, and the fold's state may be spoilt.

    Make it anew, and tell :func:`fold_record` of the failure when it comes to the record: it sets it aside.
    """

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what


def fold_record(
    fold: PartitionFold,
    raw: bytes,
    place: str,
    failure: str | None = None,
    recut: Callable[[Data], Iterable[Data]] = lambda event: (event,),
) -> list[Said]:
    """What the fold says to a record.

    Args:
        fold: of the record's partition.
        raw: the value of the record.
        place: its topic, partition and offset.
        failure: how the engine is known to fail at it: then it is not tried again.
        recut: gives the record's event in other pieces, which must not change anything.

    Raises:
        UnfoldableError: the engine failed.
        SnapshotError: a restored state turned out to be none.
    """
    if failure is not None:
        fold.counts.poison["engine"] += 1
        return [unfoldable(raw, place, failure, fold.now_ms)]
    try:
        return fold.fold(recut(decode(raw).data))
    except UnknownEventError as error:
        fold.counts.poison["decode"] += 1
        return [undecodable(raw, place, error, fold.now_ms)]
    except (SnapshotError, MemoryError):  # say something about our state or this machine, not about the record
        raise
    except Exception as error:
        raise UnfoldableError(place, f"{type(error).__name__}: {error}") from error
