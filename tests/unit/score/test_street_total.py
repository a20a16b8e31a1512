"""Several cities as one, what is asked for on the command line, and what novelty says."""

import json
from dataclasses import replace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ops.cli.main import app
from ops.cli.score_street import parse_families, parse_seeds, parse_tick
from ops.score.street.expecting import Expecting
from ops.score.street.result import KindScore
from ops.score.street.run import score, score_city
from ops.score.street.total import Figures, Settings, as_json, total
from ops.simulate.city.city import FAMILIES, City
from schemas.anomaly import AnomalyKind

OPEN, FIRE, NEW = AnomalyKind.COVER_OPEN, AnomalyKind.BIN_FIRE, AnomalyKind.NOVELTY
ONE = Figures(
    100,
    20,
    {
        OPEN: KindScore(4, 3, 1, 2, 1, 0, (10.0, 20.0, 90.0), detected=True),
        NEW: KindScore(0, 0, 3, 0, 0, 0, (), detected=True),
    },
    Expecting(2, 1, 1),
    3,
    1.5,
    {"messages": 10, "events": 1_000, "refused": 0, "unregistered": 1, "poison": 0},
)
OTHER = Figures(
    300,
    20,
    {OPEN: KindScore(1, 1, 0, 0, 0, 2, (5.0,), detected=True), FIRE: KindScore(1, 0, 0, 0, 0, 0, (), detected=True)},
    Expecting(1, 1, 0),
    0,
    0.5,
    {"messages": 30, "events": 3_000, "refused": 2, "unregistered": 0, "poison": 0},
)


def test_truths_findings_and_delays_of_several_cities_are_put_together() -> None:
    both = total([ONE, OTHER])
    assert list(both.kinds) == [kind for kind in AnomalyKind if kind in {OPEN, FIRE, NEW}]
    opened = both.kinds[OPEN]
    assert opened == KindScore(5, 4, 1, 2, 1, 2, [10.0, 20.0, 90.0, 5.0], detected=True)
    assert (opened.recall, opened.precision, opened.delay_s(0.5)) == (0.8, 0.8, 10.0)
    assert both.expecting == Expecting(3, 2, 1)
    assert both.false_alarms == pytest.approx(4 * 1000 / (400 * 20))
    said = both.as_json()
    assert {"messages": 40, "events": 4_000, "refused": 2, "unregistered": 1}.items() <= said.items()
    assert said["cpu_s_per_million_events"] == 500.0
    assert total([OTHER, ONE]).as_json() == said
    assert total([ONE]).as_json() == ONE.as_json()


def test_cities_of_different_lengths_have_no_sum() -> None:
    with pytest.raises(ValueError, match="2 cities"):
        total([ONE, replace(OTHER, days=2)])
    with pytest.raises(ValueError, match="0 cities"):
        total([])


def test_what_novelty_says_is_counted_by_the_days_on_which_it_can_say_anything() -> None:
    said = total([ONE, OTHER]).as_json()["novelty"]
    assert said == {
        "findings": 3,
        "facility_days": 2400.0,
        "per_1000_facilities_per_day": 1.25,
    }  # 400 by 6 days
    said = replace(ONE, days=14, novelties=0).as_json()["novelty"]
    assert said == {"findings": 0, "facility_days": 0.0, "per_1000_facilities_per_day": None}


def test_several_seeds_are_lived_through_one_after_the_other() -> None:
    settings = Settings((43, 44), 100, 1, 0.0, ("tank",), 60.0)
    told: list[str] = []
    both = score(settings, told.append)
    alone = [score_city(City(seed, 100, 1, 0.0, only=frozenset({"tank"})), tick_ms=60_000) for seed in (43, 44)]
    assert without_cpu(as_json(both, settings)) == without_cpu(as_json(total([one.figures for one in alone]), settings))
    assert both.facilities == 2 * len(alone[0].city.facilities)
    assert told[0].startswith("seed 43, 1 of 2: ")
    assert told[-1].startswith("seed 44, 2 of 2: 23 of 24 h")


def without_cpu(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if not name.startswith("cpu_s")}


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("7", (7,)), ("401-403", (401, 402, 403)), ("5, 1,2-3,5", (5, 1, 2, 3)), ("8-8", (8,))],
)
def test_seeds_are_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "-3", "3-", "9-3", "1-2-3", "1,,2", "0-100000000"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_seeds(text)


def test_families_are_those_of_the_city_in_its_order() -> None:
    assert set(parse_families(",".join(FAMILIES))) == {thing.family for thing in City(1, 1).things}
    assert parse_families("timed, bay,bay") == ("bay", "timed")
    with pytest.raises(typer.BadParameter, match="no family 'cars'; there are cover, lamp"):
        parse_families("bay,cars")


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1.0), ("0.1", 0.1), ("1h", 3600.0)])
def test_a_tick_is_a_duration(text: str, seconds: float) -> None:
    assert parse_tick(text) == seconds


@pytest.mark.parametrize("text", ["0", "2h", "soon"])
def test_a_tick_is_neither_nothing_nor_long(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_tick(text)


def test_the_command_says_by_which_settings_its_figures_came_about() -> None:
    asked = ["--seed", "43", "--facilities", "1", "--days", "1", "--only", "tank", "--tick", "1h", "--noise", "0"]
    result = CliRunner().invoke(app, ["score", "street", *asked, "--json"])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["settings"] == {
        "seeds": [43],
        "facilities": 1,
        "days": 1,
        "noise": 0.0,
        "families": ["tank"],
        "tick_s": 3600.0,
    }
    assert {"kinds", "false_alarms_per_1000_facilities_per_day", "events", "cpu_s", "novelty"} <= set(said)
    shown = CliRunner().invoke(app, ["score", "street", *asked])
    assert "Seed 43: 2 facilities, 1 days, only tank" in shown.stdout
    assert CliRunner().invoke(app, ["score", "street", "--only", "cars"]).exit_code == 2
