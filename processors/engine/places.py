"""The partitions of the topics a process reads, numbered through: of one topic, as Kafka numbers them."""

from collections.abc import Iterable

from schemas.topics import Topic


class Places:
    """Topics in a fixed order, one partition after the other."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self.topics = tuple(topics)
        self._places = [(topic, partition) for topic in self.topics for partition in range(topic.partitions)]
        self._numbers = {(topic.name, partition): n for n, (topic, partition) in enumerate(self._places)}

    def __len__(self) -> int:
        return len(self._places)

    def at(self, number: int) -> tuple[Topic, int]:
        """The topic and its partition."""
        return self._places[number]

    def number(self, topic: str, partition: int) -> int:
        """The other way round; ``topic`` as in the catalogue, without a deployment's prefix.

        Raises:
            KeyError: there is no such partition.
        """
        return self._numbers[topic, partition]
