"""Words of sensors that were lost: what their numbers, and the times of those that came, tell of them."""

import pytest
from parking_kit import street
from street_kit import bay, said

from processors.engine.driver import PipelineTestDriver
from schemas.facility import DeviceBinding
from schemas.model import from_ms


def sensed(*, max_stay_s: float = 3_000.0) -> PipelineTestDriver:
    """A bay whose sensor speaks every five minutes."""
    place = bay("bay-1", "mag", max_stay_s=max_stay_s)
    return street(place.model_copy(update={"devices": (DeviceBinding(device="mag", interval_s=300.0),)}))


def tells(driver: PipelineTestDriver, *words: tuple[float, int], numbered: bool = True) -> None:
    """The sensor says at these seconds whether the bay is taken; what is LOST was so on its way."""
    start_ms = driver.now_ms
    for number, (after_s, taken) in enumerate(words):
        driver.advance_to(start_ms + round(after_s * 1000))
        if taken is not LOST:
            driver.read("mag", "occupied", taken, seq=number if numbered else None)


LOST = -1
FREE_TILL_900 = [(at, 0) for at in (0, 300, 600, 900)]


def test_who_stands_there_after_a_long_silence_came_then() -> None:
    driver = sensed()
    tells(driver, *FREE_TILL_900, (1_000, 1), (1_200, 1))
    driver.advance(4_200)
    assert said(driver) == []
    for _ in range(10):
        driver.read("mag", "occupied", 1)
        driver.advance(300)
    assert said(driver) == []  # 50 minutes to the second
    came_ms = driver.now_ms - 3_000_000
    driver.read("mag", "occupied", 1)
    driver.advance(10)
    assert said(driver) == ["raised parking_overstay bay-1"]
    assert driver.findings[0].since == from_ms(came_ms)


@pytest.mark.parametrize("after_s", [5_400.0, 5_420.0])  # due, or not
def test_a_bay_that_is_free_after_a_long_silence_has_been_so_nobody_knows_since_when(after_s: float) -> None:
    driver = sensed()
    tells(driver, *FREE_TILL_900, (1_000, 1), (1_200, 1), (after_s, 0), (after_s + 20, 1))
    driver.advance(290)
    assert said(driver) == []  # who comes before it counts as free is another all the same


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        ([(1_500, 1), (1_800, 1)], True),
        ([(1_500, LOST), (1_800, 1)], True),  # what is missing was due
        ([(1_500, 1), (1_620, LOST), (1_740, 1), (1_800, 1)], False),  # it said that it was free, and was not heard
        ([(1_500, LOST), (1_620, LOST), (1_740, 1), (1_800, 1)], False),
        ([(1_500, 1), (1_620, LOST), (1_740, LOST), (1_800, 1)], False),
    ],
)
def test_numbers_tell_that_a_word_was_lost_that_was_not_due(words: list[tuple[float, int]], *, is_one: bool) -> None:
    driver = sensed()
    due = [(at, 1) for at in range(2_100, 4_201, 300)]
    tells(driver, *FREE_TILL_900, (1_150, 1), (1_200, 1), *words, *due)
    assert said(driver) == ["raised parking_overstay bay-1"] * is_one


@pytest.mark.parametrize(("second_s", "is_one"), [(1_600, False), (1_500, True), (1_801, True)])
def test_without_numbers_a_word_that_was_not_due_tells_of_a_change(second_s: float, *, is_one: bool) -> None:
    driver = sensed()
    due = [(at, 1) for at in range(2_100, 4_201, 300)]
    tells(driver, *FREE_TILL_900, (1_150, 1), (1_200, 1), (second_s, 1), *due, numbered=False)
    assert said(driver) == ["raised parking_overstay bay-1"] * is_one


@pytest.mark.parametrize(
    ("last_s", "said_free_s", "is_found"),
    [
        (3_900, 4_180, True),  # it stood until it said that it left
        (3_900, 4_200, False),  # due: it may have left since the word before
        (4_100, 4_200, True),  # and of this one 50 minutes were over when it spoke 50 s before
    ],
)
def test_when_a_vehicle_left_says_a_word_that_was_not_due(last_s: float, said_free_s: float, *, is_found: bool) -> None:
    driver = sensed()
    due = [(at, 1) for at in range(1_200, 3_901, 300)]
    last = [(last_s, 1)] if last_s > due[-1][0] else []
    tells(driver, *FREE_TILL_900, (1_150, 1), *due, *last, (said_free_s, 0))
    assert ("raised parking_overstay bay-1" in said(driver)) is is_found


def test_an_old_word_convinces_nobody() -> None:
    driver = sensed()
    tells(driver, *FREE_TILL_900, (1_150, 1), *[(at, 1) for at in range(1_200, 3_901, 300)], (4_199, LOST))
    assert said(driver) == []  # five minutes since the last
    tells(driver, (1, 1), numbered=False)
    assert said(driver) == ["raised parking_overstay bay-1"]


def test_that_an_object_is_gone_is_no_proof_of_it_when_it_is_said_twice() -> None:
    """It was gone unheard, as the next word that was due said; a car that came then said so once more."""
    driver = street(bay("bay-1", "mag", interval_s=600.0), tick_s=1.0)
    start_ms = driver.now_ms
    for at, felt, taken in ((100, 0, 0), (700, 0, 0), (1230, 1, 0), (1300, 1, 0), (1900, 0, 0), (1960, 0, 1)):
        driver.advance_to(start_ms + at * 1000)
        driver.read("mag", "occupied", taken)
        driver.read("mag", "obstruction", felt)
    driver.advance(300)
    assert said(driver) == []
