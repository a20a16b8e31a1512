"""A finding names the rule by which it was made, from its first step to its last."""

from street_kit import ZONE, cover, facility, records, replayed, restart

from processors.detectors.cover import CoverDetector
from processors.detectors.limit import LimitDetector
from processors.detectors.parking import ParkingDetector
from processors.engine.driver import PipelineTestDriver
from schemas.facility import FacilityClass


def test_where_the_kind_says_it() -> None:
    driver = PipelineTestDriver(CoverDetector(), tick_s=10)
    driver.register(cover("cover-1"))
    for angle in (17.0, 18.0, 0.0, 0.0):
        driver.read("cover-1", "tilt_angle", angle)
        driver.advance(10)
    assert [(one.transition, one.rule) for one in driver.findings] == [("raised", "cover"), ("cleared", "cover")]


def test_where_a_kind_has_a_rule_for_every_quantity() -> None:
    driver = PipelineTestDriver(LimitDetector(), tick_s=10)
    driver.register(facility("station-1", FacilityClass.AIR_STATION))
    for value in (8_000.0, 8_000.0):
        driver.read("station-1", "gas_ch4", value)
        driver.advance(10)
    restart(driver)
    for value in (0.0, 0.0):
        driver.read("station-1", "gas_ch4", value)
        driver.advance(10)
    said = [(one.transition, one.rule) for one in driver.findings]
    assert said == [("raised", "limit_gas_ch4"), ("cleared", "limit_gas_ch4")]
    assert replayed(driver, [LimitDetector()]) == records(driver)


def test_where_the_policy_of_the_place_decides_between_two() -> None:
    for activity in ("no_stopping", "no_parking"):
        driver = PipelineTestDriver(ParkingDetector(), tick_s=30)
        driver.register(facility("kerb-1", FacilityClass.CURB_ZONE, activity=activity, zone=ZONE))
        for _ in range(20):
            driver.read("kerb-1", "occupied", 1)
            driver.advance(30)
        for _ in range(10):
            driver.read("kerb-1", "occupied", 0)
            driver.advance(30)
        said = [(one.transition, one.kind, one.rule) for one in driver.findings]
        assert said == [("raised", "no_stopping", activity), ("cleared", "no_stopping", activity)]
