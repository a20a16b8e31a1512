"""Models by the hash of their bytes, out of ``city.models.v1``: what the folds are given to look them up."""

from collections.abc import Iterable, Iterator
from typing import Final

from kafka import KafkaConsumer, TopicPartition

from processors.engine.contract import ModelMissingError
from processors.engine.kafka_adapter import CALL_MS, retryable
from runtime.kafka import reader
from runtime.settings import KafkaSettings
from schemas.chunks import Assembly, ModelChunk, digest_of_key
from schemas.envelope import UnknownEventError, decode
from schemas.topics import MODELS

_FETCH_BYTES: Final = 16 * 1024 * 1024
_POLL_MS: Final = 500


class KafkaModels:
    """The models that somebody asked for, kept as long as this is: they are few, and a name means the same for ever.

    Of all others it is only noted where in the topic they begin.
    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._held: dict[str, bytes] = {}
        self._begins: dict[str, int] = {}
        """The offset before which nothing of a model stands; compaction only ever moves that on."""
        self._known_to = 0

    def __call__(self, digest: str) -> bytes:
        """A model's bytes.

        Raises:
            ModelMissingError: it is not at hand.
        """
        try:
            return self._held[digest]
        except KeyError:
            raise ModelMissingError(digest) from None

    def fetch(self, digests: Iterable[str]) -> list[str]:
        """Put these at hand, as far as the topic holds them whole; gives those of which it does not.

        Raises:
            RetryableError: Kafka cannot be reached.
        """
        return [digest for digest in digests if digest not in self._held and not self._fetch(digest)]

    def _fetch(self, digest: str) -> bool:
        assembly = Assembly(digest)
        with retryable():
            for value in self._chunks(digest):
                if (chunk := _chunk(value)) is not None:
                    assembly.add(chunk)
                if assembly.data is not None:
                    self._held[digest] = assembly.data
                    return True
        return False

    def _chunks(self, digest: str) -> Iterator[bytes]:
        """The records of a model, old and new, up to where the topic ends now."""
        at = TopicPartition(MODELS.full_name(self._settings.topic_prefix), 0)
        consumer = reader(self._settings, self._client_id, max_partition_fetch_bytes=_FETCH_BYTES)
        try:
            start = consumer.beginning_offsets([at], timeout_ms=CALL_MS)[at]
            end = consumer.end_offsets([at], timeout_ms=CALL_MS)[at]
            if end < self._known_to:  # the topic was made anew
                self._begins, self._known_to = {}, start
            consumer.assign([at])
            consumer.seek(at, max(start, self._begins.get(digest, self._known_to)))
            yield from self._to_end(consumer, at, end, digest)
        finally:
            consumer.close(autocommit=False, timeout_ms=CALL_MS)

    def _to_end(self, consumer: KafkaConsumer, at: TopicPartition, end: int, digest: str) -> Iterator[bytes]:
        while consumer.position(at, timeout_ms=CALL_MS) < end:
            for record in consumer.poll(timeout_ms=_POLL_MS).get(at, ()):
                found = digest_of_key((record.key or b"").decode(errors="replace"))
                if found is not None:
                    self._begins.setdefault(found, record.offset)
                self._known_to = max(self._known_to, record.offset + 1)
                if found == digest and record.value:
                    yield record.value


def _chunk(value: bytes) -> ModelChunk | None:
    """What a record holds; None where it is no chunk: then the model is not whole."""
    try:
        data = decode(value).data
    except UnknownEventError:
        return None
    return data if isinstance(data, ModelChunk) else None
