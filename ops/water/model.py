"""The model of a network: made from its file, and put into ``city.models.v1`` for the folds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ops.registry.writer import ACK_S, send
from ops.water.geo import ToPosition
from processors.engine.kafka_models import KafkaModels
from runtime.errors import FatalError
from runtime.kafka import idempotent_producer
from runtime.settings import Settings
from schemas.chunks import chunks_of
from schemas.envelope import CloudEvent, encode
from schemas.identity import event_id
from schemas.topics import MODELS
from schemas.water import WaterSensor

CLIENT: Final = "eyes-water"
_AT_ONCE: Final = 8  # chunks on their way


def build_model(inp: Path, sensors: Sequence[WaterSensor], position: ToPosition) -> bytes:
    """The model's bytes; seconds to minutes of hydraulics.

    Args:
        inp: the EPANET file.
        sensors: what is measured; the model calls them by their keys.
        position: where a point of the file's plane lies: the model's pipes stand at places in WGS 84.

    Raises:
        FatalError: it cannot be made; the message says why.
    """
    try:
        signatures: Any = import_module("ops.water.signatures")
        import_module("wntr")
    except ImportError as error:
        raise FatalError(
            f"a model cannot be made here ({error}): pip install -e '.[sim]', or configure with --without-model"
        ) from None
    sensed = [signatures.Sensed(one.key, one.role.value, one.element) for one in sensors]
    model: Any = signatures.network_model(inp, sensed)
    places = [position(x, y) for x, y in model.positions.tolist()]
    data: bytes = msgspec.structs.replace(model, positions=np.round(np.array(places), 6)).to_bytes()
    return data


def is_written(settings: Settings, digest: str) -> bool:
    """Whether the log holds a model whole.

    Raises:
        RetryableError: Kafka cannot be reached.
    """
    return not KafkaModels(settings.kafka, CLIENT).fetch([digest])


def write_model(settings: Settings, data: bytes) -> int:
    """Put a model into the log; returns how many chunks it is, when all are acknowledged.

    Raises:
        FatalError: it is too large.
        kafka.errors.KafkaError: Kafka cannot be reached or did not take it.
    """
    now = datetime.now(UTC)
    try:
        chunks = list(chunks_of(data))
    except ValueError as error:
        raise FatalError(str(error)) from None
    producer = idempotent_producer(settings.kafka, CLIENT)
    try:
        for start in range(0, len(chunks), _AT_ONCE):
            records = [
                (
                    chunk.key,
                    encode(
                        CloudEvent(
                            id=str(event_id("chunk", chunk.key)),
                            source=f"/{settings.site}/water",
                            time=now,
                            data=chunk,
                            subject=chunk.model,
                            partitionkey=chunk.key,
                        )
                    ),
                    0,
                )
                for chunk in chunks[start : start + _AT_ONCE]
            ]
            send(producer, MODELS.full_name(settings.kafka.topic_prefix), records)
    finally:
        producer.close(timeout=ACK_S)
    return len(chunks)
