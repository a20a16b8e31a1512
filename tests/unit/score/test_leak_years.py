"""Leave one year out, and confidence that means what it says: on made-up results."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ops.score import calibration, tables
from ops.score.calibration import Said
from ops.score.located import Scored
from ops.score.years import TRIED, left_out, worth
from processors.leak.confidence import calibrated
from processors.leak.settings import SHIPPED, Settings


def scored(found: int, false: float, eur: float, said: list[Said] | None = None) -> Scored:
    figures: dict[str, Any] = {
        "name": f"{eur}",
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


def test_every_set_is_shown_with_its_best_and_worst_year_and_how_often_it_was_chosen() -> None:
    results = {
        ("shipped", "1"): scored(9, 0.1, 90.0),
        ("shipped", "2"): scored(5, 0.5, 50.0),
        ("other", "1"): scored(2, 0.0, 20.0),
        ("other", "2"): scored(6, 0.1, 60.0),
    }
    found = left_out(results)
    assert list(found["sets"]) == ["shipped", "other"]
    lines = tables.of_sets(found["sets"], [year["chosen"] for year in found["years"]]).splitlines()
    assert lines[0].startswith("| set | new found |")
    assert lines[2] == "| shipped | 14 of 20 | 7: 0.3 a month | 70.0 % | 90.0, 90.0 % | 50.0, 50.0 % | 1 |"
    assert lines[3].endswith("| 60.0, 60.0 % | 20.0, 20.0 % | 1 |")


def test_faults_may_cost_a_leak_and_two_false_alarms() -> None:
    plain = scored(9, 0.25, 90.0).figures
    assert tables.is_allowed(plain, scored(8, 0.42, 80.0).figures)
    assert not tables.is_allowed(plain, scored(7, 0.25, 80.0).figures)
    assert not tables.is_allowed(plain, scored(9, 0.5, 80.0).figures)
    table = tables.of_faults([plain], {1: [scored(7, 0.25, 80.0).figures], 2: [plain]})
    assert "| 90.0 | 9 of 10, 3, 90.0 % | 7, 3, 80.0 % (!) | 9, 3, 90.0 % |" in table.splitlines()


def test_every_set_that_is_tried_differs_from_what_ships_and_from_the_others() -> None:
    settings = [replace(SHIPPED, **kw) for kw in TRIED.values()]
    assert settings[0] == SHIPPED
    assert len(set(map(str, settings))) == len(settings) >= 6


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
