"""What time it is in the log: that of its newest ticks, which is not the wall's where recorded data brings its own."""

import time
from datetime import datetime
from typing import Final

from kafka import KafkaConsumer, TopicPartition

from runtime.kafka import reader
from runtime.settings import KafkaSettings
from schemas.clock import Tick
from schemas.envelope import UnknownEventError, decode
from schemas.model import from_ms, to_ms
from schemas.topics import EVENTS

BEHIND: Final = (100, 1000, 10_000)
"""So many records are read from the end, until a tick is among them."""
POLL_MS: Final = 500


def log_times(settings: KafkaSettings) -> list[datetime]:
    """Of each partition that has a tick near its end, in order; the wall time where none has.

    Raises:
        kafka.errors.KafkaError: Kafka cannot be reached.
    """
    topic = EVENTS.full_name(settings.topic_prefix)
    consumer = reader(settings, "eyes-shadow-clock")
    try:
        partitions = [TopicPartition(topic, number) for number in range(EVENTS.partitions)]
        starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        found = []
        for at in partitions:
            for behind in BEHIND:
                begin = max(starts[at], ends[at] - behind)
                newest = _newest_tick(consumer, at, begin, ends[at])
                if newest is not None:
                    found.append(newest)
                if newest is not None or begin == starts[at]:
                    break
    finally:
        consumer.close()
    return [from_ms(ms) for ms in sorted(found)] or [from_ms(time.time_ns() // 1_000_000)]


def _newest_tick(consumer: KafkaConsumer, at: TopicPartition, begin: int, end: int) -> int | None:
    consumer.assign([at])
    consumer.seek(at, begin)
    newest = None
    while consumer.position(at) < end:
        for record in consumer.poll(timeout_ms=POLL_MS).get(at, ()):
            if b"clock.tick" not in record.value[:512]:
                continue
            try:
                data = decode(record.value).data
            except UnknownEventError:
                continue
            if isinstance(data, Tick):
                newest = max(newest or 0, to_ms(data.time))
    return newest
