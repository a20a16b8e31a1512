"""What stands in the log, for tests that ask again and again until something stands there."""

import uuid
from collections import defaultdict
from typing import NamedTuple

from kafka import TopicPartition

from ingest.follower import read_to_end
from runtime.kafka import reader
from runtime.settings import KafkaSettings
from schemas.envelope import CloudEvent, decode
from schemas.topics import Topic


class Stands(NamedTuple):
    """A record of ours and where it stands."""

    partition: int
    offset: int
    event: CloudEvent


class Log:
    """The topics of a city; what was read once is kept, so that looking often costs little.

    A topic that is deleted and made anew is not noticed.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka
        self._read: defaultdict[TopicPartition, list[Stands]] = defaultdict(list)

    def all_of(self, topic: Topic) -> list[Stands]:
        """Everything in it by now, partition by partition, each in order; nothing that retention has taken."""
        name = topic.full_name(self.kafka.topic_prefix)
        where = [TopicPartition(name, number) for number in range(topic.partitions)]
        consumer = reader(self.kafka, f"test-{uuid.uuid4().hex[:6]}")
        try:
            first = consumer.beginning_offsets(where)
            begin = {at: max([first[at], *(one.offset + 1 for one in self._read[at][-1:])]) for at in where}
            for record in read_to_end(consumer, begin):
                at = TopicPartition(record.topic, record.partition)
                self._read[at].append(Stands(record.partition, record.offset, decode(record.value)))
        finally:
            consumer.close()
        return [one for at in where for one in self._read[at] if one.offset >= first[at]]
