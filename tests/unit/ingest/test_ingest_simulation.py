"""Whatever happens around ingest and wherever it dies, nothing is lost or doubled; and a build that could is caught.

``make simulate SEEDS=10000`` runs more histories; a seed that fails is named, and fails again whenever it is run.
"""

from typing import Any

import pytest
from ingest_simulation import simulate

from ingest.bridge import Bridge
from ingest.ledger import AckLedger, Released
from ingest.recent import Recent
from ingest.registry import Registry
from ingest.rewrite import Rewriter
from ingest.service import Service
from ingest.ticker import Ticker
from ingest.writer import Writer
from schemas.topics import ACCEPTED, Topic
from tests.memory.seeds import SEEDS, for_every_seed, must_be_caught

STRIDE = 1 if SEEDS >= 1_000 else 2  # `make check` is in a hurry


def test_no_history_loses_doubles_or_acknowledges_early() -> None:
    for_every_seed(simulate)


@pytest.mark.parametrize("seed", [11, 5])  # on the wall's clock, and on a feed's
def test_a_crash_at_every_io_point_of_a_history(seed: int) -> None:
    points = simulate(seed, crash_at=0)
    assert points > 150
    for point in range(1, points + 1, STRIDE):
        try:
            simulate(seed, crash_at=point)
        except BaseException as error:
            error.add_note(f"from ingest_simulation import simulate; simulate({seed}, crash_at={point})")
            raise


class AcksBeforeKafka(Writer):
    """Takes a record that was sent for one that is in Kafka."""

    def write(self, *args: Any, tickets: Any = (), **more: Any) -> None:
        super().write(*args, **more)
        for ticket in tickets:
            self._ledger.confirm(ticket)


class TakesNoForAnAnswer(Writer):
    """Takes a record that Kafka refused for one that is in it."""

    def _settle(
        self, generation: int, lane: int, tickets: Any, confirmed: Any, error: Any, metadata: Any = None
    ) -> None:
        super()._settle(generation, lane, tickets, confirmed, None, metadata)


class AcksOutOfOrder(AckLedger):
    """Does not wait for what was received before."""

    def release(self) -> Released:
        ready = [one for one in self._line if one.ticket not in self._holds]
        for one in ready:
            self._line.remove(one)
            self.bytes -= one.size
        return Released([one.mid for one in ready if one.mid], None)


class AcksAcrossConnections(AckLedger):
    """Acknowledges what an older connection brought."""

    def new_epoch(self) -> int:
        self.epoch += 1
        return self.epoch


class ReadsOn(Bridge):
    """Takes in more, however much waits for Kafka."""

    def _has_room(self) -> bool:
        return not self._stopped


class TicksAhead(Ticker):
    """Says it received everything up to now, without a probe that proves it."""

    def step(self, now_s: float, wall_ms: int) -> None:
        self.frontier = wall_ms
        super().step(now_s, wall_ms)


class RemembersNothing(Recent):
    """Takes a redelivered message for another one."""

    def give(self, payload_hash: str, mid: int, *, dup: bool, arrival_ms: int, event_ms: int) -> Any:
        return super().give(payload_hash, mid, dup=False, arrival_ms=arrival_ms, event_ms=event_ms)


class AcksBeforeItsBytes(Writer):
    """Does not wait until the bytes of what it accepted are in Kafka."""

    def write(self, topic: Topic, *args: Any, tickets: Any = (), **more: Any) -> None:
        waited = () if topic is ACCEPTED else tickets
        super().write(topic, *args, tickets=waited, **more)
        if topic is ACCEPTED:
            for ticket in tickets:
                self._ledger.confirm(ticket)


class LeavesCasesBehind(Ticker):
    """Does not wait until the feed's clock stands where cases learn the time."""

    def _write_coarse(self, time_ms: int, tickets: tuple[int, ...]) -> None:
        super()._write_coarse(time_ms, ())


class RewritesUnheard(Rewriter):
    """Does not wait to hear what was registered before its begin marker."""

    def step(self, now_s: float, wall_ms: int) -> None:
        if self._attempt is not None:
            self._attempt.heard = True
        super().step(now_s, wall_ms)


class RewritesAmidLoads(Registry):
    """Does not wait for the end of a load whose events may stand before the begin marker."""

    def loading(self, since_ms: int) -> bool:
        return False


class RewritesOn(Rewriter):
    """Goes on with a rewrite of which Kafka may have refused something."""

    def reset(self) -> None:
        """Not now."""


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (AcksBeforeKafka, "not in the log|bytes are not kept"),
        (TakesNoForAnAnswer, "not in the log|bytes are not kept|did not tick|still waits"),
        (AcksOutOfOrder, "was acknowledged before"),
        (AcksAcrossConnections, "not delivered in this connection|was acknowledged before|messages in memory"),
        (ReadsOn, "messages in memory"),
        (TicksAhead, "behind a tick"),
        (RemembersNothing, "twice in effect"),
        (AcksBeforeItsBytes, "bytes are not kept"),
        (LeavesCasesBehind, "did not tick for cases"),
        (RewritesUnheard, "has .* of"),
        (RewritesAmidLoads, "has .* of"),
        (RewritesOn, "has .* of|still waits"),
    ],
)
def test_a_broken_build_is_caught(broken: type, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"ingest.service.{broken.__mro__[1].__name__}", broken)
    caught = must_be_caught(simulate, broken)
    with pytest.raises(type(caught), match=says):
        raise caught


class TakesBackTooEarly(Service):
    """Says that it is not retired before its new producer is open."""

    def _report(self, now_s: float) -> None:
        self._take_back_retirement()
        super()._report(now_s)


def test_a_service_that_fails_by_itself_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest_simulation.Service", TakesBackTooEarly)
    caught = must_be_caught(simulate, TakesBackTooEarly)
    with pytest.raises(type(caught), match="thrown away"):
        raise caught
