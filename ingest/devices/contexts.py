"""The messages without which later ones cannot be read: kept in ``city.contexts.v1``, given back at every start."""

from typing import Final

import structlog

from ingest.decoders.base import Message
from ingest.decoders.catalogue import Catalogue
from ingest.ledger import AckLedger
from ingest.writer import Writer
from schemas.device import DecoderContext
from schemas.identity import payload_hash
from schemas.topics import CONTEXTS

log: Final = structlog.get_logger()


class Contexts:
    """What the decoders of this process have learned, and from which messages."""

    def __init__(self, catalogue: Catalogue, writer: Writer, ledger: AckLedger) -> None:
        self._catalogue = catalogue
        self._writer = writer
        self._ledger = ledger
        self._kept: dict[str, str] = {}
        self._ours: set[str] = set()

    def keep(self, key: str, message: Message, ticket: int) -> None:
        """Keep a message under its key before it is acknowledged; one that is kept already is not written again."""
        self._ours.add(key)
        digest = payload_hash(message.topic, message.payload)
        if self._kept.get(key) == digest:
            return
        self._kept[key] = digest
        context = DecoderContext(
            decoder=message.decoder,
            mqtt_topic=message.topic,
            payload=message.payload,
            arrival_time=message.arrived_ms,
        )
        self._ledger.hold(ticket)
        self._writer.write(CONTEXTS, 0, key, context, message.arrived_ms, tickets=(ticket,))

    def recall(self, key: str, context: DecoderContext) -> None:
        """Learn what an earlier process, or another shard, has kept.

        What we heard ourselves since we began is newer than any word of it that comes back from the log.
        """
        if key in self._ours:
            return
        self._kept[key] = payload_hash(context.mqtt_topic, context.payload)
        self._catalogue.learn(context.decoder, Message(context.mqtt_topic, context.payload, context.arrival_time))

    def forget_unwritten(self) -> None:
        """Kafka refused something: whatever is kept may not exist. Its message will come again."""
        self._kept.clear()
