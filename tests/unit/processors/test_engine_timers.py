"""Timers: what fires at a tick, in which order, and what a restored heap does."""

from fold_kit import RELAXED
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.engine.timers import Entry, Timers

Key = tuple[str, str, str]  # zone, detector and name


def fire(timers: Timers, now_ms: int) -> list[Entry]:
    return [entry for entry in timers.due(now_ms) if timers.take(entry)]


def test_they_fire_in_the_order_of_time_zone_detector_and_name() -> None:
    timers = Timers()
    for at_ms, zone, detector, name in [
        (20, "a", "a", "z"),
        (10, "b", "a", "a"),
        (10, "a", "b", "a"),
        (10, "a", "a", "b"),
        (10, "a", "a", "a"),
    ]:
        timers.set(zone, detector, name, at_ms)
    assert fire(timers, 20) == [
        (10, "a", "a", "a"),
        (10, "a", "a", "b"),
        (10, "a", "b", "a"),
        (10, "b", "a", "a"),
        (20, "a", "a", "z"),
    ]
    assert len(timers) == 0


def test_one_fires_at_its_time_and_not_before() -> None:
    timers = Timers()
    timers.set("z", "d", "t", 100)
    assert fire(timers, 99) == []
    assert fire(timers, 100) == [(100, "z", "d", "t")]
    assert fire(timers, 1000) == []


def test_the_same_name_replaces_in_both_directions() -> None:
    timers = Timers()
    timers.set("z", "d", "t", 100)
    timers.set("z", "d", "t", 200)
    assert fire(timers, 150) == []
    timers.set("z", "d", "t", 160)
    assert fire(timers, 160) == [(160, "z", "d", "t")]
    assert fire(timers, 300) == []


def test_none_cancels_and_cancelling_nothing_is_nothing() -> None:
    timers = Timers()
    timers.set("z", "d", "t", 100)
    timers.set("z", "d", "t", None)
    timers.set("z", "d", "other", None)
    assert (len(timers), fire(timers, 100)) == (0, [])


def test_one_set_due_while_others_fire_waits_for_the_next_tick() -> None:
    timers = Timers()
    timers.set("z", "d", "first", 100)
    fired = []
    for entry in timers.due(100):
        assert timers.take(entry)
        fired.append(entry)
        timers.set("z", "d", "again", 50)
    assert fired == [(100, "z", "d", "first")]
    assert fire(timers, 100) == [(50, "z", "d", "again")]


def test_one_cancelled_or_moved_by_another_that_fires_with_it_does_not_fire() -> None:
    timers = Timers()
    for name in ("a", "cancelled", "moved"):
        timers.set("z", "d", name, 100)
    fired = []
    for entry in timers.due(100):
        if timers.take(entry):
            fired.append(entry[3])
            timers.set("z", "d", "cancelled", None)
            timers.set("z", "d", "moved", 90)
    assert fired == ["a"]
    assert fire(timers, 100) == [(90, "z", "d", "moved")]


def test_one_moved_away_and_back_fires_once() -> None:
    timers = Timers()
    for at_ms in (100, 200, 100):
        timers.set("z", "d", "t", at_ms)
    assert fire(timers, 300) == [(100, "z", "d", "t")]


def test_moving_one_for_ever_needs_no_memory() -> None:
    timers = Timers()
    for at_ms in range(10_000):
        timers.set("z", "d", "t", at_ms)
    assert len(timers._heap) < 100
    assert fire(timers, 10_000) == [(9_999, "z", "d", "t")]


class TimersMachine(RuleBasedStateMachine):
    """The heap against a dictionary that is searched through at every tick."""

    def __init__(self) -> None:
        super().__init__()
        self.timers = Timers()
        self.armed: dict[Key, int] = {}
        self.now_ms = 0

    keys = st.tuples(st.sampled_from("zy"), st.sampled_from("de"), st.sampled_from("abc"))
    times = st.one_of(st.none(), st.integers(-5, 20))

    @rule(key=keys, after_ms=times)
    def set(self, key: Key, after_ms: int | None) -> None:
        self._set(key, None if after_ms is None else self.now_ms + after_ms)

    @rule(key=keys, times=st.lists(st.integers(-5, 20), min_size=40, max_size=40))
    def move_often(self, key: Key, times: list[int]) -> None:
        for after_ms in times:
            self._set(key, self.now_ms + after_ms)

    @rule(passed_ms=st.integers(0, 15), orders=st.dictionaries(keys, st.tuples(keys, times), max_size=4))
    def tick(self, passed_ms: int, orders: dict[Key, tuple[Key, int | None]]) -> None:
        """Time passes; a timer that fires may set, move or cancel others (and itself)."""
        self.now_ms += passed_ms
        expected = sorted((at, *key) for key, at in self.armed.items() if at <= self.now_ms)
        fired = []
        for entry in self.timers.due(self.now_ms):
            still = self.armed.get(entry[1:]) == entry[0]
            assert self.timers.take(entry) == still
            if still:
                del self.armed[entry[1:]]
                fired.append(entry)
                if entry[1:] in orders:
                    key, after_ms = orders[entry[1:]]
                    self._set(key, None if after_ms is None else self.now_ms + after_ms)
        # Only what was due when the tick came, and of that all but what another had cancelled or moved.
        assert fired == [entry for entry in expected if entry in fired]
        if not orders:
            assert fired == expected

    @rule(by_ms=st.integers(0, 30))
    def shift(self, by_ms: int) -> None:
        """A clock put forward puts off everything that waits, in the same order."""
        self.timers.shift(by_ms)
        self.armed = {key: at + by_ms for key, at in self.armed.items()}

    @precondition(lambda self: self.armed)
    @rule()
    def restart(self) -> None:
        self.timers = Timers(self.timers.snapshot())

    @invariant()
    def nothing_is_forgotten(self) -> None:
        assert self.timers.snapshot() == sorted((at, *key) for key, at in self.armed.items())
        assert len(self.timers) == len(self.armed)
        assert len(self.timers._heap) <= 65 + 2 * max(len(self.armed), 12)

    def _set(self, key: Key, at_ms: int | None) -> None:
        self.timers.set(*key, at_ms)
        if at_ms is None:
            self.armed.pop(key, None)
        else:
            self.armed[key] = at_ms


TimersMachine.TestCase.settings = RELAXED
TestTimers = TimersMachine.TestCase
