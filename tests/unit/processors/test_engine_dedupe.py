"""What counts as seen: against a plain set that keeps everything, and the bounds of its memory."""

from typing import NamedTuple

import pytest
from fold_kit import RELAXED
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from processors.engine.dedupe import Seen, Verdict
from processors.engine.errors import SnapshotError
from schemas.identity import arrived, numbered, timed

LATENESS_MS = 100


class Naive:
    """Every (identity, value) that was ever admitted, with its event time."""

    def __init__(self) -> None:
        self.known: list[tuple[str, float, int]] = []

    def admit(self, identity: str, value: float, time_ms: int, floor_ms: int) -> Verdict:
        by_number = identity.startswith("a:")
        known = {v for i, v, at in self.known if i == identity and at >= floor_ms}
        if value in known or (known and not by_number):
            return Verdict.DUPLICATE
        self.known.append((identity, value, time_ms))
        return Verdict.CONFLICT if known else Verdict.NEW


class Given(NamedTuple):
    identity: str
    value: float
    time_ms: int


def test_a_copy_is_a_duplicate() -> None:
    seen = Seen()
    for identity in ("a::7", "a:boot:7", "b:50:1.5", "c:50:00ff:0", "whatever", ""):
        assert seen.admit(identity, 1.5, 50, 0) is Verdict.NEW
        assert seen.admit(identity, 1.5, 50, 0) is Verdict.DUPLICATE


def test_another_value_under_one_number_is_a_conflict_said_once_per_value() -> None:
    seen = Seen()
    verdicts = [seen.admit("a::7", value, 50, 0) for value in (1.0, 2.0, 2.0, 3.0, 1.0, 3.0)]
    assert verdicts == [
        Verdict.NEW,
        Verdict.CONFLICT,
        Verdict.DUPLICATE,
        Verdict.CONFLICT,
        Verdict.DUPLICATE,
        Verdict.DUPLICATE,
    ]


@pytest.mark.parametrize(("one", "other"), [("b:50:1.5", "b:50:2.5"), ("c:50:00ff:0", "c:50:00ff:1")])
def test_without_a_number_two_of_one_instant_are_two(one: str, other: str) -> None:
    seen = Seen()
    assert [seen.admit(identity, 1.5, 50, 0) for identity in (one, other, one, other)] == [
        Verdict.NEW,
        Verdict.NEW,
        Verdict.DUPLICATE,
        Verdict.DUPLICATE,
    ]


def test_a_number_counts_anew_after_a_boot() -> None:
    seen = Seen()
    assert seen.admit("a:one:7", 1.0, 50, 0) is Verdict.NEW
    assert seen.admit("a:two:7", 1.0, 50, 0) is Verdict.NEW


def test_known_until_the_floor_has_passed_its_time_and_not_longer() -> None:
    seen = Seen()
    seen.admit("a::7", 1.0, 50, 0)
    assert seen.admit("a::7", 1.0, 50, 50) is Verdict.DUPLICATE
    assert seen.admit("a::7", 1.0, 50, 51) is Verdict.NEW  # late by definition: the fold never judges it


def test_an_old_number_comes_back_after_younger_ones() -> None:
    seen = Seen()
    for seq in (5, 9, 7, 6):
        assert seen.admit(f"a::{seq}", 1.0, 50, 0) is Verdict.NEW
    assert [seen.admit(f"a::{seq}", 1.0, 50, 0) for seq in (5, 6, 7, 9)] == [Verdict.DUPLICATE] * 4


@RELAXED
@given(st.lists(st.integers(0, 20), max_size=60), st.sampled_from(["a:", "b"]))
def test_in_whatever_order_each_is_new_once(numbers: list[int], kind: str) -> None:
    seen = Seen()
    identities = [f"{kind}:{n}" if kind == "a:" else f"{kind}:{n}:0.0" for n in numbers]
    new = [i for i in identities if seen.admit(i, 0.0, 50, 0) is Verdict.NEW]
    assert new == list(dict.fromkeys(identities))


def test_memory_follows_the_lateness_and_not_the_life_of_a_device() -> None:
    seen = Seen()
    for now_ms in range(20_000):
        seen.admit(f"a::{now_ms}", 1.0, now_ms, now_ms - LATENESS_MS)
    assert sum(len(lane.ordinals) for lane in seen._lanes.values()) <= 4 * LATENESS_MS


@pytest.mark.parametrize("far", ["b:9000000000000:0", "a::9000000000000"])
def test_a_number_from_the_far_future_does_not_end_forgetting(far: str) -> None:
    seen = Seen()
    seen.admit(far, 1.0, 0, -LATENESS_MS)
    for now_ms in range(20_000):
        identity = f"b:{now_ms}:0" if far[0] == "b" else f"a::{now_ms}"
        assert seen.admit(identity, 1.0, now_ms, now_ms - LATENESS_MS) is Verdict.NEW
    assert sum(len(lane.ordinals) for lane in seen._lanes.values()) <= 4 * LATENESS_MS


