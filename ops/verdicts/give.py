"""Writes a verdict on a finding into the log."""

from datetime import UTC, datetime
from uuid import UUID

from psycopg import Connection

from ops.registry.writer import ACK_S, send
from runtime.errors import FatalError
from runtime.kafka import idempotent_producer
from runtime.settings import Settings
from schemas.envelope import CloudEvent, encode
from schemas.identity import event_id
from schemas.topics import VERDICTS
from schemas.verdict import VerdictGiven

_DIGITS = 32
_SHORTEST = 4
_NAMED = "SELECT finding_id FROM anomalies WHERE finding_id BETWEEN %s AND %s ORDER BY finding_id LIMIT 2"


def find(connection: Connection, text: str) -> UUID:
    """The finding of this id, or whose id begins so.

    Raises:
        FatalError: none does, or several do.
    """
    digits = text.replace("-", "").lower()
    if not _SHORTEST <= len(digits) <= _DIGITS or set(digits) - set("0123456789abcdef"):
        raise FatalError(f"{text!r} is no id of a finding: at least {_SHORTEST} of its 32 hexadecimal digits")
    low, high = UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))
    found = connection.execute(_NAMED, (low, high)).fetchall()
    if not found:
        raise FatalError(f"no finding {text} in the database; the newest: eyes tail anomalies")
    if len(found) > 1:
        raise FatalError(f"several findings begin with {text}: give more of it")
    one: UUID = found[0][0]
    return one


def give(settings: Settings, finding: UUID, *, real: bool, by: str, reason: str | None) -> VerdictGiven:
    """Write it down; returns when it is acknowledged. The same verdict at another time is another event.

    Raises:
        kafka.errors.KafkaError: Kafka does not take it.
    """
    verdict = VerdictGiven(finding=finding, real=real, by=by, reason=reason, time=datetime.now(UTC))
    identity = str(event_id("verdict", verdict.model_dump_json()))
    event = CloudEvent(identity, f"/{settings.site}/operators", verdict.time, verdict, str(finding), str(finding))
    producer = idempotent_producer(settings.kafka, "eyes-verdicts")
    try:
        send(producer, VERDICTS.full_name(settings.kafka.topic_prefix), [(str(finding), encode(event), 0)])
    finally:
        producer.close(timeout=ACK_S)
    return verdict
