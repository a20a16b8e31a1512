"""Whatever happens around two archives, each row is stored once and no position is lost; a build that could is caught.

``make simulate SEEDS=10000`` runs more histories; a seed that fails is named, and fails again whenever it is run.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from archive_simulation import PARTITIONS, simulate

from processors.archive.rows import Rows
from processors.archive.service import Archive
from processors.archive.sink import Held, Partition, Written
from runtime.errors import OutcomeUnknownError
from tests.memory.database import MemorySink
from tests.memory.seeds import for_every_seed, must_be_caught


def test_no_history_loses_or_doubles_a_row() -> None:
    for_every_seed(simulate)


def test_a_crash_at_every_io_point_of_one_history() -> None:
    points = simulate(3, crash_at=0)
    assert points > 100
    for point in range(1, points + 1):
        try:
            simulate(3, crash_at=point)
        except BaseException as error:
            error.add_note(f"from archive_simulation import PARTITIONS, simulate; simulate(3, crash_at={point})")
            raise


class OffsetsBefore(MemorySink):
    """Commits the offsets in a transaction of their own, before the rows."""

    def write(self, rows: Rows, moves: Mapping[Partition, int]) -> Written:
        super().write(Rows(rows.horizon), moves)
        return super().write(rows, {})


class OffsetsBehind(MemorySink):
    """Commits the rows first, and the offsets in a transaction of their own."""

    def write(self, rows: Rows, moves: Mapping[Partition, int]) -> Written:
        written = super().write(rows, {})
        super().write(Rows(rows.horizon), moves)
        return written


class Unfenced(MemorySink):
    """Does not compare who owns the offsets it moves, nor where they stand."""

    def _is_owner(self, moves: Mapping[Partition, int]) -> bool:
        return True


class Deaf(MemorySink):
    """Takes a COMMIT of which nothing was heard for one that happened."""

    def write(self, rows: Rows, moves: Mapping[Partition, int]) -> Written:
        try:
            return super().write(rows, moves)
        except OutcomeUnknownError:
            self.ended = False
            self._database.begin(self)
            self._held |= {p: Held(new, self._held[p].epoch) for p, new in moves.items()}
            return Written()


class AnyGeneration(MemorySink):
    """Does not look whether its generation is still current when it takes partitions over."""

    def _is_current(self) -> bool:
        return True


@pytest.mark.parametrize("broken", [OffsetsBefore, OffsetsBehind, Unfenced, Deaf, AnyGeneration])
def test_a_broken_sink_is_caught(broken: type[MemorySink]) -> None:
    must_be_caught(partial(simulate, sink=broken), broken)


class Hoards(Archive):
    """Keeps what it read before it lost its partitions or the database."""

    def _drop(self) -> None:
        """Not now."""

    def _flush(self, consumer: Any, sink: Any) -> None:
        super()._flush(consumer, sink)
        super()._drop()


class AsksTooSoon(Archive):
    """Asks where the log ends before it owns the partitions, while another process may still store."""

    def _take_over(self, consumer: Any, assignment: Any, sink: Any) -> None:
        ends = consumer.end_offsets(PARTITIONS)
        with patch.object(consumer, "end_offsets", return_value=ends):
            super()._take_over(consumer, assignment, sink)


@pytest.mark.parametrize("broken", [Hoards, AsksTooSoon])
def test_a_broken_loop_is_caught(broken: type[Archive], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive_simulation.Archive", broken)
    must_be_caught(simulate, broken)