def test_boots_long_gone_are_forgotten() -> None:
    seen = Seen()
    for now_ms in range(0, 100 * LATENESS_MS, LATENESS_MS):
        seen.admit(f"a:boot{now_ms}:0", 1.0, now_ms, now_ms - LATENESS_MS)
    assert len(seen._lanes) <= 5


def test_a_purge_leaves_nothing_of_what_is_too_old() -> None:
    seen = Seen()
    seen.admit("a::7", 1.0, 50, 0)
    seen.admit("b:60:1.0", 1.0, 60, 0)
    seen.purge(55)
    assert [key for key, *_ in seen.snapshot(55)] == ["b"]
    seen.purge(61)
    assert not any(lane.ordinals for lane in seen._lanes.values())
    assert not seen.snapshot(61)


def test_a_snapshot_does_not_tell_in_which_order_it_was_learnt() -> None:
    rows = [("a::1", 1.0), ("b:50:1.0", 1.0), ("a::2", 1.0), ("a::1", 2.0), ("a:boot:1", 1.0), ("b:50:2.0", 2.0)]
    forwards, backwards = Seen(), Seen()
    for identity, value in rows:
        forwards.admit(identity, value, 50, 0)
    for identity, value in reversed(rows):
        backwards.admit(identity, value, 50, 0)
    assert forwards.snapshot(0) == backwards.snapshot(0)


def test_a_snapshot_holds_only_what_can_still_matter() -> None:
    young, old = Seen(), Seen()
    for n in range(30):
        old.admit(f"a::{n}", 1.0, n, 0)
    for n in range(20, 30):
        young.admit(f"a::{n}", 1.0, n, 0)
    assert old.snapshot(20) == young.snapshot(20)
    assert old.snapshot(30) == Seen().snapshot(0) == []


times = st.integers(0, 3 * LATENESS_MS)
readings = st.one_of(
    st.builds(
        lambda boot, seq, value, at: Given(numbered(boot, seq), value, at),
        st.sampled_from(["", "x", "y"]),
        st.one_of(st.integers(0, 8), st.just(2**63 - 1)),
        st.sampled_from([0.0, 1.0, -1.5]),
        times,
    ),
    st.builds(lambda at, value: Given(timed(at, value), value, at), times, st.sampled_from([0.0, 1.0])),
    st.builds(lambda at, n: Given(arrived(at, "00ff", n), 1.0, at), times, st.integers(0, 1)),
    st.builds(
        lambda text, at: Given(text, 1.0, at),
        st.sampled_from(["", "b", "b:x:1", "b:-1:1.0", "z:1", "b:99999999999999999999:1.0", "?"]),
        times,
    ),
)


class SeenMachine(RuleBasedStateMachine):
    """:class:`Seen` against the plain set, while time passes and it is snapshot and restored."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()
        self.naive = Naive()
        self.floor_ms = 0

    @rule(reading=readings)
    def admit(self, reading: Given) -> None:
        self._admit(reading)

    @rule(reading=readings, count=st.integers(50, 150))
    def admit_many(self, reading: Given, count: int) -> None:
        """More of a device that only counts upwards, so that lanes are purged on the way."""
        for n in range(count):
            self._admit(Given(numbered("z", n), reading.value, min(n, reading.time_ms)))

    @rule(passed_ms=st.integers(1, LATENESS_MS))
    def time_passes(self, passed_ms: int) -> None:
        self.floor_ms += passed_ms

    @rule()
    def purge(self) -> None:
        self.seen.purge(self.floor_ms)

    @rule()
    def restart(self) -> None:
        columns = self.seen.snapshot(self.floor_ms)
        self.seen = Seen(columns)
        assert self.seen.snapshot(self.floor_ms) == columns

    @invariant()
    def lanes_are_sorted(self) -> None:
        for lane in self.seen._lanes.values():
            assert list(lane.ordinals) == sorted(lane.ordinals)
            assert lane.newest >= max(lane.ordinals, default=-1)

    def _admit(self, reading: Given) -> None:
        expected = self.naive.admit(*reading, self.floor_ms)
        assert self.seen.admit(*reading, self.floor_ms) is expected


SeenMachine.TestCase.settings = RELAXED
TestSeen = SeenMachine.TestCase


def test_what_a_snapshot_holds_is_read_when_it_is_asked_for_and_what_is_spoilt_is_said_then() -> None:
    seen = Seen([("a:b", bytes(20), bytes(16), bytes(8))])
    with pytest.raises(SnapshotError, match="20 bytes are no column of 2"):
        seen.admit("a:b:5", 1.0, 10, 0)


def test_a_series_that_counts_and_keeps_its_pace_takes_few_bytes() -> None:
    seen = Seen()
    for number in range(144):
        assert seen.admit(f"a::{number}", 20.0, 600_000 * number, 0) is Verdict.NEW
    ((_, ordinals, times, marks),) = seen.snapshot(0)
    assert (len(ordinals), len(times), len(marks)) == (12, 12, 4 * 144)
