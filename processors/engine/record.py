"""One record of the log into a fold, whatever is in it."""

from collections.abc import Callable, Iterable

from processors.engine.composed import PartitionFold
from processors.engine.contract import Said
from processors.engine.errors import SnapshotError
from processors.engine.models import model_of
from processors.engine.refusal import undecodable, unfoldable
from runtime.errors import RetryableError
from schemas.envelope import Data, UnknownEventError, decode

Fetch = Callable[[Iterable[str]], object]
"""Puts models at hand, by the hashes of their bytes, as far as the log holds them; raises ``RetryableError`` where it
cannot be reached."""


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
    fetch: Fetch = lambda _digests: None,
) -> list[Said]:
    """What the fold says to a record.

    Args:
        fold: of the record's partition.
        raw: the value of the record.
        place: its topic, partition and offset.
        failure: how the engine is known to fail at it: then it is not tried again.
        recut: gives the record's event in other pieces, which must not change anything.
        fetch: told of the model that the event names before it is folded.

    Raises:
        UnfoldableError: the engine failed.
        SnapshotError: a restored state turned out to be none.
        RetryableError: ``fetch`` cannot reach the log; nothing was folded.
    """
    if failure is not None:
        fold.counts.poison["engine"] += 1
        return [unfoldable(raw, place, failure, fold.now_ms)]
    try:
        event = decode(raw).data
        if (digest := model_of(event)) is not None:
            fetch([digest])
        return fold.fold(recut(event))
    except UnknownEventError as error:
        fold.counts.poison["decode"] += 1
        return [undecodable(raw, place, error, fold.now_ms)]
    except (SnapshotError, MemoryError, RetryableError):  # say something about our state, this machine or the log
        raise
    except Exception as error:
        raise UnfoldableError(place, f"{type(error).__name__}: {error}") from error
