"""What ingest has to do with outside of its process, in one place: a simulation puts a city in memory there."""

from dataclasses import dataclass

from ingest.election import Election
from ingest.follower import Follower, OpenReader
from ingest.mqtt import Dial, dial
from ingest.writer import OpenProducer, open_producer
from runtime.kafka import RequireTopics, reader, require_topics
from runtime.timing import MACHINE, Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The machine's clock, the broker and Kafka; the last two fields run in threads of their own."""

    timing: Timing = MACHINE
    dial: Dial = dial
    open_producer: OpenProducer = open_producer
    open_reader: OpenReader = reader
    require_topics: RequireTopics = require_topics
    follower: type[Follower] = Follower
    election: type[Election] = Election
