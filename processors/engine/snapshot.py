"""Shards: the state of a partition in pieces small enough to be written between two commits.

A shard holds the zones whose names hash to it, and beside them what the whole partition knows of the time, because
shards are written one by one and each stands at an offset of its own. A record that holds a shard, or a part of it,
carries a checksum: a snapshot that cannot be trusted is one that is not there.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from processors.engine.cast import CastState
from processors.engine.errors import SnapshotError
from processors.engine.frontier import FrontierState
from processors.engine.timers import Entry

SHARDS: Final = 64
"""Per partition. A part of the keys: another number is another layout."""
LAYOUT: Final = 1
"""Of the bytes below; raised when an older program could not read them."""
GENERATIONS: Final = 2
PART_BYTES: Final = 2 * 1024 * 1024


def shard_of(zone: str) -> int:
    """The shard that holds a zone; another hash than the one that chose its partition."""
    return crc32(zone.encode()) % SHARDS


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """The zones of one shard before the record at ``offset`` of the input is folded."""

    shard: int
    offset: int
    lateness_ms: int  # for which identities are remembered
    cast: CastState
    now_ms: int
    generation: int  # of the clock
    frontier: FrontierState
    zones: dict[str, bytes]
    timers: list[Entry]
    models: list[str] = []  # that must be at hand to restore the zones
    city: dict[str, bytes] = {}  # snapshots of before there was any have none


class _Named(msgspec.Struct):
    """Of a shard, what must be known before it is restored."""

    models: list[str] = []


class Shelved(NamedTuple):
    """The newest snapshot of a shard."""

    generation: int
    offset: int


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One record of a snapshot topic."""

    layout: int
    log: str  # of which log the offset is
    shard: int
    generation: int
    offset: int
    part: int
    parts: int
    checksum: int  # CRC-32 of the whole shard and what is said of it here
    data: bytes


_encoder: Final = msgspec.msgpack.Encoder(order="sorted")
_shard_decoder: Final = msgspec.msgpack.Decoder(Shard)
_named_decoder: Final = msgspec.msgpack.Decoder(_Named)
_part_decoder: Final = msgspec.msgpack.Decoder(Part)


def encode(shard: Shard) -> bytes:
    """Equal bytes for equal shards."""
    return _encoder.encode(shard)


def decode(data: bytes) -> Shard:
    """What :func:`encode` wrote.

    Raises:
        SnapshotError: the bytes are no shard.
    """
    try:
        return _shard_decoder.decode(data)
    except ValueError as error:
        raise SnapshotError(str(error)) from error


def models_of(shards: Iterable[bytes]) -> set[str]:
    """The models that encoded shards name; of bytes that are no shard, none."""
    found: set[str] = set()
    for data in shards:
        try:
            found.update(_named_decoder.decode(data).models)
        except ValueError:
            continue  # restoring them says so
    return found


def _key(shard: int, generation: int, part: int) -> str:
    """Under which compaction keeps a record."""
    return f"{LAYOUT}/{SHARDS}/{shard}/{generation}/{part}"


def split(log: str, shard: int, generation: int, offset: int, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The records of an encoded shard: keys and values."""
    checksum = _checksum(log, shard, generation, offset, data)
    parts = max(1, -(-len(data) // PART_BYTES))
    for part in range(parts):
        piece = data[part * PART_BYTES : (part + 1) * PART_BYTES]
        record = Part(LAYOUT, log, shard, generation, offset, part, parts, checksum, piece)
        yield _key(shard, generation, part), _encoder.encode(record)


def _checksum(log: str, shard: int, generation: int, offset: int, data: bytes) -> int:
    return crc32(data, crc32(f"{log}/{shard}/{generation}/{offset}".encode()))


class Collector:
    """Takes the records of one partition's snapshots, in the order of their log, and keeps the best of each shard.

    The best is the newest that is whole, sound and not ahead of what was committed.
    """

    def __init__(self, log: str, above: int, committed: int) -> None:
        """Begin with none.

        Args:
            log: of which the snapshots must be.
            above: an offset; those at or below it are of no use.
            committed: the input's offset up to which outputs are published.
        """
        self.refused = 0
        """Shards that were not sound."""
        self._log = log
        self._above = above
        self._committed = committed
        self._open: dict[tuple[int, int, int, int], list[Part]] = {}
        self._best: dict[int, Part] = {}

    def add(self, value: bytes) -> None:
        """Take the value of a record."""
        try:
            part = _part_decoder.decode(value)
        except ValueError:
            self.refused += 1
            return
        if part.layout != LAYOUT or not 0 <= part.shard < SHARDS or not 0 <= part.part < part.parts:
            self.refused += 1
            return
        if part.parts == 1:
            self._complete([part])
            return
        which = part.shard, part.generation, part.offset, part.checksum
        parts = self._open.setdefault(which, [])
        parts.append(part)
        if len({one.part for one in parts}) == part.parts:
            del self._open[which]
            self._complete(parts)

    def _complete(self, parts: list[Part]) -> None:
        first = parts[0]
        data = b"".join(part.data for part in sorted(parts, key=lambda part: part.part))
        if _checksum(first.log, first.shard, first.generation, first.offset, data) != first.checksum:
            self.refused += 1
        elif first.log == self._log and self._above < first.offset <= self._committed:
            best = self._best.get(first.shard)
            if best is None or first.offset >= best.offset:
                self._best[first.shard] = msgspec.structs.replace(first, data=data)

    @property
    def whole(self) -> bool:
        """Whether every shard was found."""
        return len(self._best) == SHARDS

    @property
    def shards(self) -> list[bytes]:
        """The best of every shard that was found."""
        return [best.data for best in self._best.values()]

    @property
    def shelved(self) -> dict[int, Shelved]:
        """How each of them stands, so that the next is written over the other generation."""
        return {shard: Shelved(best.generation, best.offset) for shard, best in self._best.items()}
