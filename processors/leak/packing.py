"""The state of areas as bytes of the same size at any age: numbers in one array, lists in tables of fixed length."""

from typing import Any, Final, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from processors.leak.noise import Noise
from processors.leak.state import MOST, AreaState

FORMAT: Final = 4
_LISTS: Final = {
    field.name: get_args(field.type)[0] for field in msgspec.structs.fields(AreaState) if get_args(field.type)
}


class _Area(msgspec.Struct, array_like=True):
    numbers: Any
    arrays: list[Any]
    counts: Any
    tables: list[Any]


class _Written(msgspec.Struct, array_like=True):
    format: int
    areas: list[_Area]


def to_bytes(states: list[AreaState]) -> bytes:
    """Equal bytes for equal states, and as many for every state of a network."""
    return msgspec.msgpack.encode(_Written(FORMAT, [_packed(state) for state in states]))


def from_bytes(data: bytes) -> list[AreaState]:
    """Read :func:`to_bytes`; ``ValueError`` when the bytes are of another format."""
    try:
        written = msgspec.msgpack.decode(data, type=_Written)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a state of the leak core: {error}") from error
    if written.format != FORMAT:
        raise ValueError(f"a state of format {written.format}, this version reads {FORMAT}")
    return [_unpacked(area) for area in written.areas]


def _packed(state: AreaState) -> _Area:
    numbers: list[float] = []
    arrays = []
    for value in _fields(state):
        if isinstance(value, np.ndarray):
            arrays.append(_bytes_of(value))
        elif not isinstance(value, list):
            numbers.append(float(value))
    tables = []
    for name, kind in _LISTS.items():
        rows = getattr(state, name)
        table = np.zeros((MOST, len(kind.__struct_fields__)))
        if rows:
            table[: len(rows)] = [msgspec.structs.astuple(row) for row in rows]
        tables.append(_bytes_of(table))
    counts = np.array([len(getattr(state, name)) for name in _LISTS], dtype=np.float64)
    return _Area(_bytes_of(np.array(numbers)), arrays, _bytes_of(counts), tables)


def _unpacked(area: _Area) -> AreaState:
    numbers, arrays = iter(_array_of(area.numbers).tolist()), iter(area.arrays)
    counts = _array_of(area.counts).astype(int).tolist()
    lists = {
        name: [_row(kind, row) for row in _array_of(table)[:count].tolist()]
        for (name, kind), table, count in zip(_LISTS.items(), area.tables, counts, strict=True)
    }

    def rebuilt(kind: type[msgspec.Struct]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(kind):
            if field.type is Noise:
                values[field.name] = Noise(**rebuilt(Noise))
            elif field.type is np.ndarray:
                values[field.name] = _array_of(next(arrays))
            elif field.name not in lists:
                values[field.name] = field.type(next(numbers))
        return values

    values = rebuilt(AreaState)
    values.update(lists)
    return AreaState(**values)


def _fields(state: msgspec.Struct) -> list[Any]:
    """Every value in order, those of the noise in its place."""
    values: list[Any] = []
    for value in msgspec.structs.astuple(state):
        values += _fields(value) if isinstance(value, Noise) else [value]
    return values


def _row(kind: type[msgspec.Struct], values: list[float]) -> Any:
    fields = msgspec.structs.fields(kind)
    return kind(*(field.type(value) for field, value in zip(fields, values, strict=True)))


def _bytes_of(value: npt.NDArray[Any]) -> Any:
    """Kind, shape and little-endian bytes."""
    kind = "<f4" if value.dtype == np.float32 else "<f8"
    return (kind, value.shape, np.ascontiguousarray(value, dtype=kind).tobytes())


def _array_of(value: Any) -> npt.NDArray[Any]:
    kind, shape, data = value
    return np.frombuffer(data, dtype=kind).reshape(shape).copy()
