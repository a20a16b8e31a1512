"""Events, snapshots, commits and crashes in any order against a fold that nothing ever befell."""

from collections.abc import Iterable

from fold_kit import LATENESS_MS, RELAXED, batch, cut, logs, new_fold, row, scribe, tick, wire
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from state_kit import state

from processors.engine import snapshot
from processors.engine.composed import PartitionFold
from processors.engine.snapshot import SHARDS, Collector, shard_of
from schemas.envelope import Data

INTERESTING = sorted({shard_of(zone) for zone in ("z1", "z2", "z3")})
NOTHING: list[Data] = [tick(), batch(row(1))]


class SnapshotMachine(RuleBasedStateMachine):
    """What a worker does to a partition: fold, write some shards with what it commits, die, go on from what stands."""

    @initialize(items=logs(max_size=60), sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4))
    def begin(self, items: Iterable[object], sizes: list[int]) -> None:
        self.events = [*cut(items, _cycle(sizes)), *NOTHING]  # type: ignore[arg-type]
        self.fold, self.plain = new_fold(), new_fold()
        self.at = self.committed = 0
        self.said: list[bytes] = []  # by the fold, not yet committed
        self.published: list[bytes] = []
        self.expected: list[bytes] = []
        self.records: list[bytes] = []
        self._write(range(SHARDS))

    @rule(count=st.integers(1, 6))
    def take(self, count: int) -> None:
        for event in self.events[self.at : self.at + count]:
            self.fold.reach(self.at)
            self.said += wire(self.fold.fold([event]))
            self.at += 1

    @rule(shards=st.sets(st.sampled_from([*INTERESTING, (INTERESTING[0] + 1) % SHARDS])), spoilt=st.booleans())
    def commit(self, shards: set[int], spoilt: bool) -> None:
        for event in self.events[self.committed : self.at]:
            self.expected += wire(self.plain.fold([event]))
        self.published += self.said
        self.said = []
        self.committed = self.at
        self._write(sorted(shards))
        if spoilt and shards:
            self.records[-1] = self.records[-1][:-1] + bytes([self.records[-1][-1] ^ 1])

    @rule()
    def crash(self) -> None:
        collector = Collector("log", -1, self.committed)
        for record in self.records:
            collector.add(record)
        assert collector.whole
        detectors = new_fold()._cast._detectors
        self.fold, self.at = PartitionFold.restore(detectors, LATENESS_MS, collector.shards, (scribe(2),))
        self.said = []
        while self.at < self.committed:  # outputs up to here are published
            self.fold.reach(self.at)
            self.fold.fold([self.events[self.at]])
            self.at += 1
        self.fold.reach(self.committed)
        assert state(self.fold) == state(self.plain)

    @invariant()
    def what_is_published_is_what_one_fold_says(self) -> None:
        if hasattr(self, "published"):
            assert self.published == self.expected

    def _write(self, shards: Iterable[int]) -> None:
        for shard in shards:
            data = self.fold.snapshot(shard, self.at)
            self.records += [record for _, record in snapshot.split("log", shard, len(self.records) % 2, self.at, data)]


def _cycle(sizes: list[int]) -> Iterable[int]:
    while True:
        yield from sizes


SnapshotMachine.TestCase.settings = RELAXED
TestSnapshots = SnapshotMachine.TestCase
