"""Health: what devices say of themselves, their batteries, restarts, names and radios."""

import pytest
from health_kit import DAY, HOUR, Row, noise, play, told
from street_kit import at_s, cover, facility, lamp, said

from schemas.facility import FacilityClass

# batteries


def charges(*percent: float, every_s: float = DAY, begin_s: float = 0.0) -> list[Row]:
    return [Row(begin_s + n * every_s, "cover-1", "battery_percent", p) for n, p in enumerate(percent)]


def test_a_battery_at_its_end_is_said_at_the_second_low_charge_and_is_well_when_replaced() -> None:
    driver = told(charges(16, 15, 16, 15, 14, 14, 100, every_s=HOUR), cover())
    assert said(driver) == ["raised device_battery cover-1", "cleared device_battery cover-1"]
    assert driver.findings[0].numbers == {"percent": 14.0}


def test_its_end_is_foreseen_by_the_slope_of_its_days() -> None:
    driver = told(charges(*(90.0 - 4.0 * n for n in range(12))), cover())
    assert said(driver) == ["raised device_battery cover-1"]
    (raised,) = driver.findings
    assert raised.numbers == {"percent": 54.0, "days_left": 13.5}


def test_a_charge_that_is_known_by_the_percent_has_a_slope_all_the_same() -> None:
    driver = told(charges(*(90.0 - 4.0 * n + (-1) ** n for n in range(12))), cover())
    assert said(driver) == ["raised device_battery cover-1"]
    assert 10 < driver.findings[0].numbers["days_left"] <= 14


def test_some_wrong_days_do_not_bend_the_slope() -> None:
    percents = [90.0 - 0.5 * n for n in range(20)]
    percents[15] = percents[18] = 60.0
    assert said(told(charges(*percents), cover())) == []


def test_the_word_of_the_device_counts_when_it_says_it_twice() -> None:
    flags = [Row(n * HOUR, "cover-1", "low_battery", v) for n, v in enumerate([0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0])]
    driver = told(flags, cover())
    assert said(driver) == ["raised device_battery cover-1", "cleared device_battery cover-1"]
    assert driver.findings[0].summary == "Device cover-1 says that its battery is low"


def both(percents: list[float], flags: list[float]) -> list[Row]:
    """Both in one message, hour by hour."""
    rows = zip(charges(*percents, every_s=HOUR), flags, strict=True)
    return [row for charge, flag in rows for row in (charge, charge._replace(prop="low_battery", value=flag))]


@pytest.mark.parametrize(
    ("percent", "is_believed"), [(16.0, True), (40.0, True), (50.0, True), (51.0, False), (90.0, False)]
)
def test_the_word_of_the_device_counts_beside_a_charge_that_does_not_deny_it(percent: float, is_believed: bool) -> None:
    driver = told(both([percent] * 12, [0.0] * 3 + [1.0] * 9), cover())
    assert said(driver) == ["raised device_battery cover-1"] * is_believed
    for one in driver.findings:
        assert one.summary == f"Device cover-1 says that its battery is low, at {percent:g} %"
        assert at_s(driver, one) == 4 * HOUR
        assert one.numbers == {"percent": percent}


def test_it_is_over_when_the_device_takes_it_back_and_not_by_its_percentage() -> None:
    driver = told(both([40.0] * 60, [1.0] * 50 + [0.0] * 10), cover())
    assert said(driver) == ["raised device_battery cover-1", "cleared device_battery cover-1"]
    assert at_s(driver, driver.findings[1]) == 51 * HOUR  # at the next charge
    replaced = told(both([40.0] * 20 + [100.0] * 9, [1.0] * 29), cover())
    assert said(replaced) == ["raised device_battery cover-1", "cleared device_battery cover-1"]


def test_a_word_now_and_then_beside_a_charge_is_none() -> None:
    assert said(told(both([30.0] * 60, [float(n % 3 == 0) for n in range(60)]), cover())) == []


# restarts, and two of one id


def counted(boots: list[tuple[str, range]], every_s: float = 60.0, begin_s: float = 0.0) -> list[Row]:
    numbers = [(boot, seq) for boot, seqs in boots for seq in seqs]
    return [Row(begin_s + n * every_s, "lamp-1", "power", 80.0, s, b) for n, (b, s) in enumerate(numbers)]


def test_three_boots_within_an_hour_are_a_loop_and_a_quiet_hour_ends_it() -> None:
    driver = told(counted([("a", range(50)), ("b", range(9)), ("c", range(9)), ("d", range(90))]), lamp())
    assert said(driver) == ["raised device_restarts lamp-1", "cleared device_restarts lamp-1"]
    assert driver.findings[0].numbers == {"count": 3.0, "within_s": 18 * 60.0}


