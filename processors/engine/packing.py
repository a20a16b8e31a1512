"""Columns of whole numbers that hardly change their pace, in few bytes: what a device counts, and when it speaks.

A column of n numbers is written as its first (eight bytes) and, where they fit four bytes, the differences of each from
the one before; one difference alone where all are the same; else as n numbers of eight bytes. Which it is follows
from the length, since n is known. All little-endian. Nearly all columns are short, so no NumPy: its calls cost more.
"""

from array import array
from itertools import accumulate, chain, repeat
from operator import sub

WHOLE, STEP = "q", "i"
"""Of eight and of four bytes."""
_FIRST = array(WHOLE).itemsize
_ONE_STEP = _FIRST + array(STEP).itemsize


def steps_of(column: "array[int]") -> "array[int] | None":
    """The differences of each number from the one before; None: one of them is too large."""
    try:
        return array(STEP, map(sub, column[1:], column))
    except OverflowError:
        return None


def pack(column: "array[int]", steps: "array[int] | None" = None) -> bytes:
    """A column that holds something as bytes, the same bytes for the same numbers; ``steps``: if they are known."""
    steps = steps or steps_of(column)
    if not steps:
        return column.tobytes()
    return column[:1].tobytes() + (steps[:1] if steps.count(steps[0]) == len(steps) else steps).tobytes()


def unpack(data: bytes, n: int) -> "array[int]":
    """The n numbers that :func:`pack` wrote.

    Raises:
        ValueError: it wrote other bytes.
    """
    column, steps = array(WHOLE), array(STEP)
    if len(data) == n * _FIRST:
        column.frombytes(data)
        return column
    column.frombytes(data[:_FIRST])
    steps.frombytes(data[_FIRST:])
    if not column or not 0 < len(steps) < n or len(steps) not in {1, n - 1}:
        raise ValueError(f"{len(data)} bytes are no column of {n}")
    return array(WHOLE, accumulate(chain(column, steps if len(steps) == n - 1 else repeat(steps[0], n - 1))))
