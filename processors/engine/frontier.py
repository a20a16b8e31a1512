"""How far each ingest shard has received, as ticks tell it; what was blind; and which shards nobody waits for."""

from collections.abc import Mapping
from typing import Final

import msgspec

from processors.engine.contract import Blind
from schemas.clock import Tick

BLIND_CADENCES: Final = 5


class FrontierState(msgspec.Struct, frozen=True):
    """In a snapshot."""

    received: dict[str, int]
    stepped: list[str]
    retired: list[str]


class Frontier:
    """Per shard the clock time up to which everything was received; it never goes back.

    A shard that was retired counts as having received what every other has: what its devices said last they may by now
    say through another. It is back as soon as it has received more than that.
    """

    def __init__(self, state: FrontierState | None = None) -> None:
        """Begin with nothing known, or with what :attr:`state` gave."""
        self._received = dict(state.received) if state else {}
        self._stepped = set(state.stepped) if state else set()
        self._retired = set(state.retired) if state else set()

    @property
    def state(self) -> FrontierState:
        """For a snapshot: equal for equal knowledge."""
        return FrontierState(self._received, sorted(self._stepped), sorted(self._retired))

    @property
    def received(self) -> Mapping[str, int]:
        """As detectors are told it; does not change afterwards."""
        return dict(self._received)

    def advance(self, tick: Tick) -> list[Blind]:
        """Take in a tick; gives the spans in which we ourselves saw nothing of a shard."""
        blind = []
        for shard, received_to in sorted(tick.received_to.items()):
            before = self._received.get(shard, 0)  # of a shard we never heard of we saw nothing
            if received_to <= before:
                continue
            self._received[shard] = received_to
            self._retired.discard(shard)
            if received_to - before > BLIND_CADENCES * tick.cadence_ms or shard in self._stepped:
                blind.append(Blind(shard, before, received_to))
                self._stepped.discard(shard)
        self._follow_the_others()
        for shard in tick.retired:
            if shard not in self._retired:
                blind += self.retire(shard)
        return blind

    def step(self) -> None:
        """The wall clock was put forward: the next advance of each shard is blind."""
        self._stepped.update(self._received)

    def retire(self, shard: str) -> list[Blind]:
        """Nobody waits for this shard any more; gives the span since it was last heard of, in which we saw nothing."""
        before = self._received.get(shard)
        if before is None:
            return []
        self._retired.add(shard)
        self._follow_the_others()
        now = self._received[shard]
        return [Blind(shard, before, now)] if now > before else []

    def _follow_the_others(self) -> None:
        alive = [at for shard, at in self._received.items() if shard not in self._retired]
        if alive:
            for shard in self._retired:
                self._received[shard] = max(self._received[shard], min(alive))
