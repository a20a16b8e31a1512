"""What is known of a network before the first reading: pipes, and what a leak in each would do to each sensor.

Made once by ``ops.water.signatures`` from a hydraulic model, named by the hash of its bytes, never learnt from data.
"""

import math
import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FORMAT: Final = 1
FAR_M: Final = 65_535


class Basis(StrEnum):
    """What a signature depends on."""

    INFLOW = "inflow"
    """``1, u, p, p u``: u the load (inflow / reference) ** 0.85, p whether the pump draws."""
    CONSUMPTION = "consumption"
    """``1, u`` with u from the metered consumption: an area behind a tank, which hides its inflow."""


class AreaModel(msgspec.Struct, frozen=True):
    """A part of the network whose pressures answer to one another's demands.

    ``signatures[b, c, s]``: change of sensor ``s`` (first ``pressures`` in m, then ``inflows`` in m3/h) per m3/h that
    leaks at the middle of candidate pipe ``c``, as a sum over the basis ``b``.
    """

    name: str
    basis: Basis
    pressures: tuple[str, ...]
    inflows: tuple[str, ...]
    pump: str | None
    level: str | None
    consumption: str | None
    tank_m2: float
    reference: float
    """Load that makes u = 1 (m3/h): about the greatest of an ordinary day."""
    unmetered: float
    """Real consumption over the metered one, at least 1."""
    candidates: np.ndarray
    """Indices into the pipes."""
    signatures: np.ndarray


class NetworkModel(msgspec.Struct, frozen=True):
    """Pipes, the distances between their middles along the network, and the areas."""

    pipes: tuple[str, ...]
    lengths_m: np.ndarray
    positions: np.ndarray
    """Middles of the pipes, in the model's own coordinates."""
    distances_m: np.ndarray
    """Whole metres from middle to middle; ``FAR_M`` where no way leads."""
    areas: tuple[AreaModel, ...]

    def to_bytes(self) -> bytes:
        """The same model, the same bytes."""
        return zlib.compress(bytes([FORMAT]) + msgspec.msgpack.encode(self, enc_hook=_encode), 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> "NetworkModel":
        """Read :meth:`to_bytes`; ``ValueError`` when the bytes are no model of this format."""
        try:
            plain = zlib.decompress(data)
            if plain[0] != FORMAT:
                raise ValueError(f"network model of format {plain[0]}, this version reads {FORMAT}: build it again")
            return msgspec.msgpack.decode(plain[1:], type=cls, dec_hook=_decode)
        except (zlib.error, msgspec.DecodeError, IndexError) as error:
            raise ValueError(f"not a network model: {error}") from error


@dataclass(frozen=True)
class Candidates:
    """What the search needs of one area, derived from its model once."""

    model: AreaModel
    lengths: Floats
    near: Floats
    """1 where two candidates are so close that naming one finds the other."""
    neighbours: npt.NDArray[np.intp]
    """Those that are near, candidate by candidate; the rows are filled up with whatever."""
    worth: Floats
    """Of each of them what ``near`` says, a little less with distance: sending a crew far off costs walking."""

    @cached_property
    def pressure_part(self) -> Floats:
        """Signatures of a balance and of the pressures: (1, basis) x candidate x output."""
        pressures = self.model.signatures[:, :, : len(self.model.pressures)]
        part = np.zeros((len(pressures) + 1, pressures.shape[1], pressures.shape[2] + 1))
        part[0, :, -1] = 1.0  # all that leaks flows in
        part[1:, :, :-1] = pressures
        return part

    @cached_property
    def inflow_part(self) -> Floats:
        """Signatures of the inflows: candidate x (inflow, basis)."""
        parts = self.model.signatures[:, :, len(self.model.pressures) :].transpose(1, 2, 0)
        return np.ascontiguousarray(parts.reshape(len(parts), -1))


def candidates(network: NetworkModel, area: AreaModel, found_within_m: float) -> Candidates:
    """Neighbourhoods of an area's pipes; ``found_within_m`` is how far off a crew still finds the leak."""
    index = area.candidates.astype(np.intp)
    distance = network.distances_m[np.ix_(index, index)]
    near = (distance <= found_within_m).astype(np.float64)
    worth = near * (1.0 - 0.3 * np.minimum(distance / found_within_m, 1.0))
    most = int(near.sum(axis=1).max(initial=0.0))
    neighbours = np.argsort(-near, axis=1, kind="stable")[:, :most].copy()
    return Candidates(area, network.lengths_m[index], near, neighbours, np.take_along_axis(worth, neighbours, axis=1))


def sensors_of(network: NetworkModel) -> tuple[str, ...]:
    """Every sensor that some area reads, in a fixed order."""
    seen: dict[str, None] = {}
    for area in network.areas:
        for key in (*area.pressures, *area.inflows, area.pump, area.level, area.consumption):
            if key is not None:
                seen[key] = None
    return tuple(seen)


def _encode(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"cannot encode {type(value)}")
    small = value.dtype.kind in "iu" or bool(np.all(value == np.floor(value)) and value.size and value.max() <= FAR_M)
    if small and value.min() >= 0:
        return ("<u2", value.shape, np.ascontiguousarray(value, dtype="<u2").tobytes())
    return ("<f4", value.shape, np.ascontiguousarray(value, dtype="<f4").tobytes())


def _decode(_: type, value: Any) -> Any:
    dtype, shape, data = value
    if dtype not in ("<u2", "<f4") or math.prod(shape) * np.dtype(dtype).itemsize != len(data):
        raise msgspec.ValidationError("array of the wrong size")
    return np.frombuffer(data, dtype=dtype).reshape(shape).astype(np.float64)
