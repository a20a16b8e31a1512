"""Sinks that a loop must not have: each loses or doubles something under the right fault."""

from collections.abc import Mapping, Sequence

from memory_ports import Fault, MemorySink

from processors.engine.ports import NO_NOTES, Outgoing
from runtime.errors import OutcomeUnknownError


class OffsetsApart(MemorySink):
    """Commits the offsets in a transaction of their own, before the outputs."""

    def commit(
        self, outputs: Sequence[Outgoing], offsets: Mapping[int, int], notes: Mapping[int, str] = NO_NOTES
    ) -> None:
        faults, self.faults = self.faults, []
        super().commit((), offsets, notes)
        self.faults = faults
        super().commit(outputs, offsets, notes)


class OffsetsBehind(MemorySink):
    """Commits the outputs first, and the offsets in a transaction of their own."""

    def commit(
        self, outputs: Sequence[Outgoing], offsets: Mapping[int, int], notes: Mapping[int, str] = NO_NOTES
    ) -> None:
        faults, self.faults = self.faults, []
        super().commit(outputs, {})
        self.faults = faults
        super().commit((), offsets, notes)


class Unfenced(MemorySink):
    """Does not say in which generation of the group it commits."""

    def _is_member(self) -> bool:
        return True


class Deaf(MemorySink):
    """Takes a commit of which nothing was heard for one that happened."""

    def commit(
        self, outputs: Sequence[Outgoing], offsets: Mapping[int, int], notes: Mapping[int, str] = NO_NOTES
    ) -> None:
        lost = bool(self.faults) and self.faults[0] is Fault.LOST
        try:
            super().commit(outputs, offsets, notes)
        except OutcomeUnknownError:
            if not lost:
                raise
            self._epoch = self._source.group.log.init(self.transactional_id)


BROKEN = (OffsetsApart, OffsetsBehind, Unfenced, Deaf)
