"""Stores a batch whatever is in it: what PostgreSQL refuses is set aside row by row, and never blocks a partition."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog

from processors.archive.rows import Item, Numbers, Rows, pieces, poison_row
from processors.archive.sink import Partition, Sink, Written
from processors.archive.tables import Horizon
from runtime.errors import PoisonError

log: Final = structlog.get_logger()


def store(sink: Sink, items: Sequence[Item], moves: Mapping[Partition, int], horizon: Horizon) -> Iterator[Written]:
    """Store items, in as few transactions as the data allows; yields what each did, after it was committed.

    Args:
        sink: owns the partitions.
        items: in log order within each partition, those of a partition together.
        moves: where each partition stands when all are stored; a partition may move without an item.
        horizon: how far copies stand apart.

    Raises:
        FencedError, RetryableError, OutcomeUnknownError: as :meth:`Sink.write`; what was yielded is stored.
    """
    try:
        yield _write(sink, items, moves, horizon)
    except PoisonError as error:
        if len(items) <= 1:
            log.warning("archive.refused", error=str(error), at=[(i.topic, i.partition, i.offset) for i in items])
            yield _write_pieces(sink, items, moves, horizon, str(error))
            return
        half = len(items) // 2
        first = {(item.topic, item.partition): item.offset + 1 for item in items[:half]}
        yield from store(sink, items[:half], first, horizon)
        yield from store(sink, items[half:], moves_left(moves, sink), horizon)


def moves_left(moves: Mapping[Partition, int], sink: Sink) -> dict[Partition, int]:
    """The moves that still change something."""
    return {partition: new for partition, new in moves.items() if sink.held[partition].next_offset != new}


def _write(sink: Sink, items: Sequence[Item], moves: Mapping[Partition, int], horizon: Horizon) -> Written:
    series, origins = sink.numbers.unknown(items)
    if series or origins:
        sink.learn(series, origins)
    rows = Rows(horizon)
    for item in items:
        try:
            rows.add(item, sink.numbers)
        except (ValueError, OverflowError) as error:
            raise PoisonError(str(error)) from error
    written = sink.write(rows, moves)
    written.set_aside += sum(item.event is None for item in items)
    return written


def _write_pieces(
    sink: Sink, items: Sequence[Item], moves: Mapping[Partition, int], horizon: Horizon, error: str
) -> Written:
    """Each row of a refused record on its own, its bytes in the quarantine should it be refused."""

    def attempts() -> Iterator[tuple[Rows, Rows]]:
        for item in items:
            for number, (piece, payload) in enumerate(pieces(item)):
                instead = Rows(horizon)
                instead.tables["quarantine"] = [poison_row(piece, error, payload, number)]
                yield _rows_of(piece, sink.numbers, horizon) or instead, instead

    return sink.write_singly(attempts(), moves)


def _rows_of(item: Item, numbers: Numbers, horizon: Horizon) -> Rows | None:
    """The rows of a piece; None when it cannot even be made into rows, or its series has no number."""
    rows = Rows(horizon)
    try:
        rows.add(item, numbers)
    except (KeyError, ValueError, OverflowError):
        return None
    return rows
