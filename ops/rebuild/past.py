"""Where each partition's past comes from: imported segments, the old generation, the log."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from kafka.errors import OffsetOutOfRangeError
from psycopg import Connection, sql

from ops.database.generations import Generation
from ops.rebuild.carry import Carry, Lost
from ops.rebuild.fill import Filler
from ops.rebuild.log import Log
from ops.rebuild.report import Boundary, Report
from ops.segments.register import Registered, registered
from processors.archive.records import TOPICS
from processors.archive.sink import Partition
from schemas.model import from_ms

NEAR: Final = 2_000
"""Offsets behind the end of the log with which a switch may be begun."""


class Past:
    """Moves all partitions of a filler towards the end of the log."""

    def __init__(
        self,
        connection: Connection,
        log: Log,
        filler: Filler,
        *,
        carry: Carry,
        old: Generation,
        prefix: str,
        report: Report,
    ) -> None:
        self._connection = connection
        self._log = log
        self._filler = filler
        self._carry = carry
        self._old = old
        self._prefix = prefix
        self._report = report

    def catch_up(self, near: int = NEAR) -> None:
        """Bring every partition to (near) the end of the log as it is now."""
        while True:
            self._reach_log()
            ends = self._log.ends()
            left = self._filler.left(ends)
            if left <= near and near:
                return
            self._report.stage("filling", left)
            try:
                self._filler.fill(ends)
            except OffsetOutOfRangeError:
                continue  # retention has overtaken us
            if not near:
                return

    def _reach_log(self) -> None:
        """Bring every partition to what the log still holds: by segments, and over what there is of neither."""
        while True:
            starts = self._log.starts()
            behind = {one: at for one, at in self._filler.positions.items() if at < starts[one]}
            if not behind:
                return
            segments = self._segments()
            gaps = {}
            for one, at in behind.items():
                ahead = (max(at, s.first_offset) for s in segments.get(one, ()) if s.next_offset > at)
                there = min([starts[one], *ahead])
                if there > at:
                    gaps[one] = (at, there)
            if gaps:
                self._cross(gaps, starts, segments)
            self._read(segments, starts)

    def _segments(self) -> dict[Partition, list[Registered]]:
        found: dict[Partition, list[Registered]] = {}
        for one in registered(self._connection, {topic for topic, _ in self._log.partitions}):
            found.setdefault((one.topic, one.partition), []).append(one)
        return found

    def _cross(
        self,
        gaps: Mapping[Partition, tuple[int, int]],
        starts: Mapping[Partition, int],
        segments: Mapping[Partition, list[Registered]],
    ) -> None:
        """Carry over what was stored of the lost offsets, and go on behind them."""
        old_next = self._old_offsets()
        log_times = self._log.first_times(one for one, (_, there) in gaps.items() if there == starts[one])
        boundaries = []
        for one, (at, there) in sorted(gaps.items()):
            ms = log_times.get(one)
            if there < starts[one]:
                ms = next(s.first_ms for s in segments[one] if s.first_offset <= there < s.next_offset)
            boundaries.append(Boundary(*one, at, there, None if ms is None else from_ms(ms), old_next.get(one, 0)))
        self._report.boundaries(boundaries)
        self._report.stage("carrying over", 0)
        for _, rows in self._carry.run(self._lost(boundaries)):
            self._report.advance(0, rows)
        self._filler.skip({one: there for one, (_, there) in gaps.items()})

    def _read(self, segments: Mapping[Partition, list[Registered]], starts: Mapping[Partition, int]) -> None:
        """Store the segments that follow without a gap on where each partition stands."""
        todo = [
            (one, segment)
            for one, listed in segments.items()
            for segment in listed
            if segment.first_offset < starts[one] and segment.next_offset > self._filler.positions[one]
        ]
        if todo:
            self._report.stage(
                "reading segments", sum(segment.next_offset - segment.first_offset for _, segment in todo)
            )
        for one, segment in todo:
            at = self._filler.positions[one]
            if segment.first_offset <= at < min(segment.next_offset, starts[one]):
                self._filler.read_segment(segment, starts[one])

    def _old_offsets(self) -> dict[Partition, int]:
        query = sql.SQL("SELECT topic, partition, next_offset FROM {}.archive_offsets")
        rows = self._connection.execute(query.format(sql.Identifier(self._old.schema))).fetchall()
        return {(topic, partition): offset for topic, partition, offset in rows}

    def _lost(self, boundaries: Sequence[Boundary]) -> list[Lost]:
        """By topic: until when the log has lost anything; a partition that holds nothing has lost all until now."""
        lost = []
        for topic in TOPICS:
            name = topic.full_name(self._prefix)
            times = [one.first_time or datetime.now(UTC) for one in boundaries if one.topic == name]
            if times:
                lost.append(Lost(topic, max(times)))
        return lost
