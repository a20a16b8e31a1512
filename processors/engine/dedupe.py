"""What was seen of a series within the allowed lateness, in about twenty bytes a reading.

An identity (see :mod:`schemas.identity`) begins with a number that grows as a device lives: its sequence number, its
time, or our arrival time. So nearly every reading is newer than all before it and needs no search; the numbers, event
times and a checksum of the rest stand in sorted columns per kind of identity and boot.

An identity is known as long as its event time is not older than the floor (clock minus allowed lateness). Anything
older is late by definition and is never judged, so forgetting it cannot make a reading count twice.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from enum import IntEnum
from struct import Struct
from typing import Final
from zlib import crc32

from processors.engine import packing
from processors.engine.errors import SnapshotError
from processors.engine.kept import Kept

Columns = tuple[str, bytes, bytes, bytes]
"""A lane in a snapshot: its key, and columns of ordinals, event times (:mod:`processors.engine.packing`) and marks."""

ORDINAL_MAX: Final = 2**63 - 1
NO_PREFIX: Final = "?"  # no identity with a number begins so
_FIRST_PURGE: Final = 64
_DERIVED: Final = "d"  # the lane of tier (d)
_MAX_LANES: Final = 4  # before lanes of boots long gone are looked for
pack: Final = Struct("<d").pack


class Verdict(IntEnum):
    """Whether a reading was seen before."""

    NEW = 0
    DUPLICATE = 1
    CONFLICT = 2  # another value under an identity already seen; said once per value


NEW: Final = Verdict.NEW


def mark_of(value: float, tail: str, *, numbered: bool) -> int:
    """What tells two readings under one number apart: the value, which in the other tiers stands behind the number."""
    return crc32(pack(value)) if numbered else crc32(tail.encode())


class Lane:
    """Identities of one kind and boot in the order of their numbers."""

    __slots__ = ("marks", "newest", "ordinals", "purge_at", "times")

    def __init__(self) -> None:
        self.newest = -1
        self.ordinals = array("q")
        self.times = array("q")
        self.marks = array("I")
        self.purge_at = _FIRST_PURGE

    def append(self, ordinal: int, time_ms: int, mark: int, floor_ms: int) -> None:
        """Remember what is newer than all that stands here."""
        if len(self.ordinals) >= self.purge_at:
            self._purge_now(floor_ms)
        self.newest = ordinal
        self.ordinals.append(ordinal)
        self.times.append(time_ms)
        self.marks.append(mark)

    def insert(self, ordinal: int, time_ms: int, mark: int, floor_ms: int) -> Verdict:
        """Remember what may not be the newest; CONFLICT when only other marks are known under its number."""
        if len(self.ordinals) >= self.purge_at:
            self._purge_now(floor_ms)
        verdict = Verdict.NEW
        at = bisect_left(self.ordinals, ordinal)
        while at < len(self.ordinals) and self.ordinals[at] == ordinal:
            if self.times[at] >= floor_ms:
                if self.marks[at] == mark:
                    return Verdict.DUPLICATE
                verdict = Verdict.CONFLICT
            at += 1
        self.newest = max(self.newest, ordinal)
        self.ordinals.insert(at, ordinal)
        self.times.insert(at, time_ms)
        self.marks.insert(at, mark)
        return verdict

    @property
    def room(self) -> int:
        """How many more it takes before it looks for what to forget."""
        return self.purge_at - len(self.ordinals)

    def extend(self, kept: Kept, first: int, start: int) -> None:
        """Remember some, each newer than the one before and than all that stands here; there is room.

        Args:
            kept: these, and some before.
            first: the first of them.
            start: where in the identities the number begins.
        """
        after, identities, known = kept.count, kept.identities, len(self.ordinals)
        more = bytes(8 * (after - first))
        self.ordinals.frombytes(more)
        self.times.frombytes(more)
        self.marks.frombytes(more[len(more) // 2 :])
        # Columns of C where this is compiled, so they are as long as they will be before they are taken in hand.
        ordinals, times, marks = self.ordinals, self.times, self.marks
        for at in range(after - first):
            one = first + at
            ordinals[known + at], times[known + at] = kept.ordinal(one), kept.time(one)
            if identities is None:
                marks[known + at] = crc32(pack(kept.value(one)))
            else:
                _, _, tail = identities[one][start:].partition(":")
                marks[known + at] = crc32(tail.encode())
        self.newest = kept.ordinal(after - 1)

    def _purge_now(self, floor_ms: int) -> None:
        self.purge(floor_ms)
        self.purge_at = max(_FIRST_PURGE, 2 * len(self.ordinals))

    def purge(self, floor_ms: int) -> None:
        """Forget what the floor has passed."""
        kept = [i for i, time_ms in enumerate(self.times) if time_ms >= floor_ms]
        if len(kept) < len(self.times):
            self.ordinals = array("q", [self.ordinals[i] for i in kept])
            self.times = array("q", [self.times[i] for i in kept])
            self.marks = array("I", [self.marks[i] for i in kept])

    def columns(self) -> tuple[bytes, bytes, bytes]:
        """All of it in order: equal for equal knowledge, in whatever order it was learnt."""
        ordinals, times, marks = self.ordinals, self.times, self.marks
        steps = packing.steps_of(ordinals)
        if steps is None or 0 in steps:  # of those under one number the order is not given
            rows = sorted(zip(ordinals, times, marks, strict=True))
            ordinals, times, marks = (
                array(of.typecode, one)
                for of, one in zip((ordinals, times, marks), zip(*rows, strict=True), strict=True)
            )
            steps = None
        return packing.pack(ordinals, steps), packing.pack(times), marks.tobytes()

    @classmethod
    def of(cls, ordinals: bytes, times: bytes, marks: bytes) -> "Lane":
        """What :meth:`columns` gave."""
        lane = cls()
        lane.marks.frombytes(marks)
        lane.ordinals = packing.unpack(ordinals, len(lane.marks))
        lane.times = packing.unpack(times, len(lane.marks))
        lane.newest = lane.ordinals[-1]
        lane.purge_at = max(_FIRST_PURGE, 2 * len(lane.ordinals))
        return lane


class Seen:
    """The memory of one series."""

    __slots__ = ("_lanes", "_written", "is_numbered", "lane", "prefix")

    def __init__(self, written: Sequence[Columns] = ()) -> None:
        """Begin with nothing seen, or with what :meth:`snapshot` wrote, which is read when it is asked for."""
        self._lanes: dict[str, Lane] = {}
        self._written = written
        self.prefix = NO_PREFIX
        """Of the identities that stand in ``lane``, up to their number."""
        self.is_numbered = True
        """Whether nothing follows the number: those of tier (a)."""
        self.lane = Lane()

    def admit(self, identity: str, value: float, time_ms: int, floor_ms: int) -> Verdict:
        """Whether a reading is new, and remember it.

        Args:
            identity: as in :mod:`schemas.identity`.
            value: tells two readings under one tier (a) identity apart; part of the identity in the other tiers.
            time_ms: its event time, by which it is forgotten.
            floor_ms: event time below which everything is forgotten.
        """
        try:
            if identity.startswith(self.prefix):  # nearly always
                number, _, tail = identity[len(self.prefix) :].partition(":")
                ordinal = -1 if tail and self.is_numbered else int(number)
                if self.lane.newest < ordinal <= ORDINAL_MAX:
                    self.lane.append(ordinal, time_ms, mark_of(value, tail, numbered=self.is_numbered), floor_ms)
                    return NEW
            if identity[0] == "a":
                key, _, number = identity.rpartition(":")
                tail = ""
            else:
                key, number, tail = identity.split(":", 2)
            ordinal = int(number)
            mark = mark_of(value, tail, numbered=key[0] == "a")
            if not 0 <= ordinal <= ORDINAL_MAX:
                raise ValueError(identity)  # noqa: TRY301 - the same way out as for any other that is not ours
        except (ValueError, IndexError):  # not one of ours: remembered whole
            key, ordinal, mark = "?", crc32(identity.encode()), crc32(identity[::-1].encode())
        if self._written:
            self._read()
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._new_lane(key, floor_ms)
        if key != NO_PREFIX:
            self.prefix, self.lane, self.is_numbered = f"{key}:", lane, key[0] == "a"
        if ordinal > lane.newest:
            lane.append(ordinal, time_ms, mark, floor_ms)
            return NEW
        verdict = lane.insert(ordinal, time_ms, mark, floor_ms)
        # Without a number two readings of one instant are two readings.
        return Verdict.NEW if verdict is Verdict.CONFLICT and key[0] != "a" else verdict

    def _new_lane(self, key: str, floor_ms: int) -> Lane:
        if len(self._lanes) >= _MAX_LANES:
            self.purge(floor_ms)
        lane = self._lanes[key] = Lane()
        return lane

    def was_sent(self, floor_ms: int) -> bool:
        """Whether a device sent any of what is not older than the floor; what was derived nobody sent."""
        self._read()
        return any(
            time_ms >= floor_ms
            for key, lane in self._lanes.items()
            if key != _DERIVED
            for time_ms in reversed(lane.times)
        )

    def purge(self, floor_ms: int) -> None:
        """Forget what the floor has passed, now."""
        self._read()
        for key, lane in list(self._lanes.items()):
            lane.purge(floor_ms)
            if not lane.ordinals and lane is not self.lane:
                del self._lanes[key]

    def snapshot(self, floor_ms: int) -> list[Columns]:
        """What is known, in a fixed order: equal for equal knowledge, however it was learnt."""
        self.purge(floor_ms)
        return [(key, *lane.columns()) for key, lane in sorted(self._lanes.items()) if lane.ordinals]

    def _read(self) -> None:
        written, self._written = self._written, ()
        try:
            for key, *columns in written:
                self._lanes[key] = Lane.of(*columns)
        except ValueError as error:
            raise SnapshotError(f"what was seen: {error}") from error
