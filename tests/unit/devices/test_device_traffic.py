from hypothesis import given
from hypothesis import strategies as st

from ingest.devices.traffic import Counter
from ingest.messages import Numbering


def counted(*numbers: int, modulus: int = 0, epoch: str = "") -> Counter:
    counter = Counter()
    for number in numbers:
        counter.count(Numbering(number, modulus, epoch))
    return counter


def test_what_is_missing_between_two_numbers_was_lost() -> None:
    counter = counted(5, 6, 9, 10)
    assert (counter.received, counter.lost, counter.repeated, counter.restarts) == (4, 2, 0, 0)


def test_what_comes_late_was_not_lost() -> None:
    counter = counted(1, 3, 2, 4)
    assert (counter.received, counter.lost) == (4, 0)


def test_a_number_that_wraps_goes_on() -> None:
    assert counted(254, 255, 0, 1, modulus=256).lost == 0
    assert counted(255, 1, modulus=256).lost == 1
    assert counted(0, 255, modulus=256).repeated == 1  # one behind, not 254 ahead


def test_a_counter_that_begins_anew_is_a_restart_and_no_loss() -> None:
    counter = counted(4_000, 4_001, 0, 1)
    assert (counter.lost, counter.restarts) == (0, 1)


def test_a_new_session_is_a_restart() -> None:
    counter = counted(10, 11, epoch="one")
    counter.count(Numbering(500, 0, "two"))
    assert (counter.lost, counter.restarts, counter.last) == (0, 1, 500)


def test_a_new_turn_is_neither_a_restart_nor_a_loss() -> None:
    counter = counted(56, 57, modulus=256)
    for number in (0, 1):
        counter.count(Numbering(number, 256, turn="two"))
    assert (counter.lost, counter.restarts, counter.repeated, counter.last) == (0, 0, 0, 1)


def test_the_same_number_twice_is_a_repetition() -> None:
    counter = counted(7, 7, 8)
    assert (counter.received, counter.lost, counter.repeated) == (3, 0, 1)


@given(st.lists(st.integers(0, 255), min_size=1), st.sampled_from([0, 256]))
def test_no_figure_is_ever_negative(numbers: list[int], modulus: int) -> None:
    counter = counted(*numbers, modulus=modulus)
    assert counter.received == len(numbers)
    assert min(counter.lost, counter.repeated, counter.restarts) >= 0


@given(st.integers(0, 2**32), st.integers(1, 50), st.sets(st.integers(1, 49)), st.sampled_from([0, 256]))
def test_losses_are_what_was_left_out(first: int, count: int, left_out: set[int], modulus: int) -> None:
    sent = [first + n for n in range(count) if n not in left_out or n == count - 1]
    numbers = [number % modulus if modulus else number for number in sent]
    assert counted(*numbers, modulus=modulus).lost == count - len(sent)
