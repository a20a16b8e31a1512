"""What a burst's score is worth without a model: as measured on the labelled years, and how the command tells it."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from ops.score import calibration, leak, tables
from ops.score.calibration import Said
from ops.score.leak import Score
from processors.detectors.leak_confidence import INFLOW_M3H, LINES, MOST, confidence

PAGE: Final = Path(__file__).parents[3] / "docs" / "processors" / "leak.md"
RIGHT: Final[dict[str, list[tuple[float, float]]]] = {
    "ltown_2018": [(2.6, 17.4), (2.9, 23.9), (3.5, 12.4), (1.4, 21.4), (1.3, 24.8), (7.0, 21.3)],
    "scen_1": [(2.1, 33.3), (1.5, 22.4), (2.0, 22.7)],
    "scen_2": [(1.1, 19.2), (4.7, 25.9), (1.0, 22.5), (1.1, 26.1), (1.3, 26.3), (1.4, 16.3), (1.1, 21.5), (1.7, 17.9)],
    "scen_5": [(1.1, 19.4), (2.6, 23.0), (4.0, 22.5), (1.2, 30.8), (1.1, 1.6), (1.0, 0.0)],
    "scen_6": [(6.0, 26.4), (1.0, 2.6), (7.9, 18.3), (1.1, 30.6)],
    "scen_7": [(3.1, 22.7), (1.4, 0.1), (1.0, 12.2), (1.0, 8.9)],
}
FALSE: Final[dict[str, list[tuple[float, float]]]] = {
    "ltown_2018": [(1.9, 23.2)],
    "scen_1": [],
    "scen_2": [(1.0, 29.6)],
    "scen_5": [(1.0, 31.2), (1.0, 31.6), (121.5, 0.4), (1.9, 10.2), (1.4, 58.2), (1.5, 89.1)],
    "scen_6": [(1.0, 33.0), (129.4, 0.4), (2.3, 88.0)],
    "scen_7": [(1.0, 19.0)],
}
"""Score and extra flow (m3/h) of all bursts raised: half an hour of `python -m ops.score.leak`, too long for a test."""
KINDS: Final = tuple(LINES)


def said(year: str) -> list[Said]:
    return [
        leak.said(score, flow, right)
        for alarms, right in ((RIGHT[year], True), (FALSE[year], False))
        for score, flow in alarms
    ]


MEASURED: Final = [said(year) for year in RIGHT]
FOUND: Final = calibration.left_out(MEASURED, KINDS)


def test_the_lines_that_ship_are_those_of_all_years() -> None:
    assert FOUND["fitted_on_all"] == LINES
    assert max(score for year in RIGHT.values() for score, flow in year if flow >= INFLOW_M3H) <= MOST


def test_of_years_that_taught_nothing_alarms_are_about_as_often_right_as_they_are_sure() -> None:
    """And without the lines they are not."""
    assert FOUND["calibrated"]["error"] < 0.1 < FOUND["as_searched"]["error"]
    assert FOUND["calibrated"]["brier"] < FOUND["as_searched"]["brier"]


def test_what_is_published_is_what_was_judged() -> None:
    alarms = [alarm for alarms in (RIGHT, FALSE) for year in alarms.values() for alarm in year]
    right = sum(map(len, RIGHT.values())) / len(alarms)
    assert sum(round(confidence(*alarm), 2) for alarm in alarms) / len(alarms) == pytest.approx(right, abs=0.03)


def test_the_page_shows_what_was_measured() -> None:
    text = PAGE.read_text(encoding="utf-8")
    words = " ".join(text.split())
    for name in ("as_searched", "calibrated", "fitted"):
        assert tables.of_confidence(FOUND[name]["table"]) in text, name
        assert f"{FOUND[name]['error']}, Brier score {FOUND[name]['brier']}" in words, name


def test_each_year_is_judged_by_the_others_only() -> None:
    """By hand: two years without a right alarm would teach each other that none is right, whatever the third says."""
    never, always = [Said("inflow", 0.5, False)] * 200, [Said("inflow", 0.5, True)] * 200
    found = calibration.left_out([never, list(never), always], KINDS)
    assert [(row["alarms"], row["right"]) for row in found["calibrated"]["table"]] == [(200, 1.0), (400, 0.0)]
    assert found["as_searched"]["brier"] == 0.25
    assert found["fitted"]["table"][0]["said"] == pytest.approx(1 / 3, abs=0.01)


def of_year(folder: Path, *, verbose: bool) -> Score:
    assert not verbose
    alarms = tuple(said(folder.name))
    return Score(folder.name, 6, 6, 0.5, len(alarms), 1, 0, 0.1, 3, 1.0, 10, alarms)


def folders(root: Path, *names: str) -> list[str]:
    for name in names:
        (root / name).mkdir()
        (root / name / "leaks.csv").write_text("link,start,end,diameter_m,type,peak,area\n")
    return [str(root / name) for name in names]


def test_the_command_tells_it_for_people_and_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(leak, "score", of_year)
    years = folders(tmp_path, "ltown_2018", "scen_5")
    leak.main(years)
    text = capsys.readouterr().out
    leak.main([*years, "--json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["reliability"] == json.loads(
        json.dumps(calibration.left_out([said("ltown_2018"), said("scen_5")], KINDS))
    )
    assert told["years"][0]["said"][0] == ["inflow", pytest.approx(2.6 / 3.6), True]
    for name in ("as_searched", "calibrated", "fitted"):
        assert tables.of_confidence(told["reliability"][name]["table"]) in text
    leak.main(years[:1])
    assert "Brier" not in capsys.readouterr().out  # nothing taught it
