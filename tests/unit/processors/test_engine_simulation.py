"""No schedule of faults loses or doubles anything; and a loop that could would be caught.

``make simulate SEEDS=10000`` runs more of them; a seed that fails is named, and fails again whenever it is run.
"""

import os
from collections.abc import Mapping, Sequence

import pytest
from memory_ports import Fault, MemorySink
from simulation import simulate

from processors.engine.ports import Outgoing
from runtime.errors import OutcomeUnknownError

SEEDS = int(os.environ.get("EYES_SEEDS", "100"))
ENOUGH = 300  # seeds within which a broken loop must be caught


def test_no_schedule_of_faults_loses_or_doubles_anything() -> None:
    for seed in range(SEEDS):
        try:
            simulate(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}: from simulation import simulate; simulate({seed})")
            raise


class OffsetsApart(MemorySink):
    """Commits the offsets in a transaction of their own, before the outputs."""

    def commit(self, outputs: Sequence[Outgoing], offsets: Mapping[int, int]) -> None:
        faults, self.faults = self.faults, []
        super().commit((), offsets)
        self.faults = faults
        super().commit(outputs, offsets)


class OffsetsBehind(MemorySink):
    """Commits the outputs first, and the offsets in a transaction of their own."""

    def commit(self, outputs: Sequence[Outgoing], offsets: Mapping[int, int]) -> None:
        faults, self.faults = self.faults, []
        super().commit(outputs, {})
        self.faults = faults
        super().commit((), offsets)


class Unfenced(MemorySink):
    """Does not say in which generation of the group it commits."""

    def _is_member(self) -> bool:
        return True


class Deaf(MemorySink):
    """Takes a commit of which nothing was heard for one that happened."""

    def commit(self, outputs: Sequence[Outgoing], offsets: Mapping[int, int]) -> None:
        lost = bool(self.faults) and self.faults[0] is Fault.LOST
        try:
            super().commit(outputs, offsets)
        except OutcomeUnknownError:
            if not lost:
                raise
            self._epoch = self._source.group.log.init(self.transactional_id)


@pytest.mark.parametrize("broken", [OffsetsApart, OffsetsBehind, Unfenced, Deaf])
def test_a_broken_loop_is_caught(broken: type[MemorySink]) -> None:
    for seed in range(ENOUGH):
        try:
            simulate(seed, broken)
        except AssertionError:
            return
    pytest.fail(f"{ENOUGH} seeds found nothing wrong with {broken.__name__}: {broken.__doc__}")
