"""Models too large for an event: named by the SHA-256 of their bytes, kept in chunks of ``city.models.v1``.

The name says what is in it. So whoever asks for a name gets the same bytes for ever or none at all, whichever way they
were cut, however often they were written and in which order they are found (docs/decisions/0025-models-by-hash.md).
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from schemas.model import Model

CHUNK_BYTES: Final = 1024 * 1024
"""Of a chunk; in base64 and with its envelope it is well below what Kafka takes in one record."""
CHUNKS_MAX: Final = 1024

ModelDigest = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of a model's bytes, in lower-case hexadecimal")
]
_KEY: Final = re.compile(r"([0-9a-f]{64})/\d+/\d+")


class ModelChunk(Model):
    """Some of a model's bytes: the chunk ``index`` of ``count``, all of them but the last of ``size`` bytes."""

    model: ModelDigest
    index: Annotated[int, Field(ge=0, lt=CHUNKS_MAX)]
    count: Annotated[int, Field(ge=1, le=CHUNKS_MAX)]
    size: Annotated[int, Field(ge=1, le=CHUNK_BYTES)]
    data: Annotated[bytes, Field(min_length=1, max_length=CHUNK_BYTES)]

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.index >= self.count:
            raise ValueError(f"chunk {self.index} of {self.count}: they are counted from 0")
        if len(self.data) > self.size or (self.index < self.count - 1 and len(self.data) < self.size):
            raise ValueError(f"chunk {self.index} of {self.count} has {len(self.data)} bytes, not {self.size}")
        return self

    @property
    def key(self) -> str:
        """Under which compaction keeps it; bytes that were cut otherwise stand under other keys."""
        return f"{self.model}/{self.size}/{self.index}"


def digest_of_key(key: str) -> str | None:
    """The model of which a record with this key is a chunk; None where the key is none of ours."""
    found = _KEY.fullmatch(key)
    return None if found is None else found[1]


def digest_of(data: bytes) -> str:
    """The name of a model."""
    return sha256(data).hexdigest()


def chunks_of(data: bytes, size: int = CHUNK_BYTES) -> Iterator[ModelChunk]:
    """A model's bytes, cut.

    Raises:
        ValueError: there are none, or more than :data:`CHUNKS_MAX` chunks of ``size`` bytes.
    """
    count = -(-len(data) // size)
    if not 1 <= count <= CHUNKS_MAX:
        raise ValueError(f"a model of {len(data)} bytes: there must be some, and at most {CHUNKS_MAX * size}")
    digest = digest_of(data)
    for index in range(count):
        yield ModelChunk(
            model=digest, index=index, count=count, size=size, data=data[index * size : (index + 1) * size]
        )


class Assembly:
    """Chunks of one model on the way to being its bytes, in whatever order and however often they come."""

    def __init__(self, digest: str) -> None:
        self._digest = digest
        self._cuts: dict[int, dict[int, bytes]] = {}  # by the size of the chunks
        self.data: bytes | None = None
        """The model, as soon as it is whole; what is not what its name says is never whole."""

    def add(self, chunk: ModelChunk) -> None:
        """Take one more; of two under one number the later is kept, for it may mend the earlier."""
        if self.data is not None or chunk.model != self._digest:
            return
        cut = self._cuts.setdefault(chunk.size, {})
        cut[chunk.index] = chunk.data
        if len(cut) == chunk.count:
            data = b"".join(cut[index] for index in range(chunk.count))
            if digest_of(data) == self._digest:
                self.data = data
                self._cuts.clear()
