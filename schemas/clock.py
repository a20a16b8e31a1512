"""Time as events: ticks, and the confession that a clock was stepped."""

from typing import Annotated

from pydantic import Field

from schemas.model import MS, Model, Timestamp


class Tick(Model):
    """The time, in one partition, written by the one ticker that owns it.

    ``received_to`` says per ingest shard up to which clock time everything its broker had accepted stands before
    this tick in this partition. A shard that is disconnected or still draining does not advance; a fold must not
    conclude silence beyond it. Of the shards in ``retired`` nobody waits to hear; they are none of ``received_to``.
    """

    time: Timestamp
    generation: Annotated[int, Field(ge=1)]
    cadence_ms: Annotated[int, Field(ge=1)]
    ticker: str
    received_to: dict[str, MS]
    retired: tuple[str, ...] = ()


class ClockStepped(Model):
    """The ticker's wall clock jumped against its monotonic clock; the span is blind and fires no timer."""

    before: Timestamp
    after: Timestamp
    ticker: str


class ShardRetired(Model):
    """An ingest that will not come back: nothing is held back any more until it has been heard of."""

    shard: Annotated[str, Field(min_length=1, max_length=128)]
