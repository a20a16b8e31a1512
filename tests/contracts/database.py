"""What the archive counts on at its database; run on the one in memory and on PostgreSQL, so that they are alike."""

import random
import string
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol

import pytest

from processors.archive.rows import Item
from processors.archive.sink import Partition, Sink
from processors.archive.store import moves_left, store
from processors.archive.tables import Horizon
from runtime.errors import FencedError, OutcomeUnknownError, RetryableError
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import CloudEvent, decode, encode
from schemas.facility import FacilityClass
from schemas.model import from_ms
from schemas.topics import EVENTS

T0: Final = 1_783_267_200_000
P0: Final = (EVENTS.name, 0)
P1: Final = (EVENTS.name, 1)
_DAY: Final = 86_400_000
HORIZON: Final = Horizon(lateness_ms=_DAY, redelivery_ms=8 * _DAY)


class DatabaseRig(Protocol):
    """A database with nothing in it."""

    def sink(self) -> Sink:
        """A new connection of the archive; closed with the test."""

    def cut(self) -> None:
        """Every connection ends."""

    def cut_in_commit(self, sink: Sink, *, done: bool) -> None:
        """The next COMMIT of this connection is done, or not, and its answer is lost."""

    def away(self) -> AbstractContextManager[None]:
        """Nobody is let in."""

    def set_offset(self, partition: Partition, offset: int) -> None:
        """An operator decides."""

    def switch(self) -> None:
        """Another generation of the projection becomes current, filled or not."""

    def identities(self) -> list[str]:
        """Of every stored reading, sorted."""

    def set_aside(self) -> list[bytes]:
        """What stands in the quarantine."""

    def offsets(self) -> Mapping[Partition, int]:
        """Where each partition stands."""


def item(identities: Sequence[str], offset: int, partition: int = 0, quality: int = 0) -> Item:
    """A record of readings as it comes out of the log."""
    count = len(identities)
    columns = BatchColumns(
        shard="s",
        series=[SeriesColumns(f"d-{partition}", "pressure", "Pa", "f-1", FacilityClass.PRESSURE_METER, "dma:1")],
        series_index=[0] * count,
        phenomenon_time=[T0 + 1000 * number for number in range(count)],
        result=[float(number) for number in range(count)],
        identity=list(identities),
        result_quality=[quality] * count,
        arrival_time=[T0] * count,
    )
    raw = encode(CloudEvent(id=f"{partition}/{offset}", source="/test", time=from_ms(T0), data=columns))
    return Item(EVENTS.name, partition, offset, T0, raw, decode(raw))


def put(sink: Sink, items: Sequence[Item], moves: Mapping[Partition, int]) -> int:
    """Store items; how many rows were new."""
    written = list(store(sink, items, moves_left(moves, sink), HORIZON))
    return sum(sum(one.inserted.values()) for one in written)


def owner(rig: DatabaseRig, *partitions: Partition) -> Sink:
    """A new owner of these."""
    sink = rig.sink()
    sink.take_over(dict.fromkeys(partitions or (P0,), 0))
    return sink


