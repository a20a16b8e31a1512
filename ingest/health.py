"""What ``/healthz`` says: whether this process gets on with its work, or what it rightly waits for."""

from typing import Final

from runtime.exposition import HealthReport
from runtime.lifecycle import Progress
from runtime.timing import MACHINE, Timing

PROBE_S: Final = 30.0  # or three probes, if that is longer
STUCK_S: Final = 60.0
ANSWERS_S: Final = 10.0


class Health:
    """Filled by the loop, read by the exposition's thread; each field is replaced whole, so no lock is needed."""

    def __init__(self, loop: Progress, probe_s: float, timing: Timing = MACHINE) -> None:
        """Nothing is known yet; ``probe_s`` are the seconds between two probes."""
        self._loop = loop
        self._timing = timing
        self._probe_max_s = max(PROBE_S, 3 * probe_s)
        self.stage = "starting"
        self.connected = False
        self.subscribed = False
        self.refused = ""
        self.failed = ""
        self.probed_s: float | None = None
        self.confirmed_s = 0.0
        self.connected_s = 0.0
        self.in_flight = 0
        self.oldest_s = 0.0

    def report(self) -> HealthReport:
        """Unhealthy: the loop stands still, messages get stuck, the probe stays away, or a server refuses us something.

        ``ready``: whatever is published from now on is received.

        A server that is away is no fault of ours that a restart would mend: it is named in ``waitingFor``.
        """
        now = self._timing.monotonic_s()
        kafka_answers = now - self.confirmed_s < ANSWERS_S
        wrong: list[str] = []
        if not self._loop.healthy:
            wrong.append("the loop stands still")
        if kafka_answers and self.oldest_s > STUCK_S:
            wrong.append("a message is stuck although Kafka answers")
        probe_age = now - max(self.probed_s or 0.0, self.connected_s)
        # With nothing in flight nothing of Kafka's is in a probe's way, so whether it answers does not matter.
        if self.connected and not self.in_flight and probe_age > self._probe_max_s:
            wrong.append("the probe does not come back")
        if self.refused:
            wrong.append(f"the broker refuses a subscription: {self.refused}")
        if self.failed:
            wrong.append(f"Kafka refuses what we write: {self.failed}")
        waiting = [] if self.connected or self.stage != "running" else ["mqtt"]
        if self.stage == "starting" or (self.in_flight and not kafka_answers):
            waiting.append("kafka")
        return {
            "healthy": not wrong,
            "ready": self.connected and self.subscribed and self.probed_s is not None,
            "stage": self.stage,
            "wrong": wrong,
            "waitingFor": waiting,
            "connected": self.connected,
            "probeAgeS": None if self.probed_s is None else round(now - self.probed_s, 1),
            "inFlight": self.in_flight,
            "oldestUnacknowledgedS": round(self.oldest_s, 1),
        }
