"""Leave one year out, and confidence that means what it says: on made-up results."""

from typing import Any

import numpy as np
import pytest

from ops.score import calibration
from ops.score.calibration import Said
from ops.score.located import Scored
from ops.score.years import left_out, worth
from processors.leak.confidence import calibrated
from processors.leak.settings import Settings


def scored(found: int, false: float, eur: float, said: list[Said] | None = None) -> Scored:
    figures: dict[str, Any] = {
        "new_found": found,
        "new_total": 10,
        "fp": round(12 * false),
        "fp_per_month": false,
        "eur": eur,
        "eur_perfect": 100.0,
        "eur_pct": eur,
    }
    return Scored([], figures, said or [])


def test_a_year_is_judged_by_the_set_that_is_best_on_the_others() -> None:
    results = {
        ("a", "1"): scored(9, 0.1, 90.0),
        ("a", "2"): scored(5, 0.1, 50.0),
        ("a", "3"): scored(5, 0.1, 50.0),
        ("b", "1"): scored(2, 0.1, 20.0),
        ("b", "2"): scored(6, 0.1, 60.0),
        ("b", "3"): scored(6, 0.1, 60.0),
    }
    found = left_out(results)
    assert {year["eur"]: year["chosen"] for year in found["years"]} == {20.0: "b", 50.0: "a"}
    assert [year["chosen"] for year in found["years"]] == ["b", "a", "a"]
    assert (found["total"]["new_found"], found["total"]["new_total"]) == (12, 30)


def test_false_alarms_cost_only_beyond_half_a_month() -> None:
    few, many = worth([scored(5, 0.4, 50.0).figures]), worth([scored(5, 0.9, 50.0).figures])
    assert few == pytest.approx(1.0)
    assert many == pytest.approx(0.6)


def drawn(count: int, kind: str = "burst") -> list[Said]:
    """Alarms said to be right more often than they are."""
    chance = np.random.default_rng(3)
    sure = chance.uniform(0.6, 0.97, count)
    return [Said(kind, float(p), bool(chance.random() < p - 0.25)) for p in sure]


def test_confidence_that_is_too_high_is_brought_down_to_what_it_is_worth() -> None:
    taught, unseen = drawn(800), drawn(2000)[800:]
    lines = calibration.fit_kinds(taught)
    assert calibration.error(unseen) > 0.15
    assert calibration.error(calibration.scaled(unseen, lines)) < 0.07


def test_what_is_fitted_is_what_the_core_says() -> None:
    lines = {"burst": (-0.7, 0.8), "growing": (-1.0, 0.5)}
    settings = Settings(sure_of_burst=lines["burst"], sure_of_growing=lines["growing"])
    for kind in lines:
        said = calibration.scaled([Said(kind, 0.9, True)], lines)[0].sure
        assert calibrated(kind, 0.9, settings) == pytest.approx(said)
        assert calibrated(kind, 0.95, settings) > said


def test_without_alarms_a_probability_is_taken_as_it_is() -> None:
    assert calibration.fit([]) == (0.0, 1.0)
    assert calibrated("burst", 0.8, Settings(sure_of_burst=(0.0, 1.0))) == pytest.approx(0.8)


def test_the_table_counts_every_alarm_once() -> None:
    alarms = [Said("burst", p, p > 0.6) for p in (0.0, 0.5, 0.69, 0.7, 0.95, 1.0)]
    rows = calibration.table(alarms)
    assert sum(row["alarms"] for row in rows) == len(alarms)
    assert rows[-1] == {"from": 0.9, "to": 1.0, "alarms": 2, "said": 0.97, "right": 1.0}
