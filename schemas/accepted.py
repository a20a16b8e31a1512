"""What ingest took in, byte for byte: the last link of a finding's lineage."""

from base64 import b64decode, b64encode
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, model_validator

from schemas.model import MS, Model


def _from_base64(value: Any) -> Any:
    return b64decode(value, validate=True) if isinstance(value, str) else value


def _to_base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


_BASE64: Final = {"type": "string", "contentEncoding": "base64", "description": "RFC 4648 section 4, padded"}

Payload = Annotated[
    bytes,
    BeforeValidator(_from_base64),
    PlainSerializer(_to_base64, return_type=str, when_used="json"),
    WithJsonSchema(_BASE64),
]


class AcceptedMessages(Model):
    """MQTT messages of which something entered ``city.events``, as columns in order of receipt.

    A reading leads here by its shard, device and arrival; decoding the payload again gives its identity. What the
    broker delivered twice stands here twice, as its readings do in ``city.events``.
    """

    shard: str
    mqtt_topic: tuple[str, ...]
    arrival_time: tuple[MS, ...]
    payload: tuple[Payload, ...]

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        if not len(self.mqtt_topic) == len(self.arrival_time) == len(self.payload):
            raise ValueError("columns of different length")
        return self