def test_a_restart_a_day_is_no_loop() -> None:
    boots = [(str(day), range(24)) for day in range(14)]
    assert said(told(counted(boots, HOUR), lamp())) == []


def test_a_sequence_that_begins_anew_without_a_boot_is_a_restart() -> None:
    rows = [Row(n * 60, "lamp-1", "power", 80.0, seq) for n, seq in enumerate([*range(100, 150), *range(50, 75)])]
    rows += [Row((75 + n) * 60, "lamp-1", "power", 80.0, seq) for n, seq in enumerate([*range(20, 40), *range(10)])]
    assert said(told(rows, lamp())) == ["raised device_restarts lamp-1"]


@pytest.mark.parametrize("prop", ["uptime", "restart_count"])
def test_a_device_may_say_itself_that_it_restarted(prop: str) -> None:
    values = [9e5, 60.0, 120.0, 50.0, 110.0, 40.0] if prop == "uptime" else [1.0, 2.0, 2.0, 3.0, 3.0, 4.0]
    rows = [Row(n * 300, "lamp-1", prop, v) for n, v in enumerate(values)]
    assert said(told(rows, lamp())) == ["raised device_restarts lamp-1"]


@pytest.mark.parametrize("boots", [("a", "b"), ("", "")])
def test_two_of_one_id_go_back_and_forth(boots: tuple[str, str]) -> None:
    rows = []
    for n in range(10):
        rows.append(Row(n * 120, "lamp-1", "power", 80.0, 1000 + n, boots[0]))
        rows.append(Row(n * 120 + 60, "lamp-1", "power", 81.0, 5 + n, boots[1]))
    driver = told(rows, lamp())
    assert said(driver) == ["raised device_duplicate lamp-1"]
    driver = play(driver, [Row(2000 + n * 60, "lamp-1", "power", 80.0, 2000 + n, boots[0]) for n in range(90)])
    assert said(driver) == ["raised device_duplicate lamp-1", "cleared device_duplicate lamp-1"]


def test_what_a_device_kept_from_before_its_restart_and_sends_late_is_no_second_device() -> None:
    rows = counted([("a", range(50)), ("b", range(60))])
    driver = told(rows, lamp())
    for seq in range(50, 60):
        driver.read("lamp-1", "power", 80.0, boot="a", seq=seq, at_ms=driver.now_ms - 3_600_000 + seq * 60_000)
        driver.advance(30)
        driver.read("lamp-1", "power", 80.0, boot="b", seq=seq + 100)
        driver.advance(30)
    assert said(driver) == []


def test_disorder_is_neither() -> None:
    order = [n ^ 1 if n % 7 == 0 else n for n in range(200)]
    rows = [Row(n * 60, "lamp-1", "power", 80.0, seq) for n, seq in enumerate(dict.fromkeys(order))]
    assert said(told(rows, lamp())) == []


# signals


def heard(*levels: float, prop: str = "rssi", begin_s: float = 0.0) -> list[Row]:
    return [Row(begin_s + n * 600, "lamp-1", prop, level) for n, level in enumerate(levels)]


def test_a_device_that_is_hardly_heard_for_hours_is_named_until_it_is_heard_well() -> None:
    levels = [-100.0] * 10 + [-126.0 + 3 * noise(n) for n in range(60)] + [-105.0] * 30
    driver = told(heard(*levels), lamp())
    assert said(driver) == ["raised device_signal lamp-1", "cleared device_signal lamp-1"]
    assert driver.findings[0].numbers["rssi"] < -120
    assert driver.findings[0].numbers["low_s"] >= 4 * HOUR


def test_an_hour_of_rain_is_no_matter() -> None:
    assert said(told(heard(*[-100.0] * 20, *[-130.0] * 12, *[-100.0] * 60), lamp())) == []


def test_how_good_it_was_before_does_not_put_it_off() -> None:
    weak = [-125.0] * 38  # over six hours
    assert said(told(heard(*[-70.0] * 20, *weak), lamp())) == ["raised device_signal lamp-1"]


def test_the_ratio_to_the_noise_counts_as_well() -> None:
    assert said(told(heard(*[-18.0] * 60, prop="snr"), lamp())) == ["raised device_signal lamp-1"]


def test_a_device_that_is_exchanged_begins_anew() -> None:
    driver = told(charges(10, 10, 10, every_s=HOUR), cover())
    driver.register(facility("cover-1", FacilityClass.MANHOLE_COVER, "new"))
    assert [one.reason for one in driver.findings] == [None, "device no longer registered"]
