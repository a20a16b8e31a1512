"""Two owners of the archive's offsets, against a model that only knows who took a partition last.

Whatever they do in whatever order, an owner stores exactly when the partition is its own and nobody moved its offset.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.archive.sink import Partition
from runtime.errors import FencedError, OutcomeUnknownError, RetryableError
from tests.contracts.database import P0, P1, DatabaseRig, item, put

_owners = st.sampled_from(["old", "new"])
_sets = st.sampled_from([(P0,), (P1,), (P0, P1)])


class Fencing(RuleBasedStateMachine):
    """``make_rig`` gives an empty database for each run."""

    make_rig: Callable[[], DatabaseRig]

    def __init__(self) -> None:
        super().__init__()
        self.rig = type(self).make_rig()
        self.sinks = {name: self.rig.sink() for name in ("old", "new")}
        self.belief: dict[str, dict[Partition, int]] = {"old": {}, "new": {}}
        """What each owner believes it owns, and where."""
        self.owner: dict[Partition, str | None] = {}
        self.offsets: dict[Partition, int] = {}
        self.stored: set[str] = set()
        self.number = 0

    @rule(name=_owners, partitions=_sets)
    def take_over(self, name: str, partitions: tuple[Partition, ...]) -> None:
        held = self.sinks[name].take_over(dict.fromkeys(partitions, 0))
        for partition in partitions:
            self.offsets.setdefault(partition, 0)
            self.owner[partition] = name
        for partition, owner in self.owner.items():
            if owner == name and partition not in partitions:
                self.owner[partition] = None  # given up: it stands where it stood, and waits for whoever comes
        self.belief[name] = {partition: self.offsets[partition] for partition in partitions}
        assert {partition: one.next_offset for partition, one in held.items()} == self.belief[name]

    @precondition(lambda self: any(self.belief.values()))
    @rule(name=_owners, count=st.integers(1, 3))
    def write(self, name: str, count: int) -> None:
        self._write(name, count)

    @precondition(lambda self: any(self.belief.values()))
    @rule(name=_owners, done=st.booleans())
    def write_unheard(self, name: str, done: bool) -> None:
        """The answer of COMMIT is lost: the connection is made anew, and nothing is owned."""
        if not self._may_write(name) or not self.belief[name]:
            return
        self.rig.cut_in_commit(self.sinks[name], done=done)
        identities, items, moves = self._records(name, 1)
        try:
            put(self.sinks[name], items, moves)
        except OutcomeUnknownError:
            if done:
                self.stored |= identities
                self.offsets |= moves
            self._anew(name)
        else:
            raise AssertionError("nobody could have heard of it")

    @rule(name=_owners)
    def reconnect(self, name: str) -> None:
        self.sinks[name].close()
        self._anew(name)

    @precondition(lambda self: self.offsets)
    @rule(data=st.data())
    def operator_moves(self, data: st.DataObject) -> None:
        partition = data.draw(st.sampled_from(sorted(self.offsets)))
        self.offsets[partition] = data.draw(st.integers(0, 5))
        self.rig.set_offset(partition, self.offsets[partition])

    @rule()
    def everything_is_cut(self) -> None:
        self.rig.cut()
        for name, sink in self.sinks.items():
            try:
                sink.take_over({})
            except RetryableError:
                self._anew(name)
            else:
                self.belief[name] = {}  # of no partitions it may be done without a word to the server
                self._anew(name)

    @invariant()
    def nothing_else_is_stored(self) -> None:
        assert self.rig.offsets() == self.offsets
        assert self.rig.identities() == sorted(self.stored)

    def teardown(self) -> None:
        for sink in self.sinks.values():
            sink.close()

    def _write(self, name: str, count: int) -> None:
        identities, items, moves = self._records(name, count)
        if not moves:
            return
        if self._may_write(name):
            put(self.sinks[name], items, moves)
            self.stored |= identities
            self.offsets |= moves
            self.belief[name] |= moves
            return
        try:
            put(self.sinks[name], items, moves)
        except FencedError:
            return
        raise AssertionError(f"{name} stored what it does not own: {moves}")

    def _may_write(self, name: str) -> bool:
        """Whether it was the last to take each of them, and all stand where it left them."""
        believed = self.belief[name]
        return all(self.owner[p] == name and self.offsets[p] == offset for p, offset in believed.items())

    def _records(self, name: str, count: int) -> tuple[set[str], list[Any], dict[Partition, int]]:
        """Records for every partition it believes to own."""
        identities: set[str] = set()
        items: list[Any] = []
        moves: dict[Partition, int] = {}
        for partition, offset in sorted(self.belief[name].items()):
            for number in range(count):
                self.number += 1
                identity = f"a:b:{self.number}"
                identities.add(identity)
                items.append(item([identity], offset + number, partition[1]))
            moves[partition] = offset + count
        return identities, items, moves

    def _anew(self, name: str) -> None:
        self.sinks[name] = self.rig.sink()
        self.belief[name] = {}
