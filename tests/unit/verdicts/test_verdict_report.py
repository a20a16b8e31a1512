"""What verdicts say of detectors: shares, their uncertainty, and thresholds that tell real from not real."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.verdicts.report import Judged, Suggestion, Tally, report
from schemas.anomaly import AnomalyKind
from schemas.rules.found import rule_of


def found(real: bool | None, zone: str = "z", kind: str = "device_battery", **numbers: float) -> Judged:
    return Judged("health", kind, zone, numbers, real, rule_of(AnomalyKind(kind), "health"))


def suggested(*findings: Judged) -> Suggestion | None:
    return next(iter(report(findings).suggestions), None)


def test_precision_is_of_those_that_were_judged_by_detector_rule_kind_and_zone() -> None:
    said = report(
        [
            *(found(True, "a"), found(False, "a"), found(None, "a")),
            *(found(True, "b"), found(True, "b", "device_stuck"), Judged("cover", "cover_open", "a", {}, None)),
            Judged("leak", "water_leak", "a", {}, True),
        ]
    )
    assert list(said.detectors) == [("cover",), ("health",), ("leak",)]
    assert said.detectors["cover",].precision is None
    assert said.detectors["health",] == Tally(5, 3, 1)
    assert said.kinds["health", "device_battery"].precision == pytest.approx(2 / 3)
    assert said.rules["health", "battery"] == Tally(4, 2, 1)
    assert said.rules["health", "stuck"] == Tally(1, 1, 0)
    assert said.zones["health", "battery", "a"].precision == pytest.approx(1 / 2)
    assert said.zones["health", "battery", "b"].precision == 1
    figures = said.figures()
    assert json.loads(json.dumps(figures)) == figures
    (battery, stuck) = (row for row in figures["kinds"] if row["detector"] == "health")
    assert (battery["rules"], stuck["rules"]) == (["battery"], ["stuck"])
    assert [row["rule"] for row in figures["rules"]] == [None, "battery", "stuck", None]  # covers say none here
    assert {(row["detector"], row["rule"], row["zone"]) for row in figures["zones"]} > {("leak", None, "a")}


@pytest.mark.parametrize(
    ("tally", "low", "high"), [(Tally(10, 10, 0), 0.7225, 1.0), (Tally(100, 50, 50), 0.4038, 0.5962)]
)
def test_the_interval_is_wilsons(tally: Tally, low: float, high: float) -> None:
    assert tally.between == pytest.approx((low, high), abs=1e-4)


def test_the_threshold_keeps_every_real_one_and_drops_the_most_others() -> None:
    best = suggested(
        *(found(True, percent=p, days_left=d) for p, d in ((5.0, 9.0), (8.0, 1.0), (10.0, 30.0))),
        *(found(False, percent=p, days_left=d) for p, d in ((14.0, 2.0), (15.0, 60.0), (9.0, 5.0))),
    )
    assert best is not None
    assert (best.number, best.at_least, best.threshold) == ("percent", False, 12.0)
    assert (best.dropped, best.not_real, best.real) == (2, 3, 3)
    assert best.parameters == ("battery.low_percent", "battery.denied_percent", "battery.margin_percent")


def test_a_number_may_have_to_be_larger() -> None:
    real = [found(True, kind="device_stuck", longer=n) for n in (9.0, 12.0, 30.0)]
    others = [found(False, kind="device_stuck", longer=n) for n in (4.1, 4.4, 5.0)]
    best = suggested(*real, *others)
    assert best is not None
    assert (best.at_least, best.threshold, best.dropped, best.parameters) == (True, 7.0, 3, ("stuck.longer",))


@pytest.mark.parametrize("few", ["real", "others"])
def test_two_verdicts_are_too_few(few: str) -> None:
    real = [found(True, percent=5.0)] * (2 if few == "real" else 9)
    others = [found(False, percent=15.0)] * (2 if few == "others" else 9)
    assert suggested(*real, *others) is None


def test_what_no_number_tells_apart_is_left_alone() -> None:
    same = [found(real, percent=p) for real in (True, False) for p in (5.0, 9.0, 12.0)]
    assert suggested(*same) is None
    assert suggested(*(found(real) for real in (True, False) for _ in range(5))) is None


def test_a_number_that_only_some_carry_decides_nothing() -> None:
    real = [found(True, percent=p) for p in (1.0, 2.0, 3.0)]
    assert suggested(*real, *(found(False, days_left=p) for p in (1.0, 2.0, 3.0))) is None


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=8),
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=8),
)
def test_what_is_suggested_keeps_what_was_real_and_drops_what_it_says(real: list[float], others: list[float]) -> None:
    best = suggested(*(found(True, percent=p) for p in real), *(found(False, percent=p) for p in others))
    if best is None:
        assert min(others) >= min(real)
        assert max(others) <= max(real)
        return
    sign = 1 if best.at_least else -1
    assert all(sign * value >= sign * best.threshold for value in real)
    assert sum(sign * value < sign * best.threshold for value in others) == best.dropped > 0
