"""The pictures of the pages are those that the cases make today, and show what they say."""

from xml.etree import ElementTree as ET

import pytest

from ops.plots.__main__ import FOLDER, main
from ops.plots.cases import CASES
from ops.plots.chart import Bar, Chart, Curve, Panel

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", CASES)
def test_a_page_shows_its_case_as_it_is_today(name: str) -> None:
    drawn = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn == CASES[name]().svg(), f"run `python -m ops.plots {name}`"
    assert f"]({name}.svg)" in (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    bars = [one for one in ET.fromstring(drawn).iter(f"{SVG}rect") if one.get("class") == "bar"]
    assert len(bars) == {"counters": 0, "level": 2, "lamp": 2}.get(name, 1)  # what is none in a case is not found


def test_an_unknown_case_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cover", "nothing"]) == 2
    said = capsys.readouterr().err
    assert "nothing" in said
    assert "gateway" in said


def chart(*bars: Bar) -> ET.Element:
    steps = Panel(
        "a < b", [Curve("one", [(0.0, 1.0), (10.0, 3.0)], stepped=True), Curve("two", [(5.0, 2.0)], dots=True)]
    )
    return ET.fromstring(Chart("R & D", [steps], bars, 0.0, 100.0, [(20.0, 40.0)]).svg())


def test_names_are_escaped_and_steps_hold_until_the_next() -> None:
    picture = chart()
    assert [one.text for one in picture.iter(f"{SVG}text")][:2] == ["R & D", "a < b"]
    (line,) = picture.iter(f"{SVG}polyline")
    corners = [tuple(map(float, point.split(","))) for point in (line.get("points") or "").split()]
    (_, first), (turn, before), (at, after) = corners[1:]
    assert first == before != after
    assert turn == at


def test_what_is_open_lasts_until_the_end_of_the_picture() -> None:
    picture = chart(Bar("x", 50.0, None, "said"), Bar("y", 50.0, 75.0))
    wide = [float(one.get("width") or 0) for one in picture.iter(f"{SVG}rect") if one.get("class") == "bar"]
    assert wide[0] == pytest.approx(2 * wide[1], abs=0.2)
    assert "said" in [one.text for one in picture.iter(f"{SVG}title")]
