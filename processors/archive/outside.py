"""What the archive has to do with outside of its process, in one place: a simulation puts a log and tables there."""

from collections.abc import Callable
from dataclasses import dataclass

from kafka import KafkaConsumer

from processors.archive.sink import Sink
from runtime.kafka import RequireTopics, group_consumer, require_topics
from runtime.settings import DatabaseSettings
from runtime.timing import MACHINE, Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The machine's clock, Kafka and the database."""

    timing: Timing = MACHINE
    require_topics: RequireTopics = require_topics
    open_consumer: Callable[..., KafkaConsumer] = group_consumer
    open_sink: Callable[[DatabaseSettings, str], Sink] = Sink
