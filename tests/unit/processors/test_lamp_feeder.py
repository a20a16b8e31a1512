"""Feeders: when many lamps are dark it is one finding, and of whom."""

from datetime import timedelta

from lamp_kit import NIGHT, all_take, feeder, lamp, street
from street_kit import said

from processors.engine.driver import PipelineTestDriver

NAMES = [f"lamp-{n}" for n in range(10)]


def night_of_ten(**rules: float) -> PipelineTestDriver:
    return street(NIGHT, feeder(**rules), *(lamp(name) for name in NAMES))


def test_a_feeder_that_fails_is_one_finding() -> None:
    driver = night_of_ten()
    all_take(driver, dict.fromkeys(NAMES, 118.0), 3)
    all_take(driver, dict.fromkeys(NAMES[:4], 0.0) | dict.fromkeys(NAMES[4:], 118.0), 6)
    assert said(driver) == ["raised feeder_dark feeder-1"]
    (finding,) = driver.findings
    assert finding.summary == "4 of 10 lamps of feeder feeder-1 are dark"
    assert (finding.numbers, finding.facility_class) == ({"dark": 4.0, "lamps": 10.0}, "lamp_feeder")
    assert finding.since == NIGHT + timedelta(minutes=15)
    all_take(driver, dict.fromkeys(NAMES[1:], 118.0) | {NAMES[0]: 0.0}, 4)
    assert said(driver)[1:] == ["cleared feeder_dark feeder-1"]
    all_take(driver, dict.fromkeys(NAMES[1:], 118.0) | {NAMES[0]: 0.0})
    assert said(driver)[1:] == ["cleared feeder_dark feeder-1", "raised lamp_dark lamp-0"]


def test_single_lamps_make_room_for_their_feeder_and_come_back_after_it() -> None:
    driver = night_of_ten()
    dark = dict.fromkeys(NAMES, 118.0)
    for name in NAMES[:3]:
        dark[name] = 0.0
        all_take(driver, dark, 5)
    assert said(driver) == [
        "raised lamp_dark lamp-0",
        "raised lamp_dark lamp-1",
        "cleared lamp_dark lamp-0",
        "cleared lamp_dark lamp-1",
        "raised feeder_dark feeder-1",
    ]
    assert [one.reason for one in driver.findings[2:4]] == ["became feeder_dark"] * 2
    assert driver.findings[4].since == NIGHT  # since the first of them was dark
    all_take(driver, dict.fromkeys(NAMES, 118.0) | {"lamp-0": 0.0}, 6)
    assert said(driver)[5:] == ["cleared feeder_dark feeder-1", "raised lamp_dark lamp-0"]
    assert len({one.id for one in driver.findings}) == 4


def test_lamps_of_a_large_feeder_that_are_believed_one_after_the_other_are_one_finding() -> None:
    names = [f"lamp-{n:02}" for n in range(20)]
    driver = street(NIGHT, feeder(), *(lamp(name) for name in names))
    for watts in (118.0, 0.0, 0.0, 0.0, 118.0, 118.0):
        for name in names:  # each has its own minute
            driver.read(name, "power", watts if name < "lamp-08" else 118.0)
            driver.advance(30)
    assert said(driver) == ["raised feeder_dark feeder-1", "cleared feeder_dark feeder-1"]


def test_two_of_ten_or_of_two_are_lamps_not_a_feeder() -> None:
    driver = night_of_ten()
    all_take(driver, dict.fromkeys(NAMES[:2], 0.0) | dict.fromkeys(NAMES[2:], 118.0), 5)
    assert [one.kind for one in driver.findings] == ["lamp_dark", "lamp_dark"]
    small = street(NIGHT, feeder(), lamp("a"), lamp("b"))
    all_take(small, {"a": 0.0, "b": 0.0}, 5)
    assert [one.kind for one in small.findings] == ["lamp_dark", "lamp_dark"]


def test_without_a_feeder_there_are_only_lamps() -> None:
    driver = street(NIGHT, *(lamp(name) for name in NAMES))
    all_take(driver, dict.fromkeys(NAMES, 0.0), 5)
    assert [one.kind for one in driver.findings] == ["lamp_dark"] * 10


def test_a_feeder_that_is_taken_from_the_registry_gives_its_lamps_back() -> None:
    driver = night_of_ten()
    all_take(driver, dict.fromkeys(NAMES[:3], 0.0) | dict.fromkeys(NAMES[3:], 118.0), 5)
    driver.left("feeder-1")
    all_take(driver, dict.fromkeys(NAMES[:3], 0.0) | dict.fromkeys(NAMES[3:], 118.0), 4)
    assert [step.partition(" ")[0] for step in said(driver)] == ["raised", "cleared", "raised", "raised", "raised"]
    assert driver.findings[1].reason == "facility left"


def test_the_share_of_a_feeder_is_its_own() -> None:
    driver = night_of_ten(dark_share=0.5)
    all_take(driver, dict.fromkeys(NAMES[:4], 0.0) | dict.fromkeys(NAMES[4:], 118.0), 5)
    assert {one.kind for one in driver.findings} == {"lamp_dark"}
