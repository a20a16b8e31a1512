"""Batches in other pieces hold the same rows."""

from hypothesis import given
from hypothesis import strategies as st

from ops.verify.recut import recut
from schemas.clock import ShardRetired
from schemas.columns import BatchColumns, SeriesColumns
from schemas.facility import FacilityClass

SERIES = [SeriesColumns(f"d{n}", "flow", "m3/h", f"f{n}", FacilityClass.FLOW_METER, "z") for n in range(3)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=30), st.integers(1, 12))
def test_all_rows_in_their_order_in_small_pieces(rows: list[tuple[int, int]], size: int) -> None:
    numbers = list(range(len(rows)))
    batch = BatchColumns(
        shard="s",
        series=SERIES,
        series_index=[series for series, _ in rows],
        phenomenon_time=[time for _, time in rows],
        result=[float(n) for n in numbers],
        identity=[f"a::{n}" for n in numbers],
        result_quality=[n % 3 for n in numbers],
        arrival_time=[10 * n for n in numbers],
    )
    pieces = [piece for piece in recut(batch, size) if isinstance(piece, BatchColumns)]
    assert all(len(piece.result) <= size for piece in pieces)
    for column in BatchColumns.__struct_fields__[2:]:
        assert [value for piece in pieces for value in getattr(piece, column)] == getattr(batch, column)
    assert {piece.shard for piece in pieces} == {"s"}


def test_other_events_stay_as_they_are() -> None:
    event = ShardRetired(shard="s")
    assert list(recut(event, 1)) == [event]
