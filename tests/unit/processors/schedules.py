"""What befalls the two workers ``w`` and ``v`` of any loop, whatever it does with its records."""

import random
from collections.abc import Collection
from contextlib import suppress
from typing import Protocol

from memory_ports import MemoryGroup, MemorySink, MemorySource

from runtime.errors import FencedError, RetryableError


class Worker(Protocol):
    """One member of the group with its own loop."""

    source: MemorySource
    sink: MemorySink

    def turn(self) -> None:
        """One step of the loop."""


def turn(worker: Worker) -> None:
    """One step, unless the process is frozen."""
    if worker.sink.frozen:
        return
    with suppress(RetryableError, FencedError):  # it will try again
        worker.turn()


def share_out(dice: random.Random, group: MemoryGroup, places: Collection[int], told: MemorySource) -> None:
    """A rebalance; one of the two may hear of it in halves, or late."""
    owners = {place: dice.choice(["w", "v"]) for place in places}
    group.assign({who: [place for place, owner in owners.items() if owner == who] for who in ("w", "v")})
    told.hears_half = dice.random() < 0.5
    told.hears_late = dice.random() < 0.5


def take_everything(group: MemoryGroup, places: Collection[int], worker: Worker) -> None:
    """The other's session expired: this one has its partitions now, and works."""
    group.assign({worker.source.member: places})
    for _ in range(6):
        turn(worker)
