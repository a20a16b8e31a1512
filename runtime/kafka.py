"""The one place that knows kafka-python: clients with the settings the design asks for.

Every group consumer reads ``read_committed`` (kafka-python asks for stable offsets only then), is static (a restarted
worker keeps its partitions) and never resets an offset by itself.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from runtime.errors import FatalError
from runtime.group_consumer import GroupConsumer
from runtime.settings import KafkaSettings
from schemas.topics import Topic

MAX_RECORD_BYTES: Final = 4 * 1024 * 1024

RequireTopics = Callable[[KafkaSettings, Iterable[Topic]], None]
"""As :func:`require_topics`."""


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """The settings every client shares: where the brokers are and how to be let in."""
    config: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap.split(","),
        "security_protocol": settings.security_protocol,
    }
    if settings.ssl_cafile is not None:
        config["ssl_cafile"] = str(settings.ssl_cafile)
    if settings.sasl_mechanism is not None:
        config |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password and settings.sasl_password.get_secret_value(),
        }
    return config


def idempotent_producer(settings: KafkaSettings, client_id: str, linger_ms: int = 5, **more: Any) -> KafkaProducer:
    """A producer without transactions: ``acks=all``, in order per partition, no duplicates of its own making."""
    return KafkaProducer(
        **connection(settings),
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=linger_ms,
        max_request_size=MAX_RECORD_BYTES,
        **more,
    )


def transactional_producer(settings: KafkaSettings, transactional_id: str, **more: Any) -> KafkaProducer:
    """A producer whose records and offsets become visible together; ``init_transactions`` fences its older twins."""
    return KafkaProducer(
        **connection(settings),
        client_id=transactional_id,
        transactional_id=transactional_id,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        acks="all",
        linger_ms=5,
        max_request_size=MAX_RECORD_BYTES,
        **more,
    )


METADATA_MS: Final = 10_000
"""A member that joins before a new topic is known everywhere has none of its partitions until it asks again, which by
default is five minutes later."""


def group_consumer(settings: KafkaSettings, group: str, instance: str, **more: Any) -> KafkaConsumer:
    """A member of a group; partitions move eagerly and stick where they were."""
    return GroupConsumer(
        **connection(settings),
        client_id=f"{group}-{instance}",
        group_id=settings.topic_prefix + group,
        group_instance_id=f"{group}-{instance}",
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        partition_assignment_strategy=(StickyPartitionAssignor,),
        metadata_max_age_ms=METADATA_MS,
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=settings.session_timeout_ms // 5,
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
        **more,
    )


def reader(settings: KafkaSettings, client_id: str, **more: Any) -> KafkaConsumer:
    """A consumer outside any group: it is assigned its partitions and seeks where it wants."""
    config = {"max_partition_fetch_bytes": MAX_RECORD_BYTES, **more}
    return KafkaConsumer(
        **connection(settings),
        client_id=client_id,
        group_id=None,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        **config,
    )


def admin(settings: KafkaSettings, client_id: str = "eyes-admin") -> KafkaAdminClient:
    """A client that creates and describes topics."""
    return KafkaAdminClient(**connection(settings), client_id=client_id)


def topic_id(settings: KafkaSettings, topic: Topic) -> str:
    """The id that Kafka gave the topic: one that was deleted and made again has another.

    Raises:
        kafka.errors.KafkaError: Kafka is away.
    """
    client = admin(settings)
    try:
        (described,) = client.describe_topics([topic.full_name(settings.topic_prefix)])
    finally:
        client.close()
    return str(described["topic_id"])


def require_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> None:
    """Check that all of these exist, so that a process that lacks one says so instead of waiting for ever.

    Raises:
        FatalError: one is missing; the message says how to create it.
        kafka.errors.KafkaError: Kafka is away.
    """
    client = admin(settings)
    try:
        found = set(client.list_topics())
    finally:
        client.close()
    missing = [name for topic in topics if (name := topic.full_name(settings.topic_prefix)) not in found]
    if missing:
        raise FatalError(f"Kafka has no topic {', '.join(missing)}: create them with `eyes topics create`")