class DatabaseContract:
    """To be inherited by a test class whose fixture ``rig`` gives a :class:`DatabaseRig`."""

    def test_rows_and_offsets_move_together(self, rig: DatabaseRig) -> None:
        sink = owner(rig, P0, P1)
        assert put(sink, [item(["a:b:1", "a:b:2"], 0), item(["a:b:1"], 4, 1)], {P0: 1, P1: 5}) == 3
        assert rig.identities() == ["a:b:1", "a:b:1", "a:b:2"]
        assert rig.offsets() == {P0: 1, P1: 5}
        assert {partition: held.next_offset for partition, held in sink.held.items()} == {P0: 1, P1: 5}

    def test_a_partition_never_stored_begins_where_the_log_does_and_any_other_where_it_was(
        self, rig: DatabaseRig
    ) -> None:
        put(owner(rig), [item(["a:b:1"], 0)], {P0: 1})
        held = rig.sink().take_over({P0: 0, P1: 7})
        assert {partition: (one.next_offset, one.epoch) for partition, one in held.items()} == {P0: (1, 2), P1: (7, 1)}

    def test_an_older_owner_cannot_write_and_may_what_is_still_its_own(self, rig: DatabaseRig) -> None:
        old = owner(rig, P0, P1)
        new = owner(rig, P0)
        with pytest.raises(FencedError):
            put(old, [item(["a:b:1"], 0), item(["a:b:2"], 0, 1)], {P0: 1, P1: 1})
        assert rig.identities() == []
        assert rig.offsets() == {P0: 0, P1: 0}
        assert put(old, [item(["a:b:2"], 0, 1)], {P1: 1}) == 1
        assert put(new, [item(["a:b:1"], 0)], {P0: 1}) == 1

    def test_an_offset_that_was_moved_fences_too(self, rig: DatabaseRig) -> None:
        sink = owner(rig)
        put(sink, [item(["a:b:1"], 0)], {P0: 1})
        assert not sink.decided([P0])
        rig.set_offset(P0, 0)
        assert sink.decided([P0])
        with pytest.raises(FencedError):
            put(sink, [item(["a:b:2"], 1)], {P0: 2})
        assert rig.identities() == ["a:b:1"]

    def test_the_same_rows_again_change_nothing(self, rig: DatabaseRig) -> None:
        sink = owner(rig)
        assert put(sink, [item(["a:b:1", "a:b:2"], 0)], {P0: 1}) == 2
        assert put(sink, [item(["a:b:2", "a:b:3", "a:b:3"], 1)], {P0: 2}) == 1
        assert rig.identities() == ["a:b:1", "a:b:2", "a:b:3"]

    def test_positions_move_without_rows(self, rig: DatabaseRig) -> None:
        sink = owner(rig)
        assert put(sink, [], {P0: 9}) == 0
        assert rig.offsets() == {P0: 9}

    @pytest.mark.parametrize("kind", ["no such quality", "beyond the index"])
    def test_a_row_that_cannot_be_stored_is_set_aside_and_its_neighbours_are_not(
        self, rig: DatabaseRig, kind: str
    ) -> None:
        letters = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=8_000))
        bad = item([f"a:bad:{letters}"], 1) if kind == "beyond the index" else item(["a:bad:1"], 1, quality=9)
        put(owner(rig), [item(["a:b:1"], 0), bad, item(["a:b:2"], 2)], {P0: 3})
        assert rig.identities() == ["a:b:1", "a:b:2"]
        (payload,) = rig.set_aside()
        assert b"a:bad:" in payload
        assert rig.offsets() == {P0: 3}

    def test_after_a_cut_nothing_works_and_nothing_was_stored(self, rig: DatabaseRig) -> None:
        sink = owner(rig)
        rig.cut()
        with pytest.raises(RetryableError):
            put(sink, [item(["a:b:1"], 0)], {P0: 1})
        with pytest.raises(RetryableError):
            sink.take_over({P0: 0})
        assert (rig.identities(), rig.offsets()) == ([], {P0: 0})

    @pytest.mark.parametrize("done", [True, False])
    def test_of_a_commit_that_was_not_answered_only_the_database_knows(self, rig: DatabaseRig, done: bool) -> None:
        sink = owner(rig)
        put(sink, [item(["a:b:0"], 0)], {P0: 1})
        rig.cut_in_commit(sink, done=done)
        with pytest.raises(OutcomeUnknownError):
            put(sink, [item(["a:b:1"], 1)], {P0: 2})
        found = rig.sink().take_over({P0: 0})[P0].next_offset
        assert found == (2 if done else 1)
        assert rig.identities() == ["a:b:0", "a:b:1"][:found]

    def test_one_that_is_away_lets_nobody_in_and_keeps_what_it_has(self, rig: DatabaseRig) -> None:
        put(owner(rig), [item(["a:b:1"], 0)], {P0: 1})
        with rig.away(), pytest.raises(RetryableError):
            rig.sink()
        assert rig.sink().take_over({P0: 0})[P0].next_offset == 1

    def test_who_slept_through_a_switch_stores_nothing_and_takes_nothing_over(self, rig: DatabaseRig) -> None:
        old, sleeper = owner(rig), rig.sink()
        put(old, [item(["a:b:1"], 0)], {P0: 1})
        assert not old.decided([P0])
        rig.switch()
        assert old.decided([P0])
        with pytest.raises(FencedError):
            put(old, [item(["a:b:2"], 1)], {P0: 2})
        for one in (old, sleeper):
            with pytest.raises(FencedError):
                one.take_over({P0: 1})
        new = rig.sink()
        assert new.generation > sleeper.generation
        assert new.take_over({P0: 1})[P0].next_offset == 1
        put(new, [item(["a:b:3"], 1)], {P0: 2})
        assert "a:b:3" in rig.identities()
        assert "a:b:2" not in rig.identities()
        assert rig.offsets()[P0] == 2

    def test_names_have_the_same_numbers_for_whoever_asks(self, rig: DatabaseRig) -> None:
        one, two = rig.sink(), rig.sink()
        series, origins = {("d-1", "pressure"): "Pa", ("d-2", "pressure"): "Pa"}, {("f", "pressure_meter", "z")}
        one.learn(series, origins)
        two.learn(series, origins)
        assert one.numbers == two.numbers
        assert len(set(one.numbers.series.values())) == 2
