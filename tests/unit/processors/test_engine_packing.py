"""Columns come back as they were, and take few bytes where they keep their pace."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.engine.packing import pack, unpack

INT64 = st.integers(-(2**63), 2**63 - 1)
NEAR = st.tuples(st.integers(0, 2**62), st.lists(st.integers(-(2**31), 2**31 - 1), max_size=40)).map(
    lambda drawn: [drawn[0] + sum(drawn[1][:n]) for n in range(len(drawn[1]) + 1)]
)
EVEN = st.tuples(st.integers(0, 2**62), st.integers(0, 86_400_000), st.integers(1, 40)).map(
    lambda drawn: [drawn[0] + drawn[1] * n for n in range(drawn[2])]
)
EDGES = st.lists(st.sampled_from([-(2**63), 2**63 - 1, 0, 1, 2**31, -(2**31), 2**31 - 1]), min_size=1, max_size=5)


@given(st.lists(INT64, min_size=1, max_size=20) | NEAR | EVEN | EDGES)
def test_what_is_written_comes_back(column: list[int]) -> None:
    data = pack(array("q", column))
    assert unpack(data, len(column)).tolist() == column
    assert pack(array("q", column)) == data
    assert len(data) <= 8 * len(column)


@pytest.mark.parametrize(
    ("column", "size"),
    [([7], 8), ([7, 8], 12), (list(range(1000)), 12), ([0, 1, 3], 16), ([0, 2**31], 16), ([0, 1, 2**40], 24)],
)
def test_how_much_it_takes(column: list[int], size: int) -> None:
    assert len(pack(array("q", column))) == size


@pytest.mark.parametrize(("size", "n"), [(0, 1), (12, 1), (7, 1), (9, 2), (20, 3), (8, 2), (12, 0)])
def test_other_bytes_are_no_column(size: int, n: int) -> None:
    with pytest.raises(ValueError, match=r"bytes|buffer"):
        unpack(bytes(size), n)
