from hypothesis import given
from hypothesis import strategies as st

from ingest.recent import UNACKNOWLEDGED_MS, Recent


def give(recent: Recent, mid: int, at: int, *, dup: bool = False, key: str = "h") -> tuple[int, bool]:
    arrival, known = recent.give(key, mid, dup=dup, arrival_ms=at, event_ms=at)
    return arrival.arrival_ms, known


def test_a_redelivery_keeps_its_arrival_and_event_time() -> None:
    recent = Recent()
    first, _ = recent.give("h", 7, dup=False, arrival_ms=100, event_ms=50)
    again, known = recent.give("h", 7, dup=True, arrival_ms=900, event_ms=850)
    assert known
    assert (again.arrival_ms, again.event_ms) == (first.arrival_ms, first.event_ms) == (100, 50)


def test_equal_messages_without_dup_are_two_even_in_one_millisecond() -> None:
    recent = Recent()
    assert give(recent, 1, 100) == (100, False)
    assert give(recent, 2, 100) == (101, False)


def test_the_packet_id_tells_equal_messages_apart() -> None:
    recent = Recent()
    give(recent, 1, 100)
    give(recent, 2, 200)
    assert give(recent, 2, 900, dup=True) == (200, True)
    assert give(recent, 1, 901, dup=True) == (100, True)


def test_one_never_written_is_not_taken_for_another() -> None:
    recent = Recent()
    give(recent, 1, 100)
    assert give(recent, 2, 900, dup=True) == (900, False)
    assert give(recent, 2, 950, dup=True) == (900, True)


def test_after_a_restart_equal_messages_match_oldest_first_and_once() -> None:
    recent = Recent()
    assert recent.read_back({("h", 100): 100, ("h", 200): 200}, {}, last_sign_ms=300) == 2
    assert give(recent, 11, 900, dup=True) == (100, True)
    assert give(recent, 12, 901, dup=True) == (200, True)
    assert give(recent, 13, 902, dup=True) == (902, False)
    assert give(recent, 11, 990, dup=True) == (100, True)  # and again after one more lost connection


def test_what_was_long_acknowledged_lends_its_identity_to_nobody() -> None:
    recent = Recent()
    assert recent.read_back({("h", 100): 100}, {"d|p|a::1": 5}, last_sign_ms=101 + UNACKNOWLEDGED_MS) == 0
    assert give(recent, 1, 900_000, dup=True) == (900_000, False)
    assert recent.given("d|p|a::1") == 5
    assert recent.given("d|p|a::2") is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=60))
def test_memory_is_bounded(steps: list[tuple[str, int]]) -> None:
    recent = Recent(count_max=10, age_max_ms=100)
    now = 0
    for mid, (key, wait) in enumerate(steps):
        now += wait
        give(recent, mid + 1, now, key=key)
        assert len(recent) <= 10
        assert sum(map(len, recent._arrivals.values())) == len(recent)
