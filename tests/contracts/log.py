"""What the engine counts on at its log (:mod:`processors.engine.ports`); run on the one in memory and on Kafka."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pytest

from processors.engine.ports import Outgoing, Record, Sink, Source
from runtime.errors import FencedError, OutcomeUnknownError
from schemas.topics import ANOMALIES


class LogRig(Protocol):
    """An input topic of two partitions or more, and a group that nobody else is in."""

    partitions: tuple[int, ...]

    def write(self, partition: int, *values: bytes) -> None:
        """Into the input, outside of any transaction."""

    def source(self, instance: str) -> Source:
        """A member of the group; not subscribed yet."""

    def sink(self, instance: str, source: Source) -> Sink:
        """Commits under this name, as this member; not open yet."""

    def settle_group(self, members: Sequence[str]) -> None:
        """These are the members from now on; they learn of it as they poll."""

    def left_open(self, instance: str, value: bytes) -> None:
        """An older twin of the sink wrote this into the output, in a transaction that it never ended."""

    def published(self) -> list[bytes]:
        """What a reader of committed records is given of the output."""

    def delete_before(self, partition: int, offset: int) -> None:
        """Retention takes what is below."""

    def patience(self) -> Iterator[None]:
        """As many turns as anything here may take."""


class Member:
    """A source with an owner that does nothing but remember."""

    def __init__(self, rig: LogRig, instance: str) -> None:
        self.source = rig.source(instance)
        self.owned: tuple[int, ...] | None = None
        self.revoked: list[tuple[int, ...]] = []
        self.records: list[Record] = []
        self._rig = rig
        self.source.subscribe(self)  # type: ignore[attr-defined]

    def on_revoked(self, partitions: Sequence[int]) -> None:
        self.revoked.append(tuple(partitions))
        self.owned = None

    def on_assigned(self, partitions: Sequence[int]) -> None:
        self.owned = tuple(partitions)

    def poll(self) -> None:
        self.records += self.source.poll(0.2, 100)

    def until(self, what: Callable[[], bool], *others: "Member") -> None:
        """Poll, the others too, until this is so."""
        for _ in self._rig.patience():
            if what():
                return
            for one in (self, *others):
                one.poll()
        raise AssertionError("it did not happen")

    def idle(self) -> None:
        """A few polls, in which nothing should come."""
        for _ in range(3):
            self.poll()

    def values(self) -> list[bytes]:
        return [record.value for record in self.records]


def alone(rig: LogRig, *, start: int | None = 0) -> Member:
    """The only member, reading partition 0."""
    rig.settle_group(["w"])
    member = Member(rig, "w")
    member.until(lambda: member.owned == rig.partitions)
    member.idle()  # a group that is young may be shared out once more, and then nothing is started
    member.until(lambda: member.owned == rig.partitions)
    if start is not None:
        member.source.start(0, start)
    return member


def shows(rig: LogRig, values: list[bytes]) -> None:
    """A transaction that was committed is seen a moment later, when its markers are written."""
    for _ in rig.patience():
        if rig.published() == values:
            return
    assert rig.published() == values


def out(*values: bytes) -> list[Outgoing]:
    return [Outgoing(ANOMALIES.name, 0, "z", value) for value in values]


class SourceContract:
    """To be inherited by a test class whose fixture ``rig`` gives a :class:`LogRig`."""

    def test_records_come_in_order_from_where_it_was_started(self, rig: LogRig) -> None:
        rig.write(0, b"0", b"1", b"2")
        rig.write(1, b"never started")
        member = alone(rig, start=1)
        member.until(lambda: len(member.records) >= 2)
        member.idle()
        assert [one[:3] for one in member.records] == [(0, 1, b"1"), (0, 2, b"2")]
        assert member.source.position(0) == 3
        assert member.source.lag(0) == 0
        assert member.source.bounds(0) == (0, 3)
        assert member.source.bounds(1) == (0, 1)

    def test_nothing_comes_before_start_nor_after_stop(self, rig: LogRig) -> None:
        rig.write(0, b"0", b"1")
        member = alone(rig, start=None)
        member.idle()
        assert member.records == []
        member.source.start(0, 0)
        member.until(lambda: len(member.records) == 2)
        member.source.stop(0)
        rig.write(0, b"2")
        member.idle()
        assert member.values() == [b"0", b"1"]
        member.source.start(0, 1)
        member.until(lambda: len(member.records) == 4)
        assert member.values() == [b"0", b"1", b"1", b"2"]

    def test_a_group_that_committed_nothing_has_no_offset(self, rig: LogRig) -> None:
        assert alone(rig).source.committed(0) is None

    def test_when_another_comes_everything_is_taken_away_and_shared_anew(self, rig: LogRig) -> None:
        first = alone(rig)
        rig.settle_group(["v", "w"])
        second = Member(rig, "v")
        first.until(lambda: bool(first.owned and second.owned) and first.owned != rig.partitions, second)
        assert [one for one in first.revoked if one] == [rig.partitions]
        assert first.owned is not None
        assert second.owned is not None
        assert sorted(first.owned + second.owned) == list(rig.partitions)
        rig.write(0, b"0")
        mine, other = (first, second) if 0 in first.owned else (second, first)
        mine.source.start(0, 0)
        mine.until(lambda: mine.values() == [b"0"], other)
        assert other.records == []

    def test_what_retention_took_is_said_and_not_skipped(self, rig: LogRig) -> None:
        rig.write(0, *(b"%d" % number for number in range(5)))
        rig.delete_before(0, 3)
        member = alone(rig, start=1)
        with pytest.raises(OutcomeUnknownError):
            member.until(lambda: bool(member.records))
        assert member.source.bounds(0) == (3, 5)
        member.source.start(0, 3)
        member.until(lambda: member.values() == [b"3", b"4"])


class SinkContract:
    """The same for transactions."""

    def test_outputs_and_offsets_become_visible_together(self, rig: LogRig) -> None:
        rig.write(0, b"0", b"1")
        member = alone(rig)
        sink = rig.sink("w", member.source)
        sink.open()
        sink.commit(out(b"a", b"b"), {0: 1})
        shows(rig, [b"a", b"b"])
        assert member.source.committed(0) == 1
        assert member.source.committed(1) is None
        sink.commit(out(), {0: 2}, {0: "beside it"})
        assert (member.source.note(0), member.source.note(1)) == ("beside it", "")
        sink.commit(out(b"c"), {1: 5})
        shows(rig, [b"a", b"b", b"c"])
        assert (member.source.committed(0), member.source.committed(1)) == (2, 5)
        sink.close()

    def test_a_transaction_that_is_open_is_seen_by_nobody_and_hides_what_stands_behind_it(self, rig: LogRig) -> None:
        member = alone(rig)
        rig.left_open("w", b"never")
        other = rig.sink("v", member.source)
        other.open()
        other.commit(out(b"behind"), {0: 0})
        assert rig.published() == []
        other.close()
        sink = rig.sink("w", member.source)
        sink.open()  # ends what the older twin left open
        shows(rig, [b"behind"])
        sink.commit(out(b"after"), {0: 0})
        shows(rig, [b"behind", b"after"])
        sink.close()

    def test_opening_fences_the_older_twin(self, rig: LogRig) -> None:
        rig.write(0, b"0")
        member = alone(rig)
        older, younger = rig.sink("w", member.source), rig.sink("w", member.source)
        older.open()
        older.commit(out(b"a"), {0: 0})
        younger.open()
        with pytest.raises(OutcomeUnknownError):
            older.commit(out(b"never"), {0: 1})
        assert member.source.committed(0) == 0
        younger.commit(out(b"b"), {0: 1})
        shows(rig, [b"a", b"b"])
        assert member.source.committed(0) == 1
        older.close()
        younger.close()

    def test_after_an_error_it_is_opened_anew_and_goes_on(self, rig: LogRig) -> None:
        member = alone(rig)
        older, younger = rig.sink("w", member.source), rig.sink("w", member.source)
        older.open()
        younger.open()
        with pytest.raises(OutcomeUnknownError):
            older.commit(out(b"never"), {0: 1})
        older.open()
        older.commit(out(b"a"), {0: 1})
        shows(rig, [b"a"])
        older.close()
        younger.close()

    def test_a_member_whose_place_was_taken_is_told_when_it_commits(self, rig: LogRig) -> None:
        rig.write(0, b"0")
        older = alone(rig)
        sink = rig.sink("w", older.source)
        sink.open()
        younger = Member(rig, "w")
        younger.until(lambda: younger.owned == rig.partitions)
        with pytest.raises(FencedError):
            sink.commit(out(b"never"), {0: 1})
        assert younger.source.committed(0) is None
        again = rig.sink("w", younger.source)
        again.open()
        again.commit(out(b"a"), {0: 1})
        shows(rig, [b"a"])
        for one in (sink, again):
            one.close()
