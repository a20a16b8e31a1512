"""Creates the topics of the catalogue, and refuses to work with ones that are not what it says."""

from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from runtime.errors import FatalError
from runtime.kafka import MAX_RECORD_BYTES, admin
from runtime.settings import KafkaSettings
from schemas.topics import CATALOGUE, UNLIMITED, Topic

SEGMENT_MS: Final = 86_400_000
DIRTY_RATIO: Final = 0.25  # of a compacted topic: how much more than the newest of each key a reader may have to read
READY_MS: Final = 60_000
GZIP_LEVEL: Final = "1"  # messages are so alike that a higher one saves a tenth and costs twice as much


def ensure_topics(settings: KafkaSettings) -> list[str]:
    """Create what is missing; returns the names that were created.

    Raises:
        FatalError: a topic exists with another number of partitions, which would send its zones elsewhere, or with
            another cleanup policy, which would lose what must be kept.
    """
    client = admin(settings)
    try:
        existing = _partition_counts(client)
        policies = _cleanup_policies(client, [topic.full_name(settings.topic_prefix) for topic in CATALOGUE], existing)
        missing: list[Topic] = []
        for topic in CATALOGUE:
            have = existing.get(topic.full_name(settings.topic_prefix))
            if have is None:
                missing.append(topic)
            elif have != topic.partitions:
                raise FatalError(
                    f"topic {topic.full_name(settings.topic_prefix)} has {have} partitions, the catalogue says "
                    f"{topic.partitions}; partition counts are fixed for a topic's life: use another topic_prefix"
                )
            elif (policy := policies[topic.full_name(settings.topic_prefix)]) != topic.cleanup:
                raise FatalError(
                    f"topic {topic.full_name(settings.topic_prefix)} has cleanup.policy {policy}, the catalogue says "
                    f"{topic.cleanup}: set it right with kafka-configs, or use another topic_prefix"
                )
        if missing:
            client.create_topics(
                {topic.full_name(settings.topic_prefix): _options(topic, settings) for topic in missing}
            )
            # Not with `wait_for_metadata`, which gives a busy broker ten seconds.
            client.wait_for_topics([topic.full_name(settings.topic_prefix) for topic in missing], READY_MS)
        return [topic.full_name(settings.topic_prefix) for topic in missing]
    finally:
        client.close()


def _partition_counts(client: KafkaAdminClient) -> dict[str, int]:
    described: list[dict[str, Any]] = client.describe_topics()
    return {topic["name"]: len(topic["partitions"]) for topic in described}


def _cleanup_policies(client: KafkaAdminClient, names: list[str], existing: dict[str, int]) -> dict[str, str]:
    """Of those of the topics that exist."""
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names if name in existing]
    if not wanted:
        return {}
    described: dict[str, Any] = client.describe_configs(wanted, config_filter="all")
    return {name: entries["cleanup.policy"]["value"] for name, entries in described["topic"].items()}


def _options(topic: Topic, settings: KafkaSettings) -> dict[str, Any]:
    keep_all = settings.retention == "unlimited" or topic.cleanup == "compact"
    return {
        "num_partitions": topic.partitions,
        "replication_factor": settings.replication_factor,
        "configs": {
            "cleanup.policy": topic.cleanup,
            "retention.ms": str(UNLIMITED if keep_all else topic.retention_ms),
            # An acknowledged write stands on more than its leader wherever there is more than one.
            "min.insync.replicas": str(max(1, settings.replication_factor - 1)),
            "max.message.bytes": str(MAX_RECORD_BYTES),
            "segment.ms": str(SEGMENT_MS),
            "segment.bytes": str(topic.segment_bytes),
            "min.cleanable.dirty.ratio": str(DIRTY_RATIO),
            "compression.type": topic.compression,
            "compression.gzip.level": GZIP_LEVEL,
        },
    }
