"""The parts of ingest that have threads of their own, without them: a scheduler turns the one and decides the other."""

import threading

from city_messages import ZONES

from ingest.follower import Follower
from schemas.partitioning import partition_of
from schemas.topics import EVENTS

OWNED = frozenset({0, *(partition_of(zone, EVENTS.partitions) for zone in ZONES.values())})


class TurnedFollower(Follower):
    """Turned by the scheduler instead of a thread."""

    started = False

    def start(self) -> None:
        """From now on it is turned."""
        self.started = True


class FixedElection:
    """Owns what it was given; sometimes it is undecided."""

    def __init__(self, *_: object) -> None:
        self.owned = OWNED
        self.decided = threading.Event()
        self.decided.set()
        self.fenced = False
        self.failed = None
        self.rebalancing = False

    def start(self) -> None:
        """Nothing to start."""

    def join(self, timeout_s: float) -> None:
        """Nothing to end."""
