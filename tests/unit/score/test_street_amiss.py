"""What went wrong, one by one: false findings with their words, missed matters, and what else was there."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.cli.main import app
from ops.score.street.amiss import AROUND_MS, Amiss, amiss
from ops.score.street.matching import Found, match
from ops.score.street.run import StreetScore, score_city
from ops.score.street.show import show
from ops.score.street.total import Figures, Settings, as_json, total
from ops.simulate.city.city import City
from ops.simulate.city.truth import Truth
from schemas.anomaly import AnomalyKind

MINUTE = 60_000
OPEN, SILENT = AnomalyKind.COVER_OPEN, AnomalyKind.DEVICE_SILENT


def truth(start: int, end: int, kind: AnomalyKind = OPEN, **more: Any) -> Truth:
    return Truth(kind, "cover-1", start * MINUTE, end * MINUTE, **more)


def listed(truths: list[Truth], *raised: int) -> tuple[Amiss, ...]:
    found = [Found(OPEN, "cover-1", at * MINUTE, f"f{at}") for at in raised]
    return amiss(truths, match(truths, found), [])


def test_only_what_is_false_or_missed_is_listed_in_the_order_of_time() -> None:
    truths = [truth(400, 410, size=31.25, near=True), truth(100, 110), truth(10, 20, near_miss=True)]
    odd = listed(truths, 105, 12, 300, 108)
    assert [(one.what, one.from_ms // MINUTE) for one in odd] == [
        ("near_miss", 12),
        ("again", 108),
        ("false", 300),
        ("missed", 400),
    ]
    missed = odd[-1]
    assert (missed.to_ms, missed.summary) == (410 * MINUTE, "size 31.25, near its threshold")


def test_what_else_was_there_is_said_as_far_as_it_may_have_had_to_do_with_it() -> None:
    hours = AROUND_MS // MINUTE
    before, long_before = truth(500, 600, SILENT, apart=True), truth(0, 499, SILENT, apart=True)
    (odd,) = listed([before, long_before], 600 + hours)
    assert odd.meanwhile == ("device_silent 01. 08:20:00 - 01. 10:00:00 (apart)",)
    elsewhere = Truth(AnomalyKind.GATEWAY_DOWN, "gateway", 600 * MINUTE, 700 * MINUTE, also_on=("cover-1",))
    missed = truth(650, 660)
    (_, odd) = listed([missed, elsewhere])
    assert odd.meanwhile == ("gateway_down 01. 10:00:00 - 01. 11:40:00",)


@pytest.fixture(scope="module")
def unwatched() -> StreetScore:
    """A city where nobody detects anything, so every visible matter is missed."""
    return score_city(City(43, 100, noise=0, only=frozenset({"cover"})), detectors=(), tick_ms=60_000)


def test_a_run_lists_what_it_missed_with_its_seed(unwatched: StreetScore) -> None:
    figures = unwatched.figures
    assert len(figures.amiss) == len(unwatched.matched.missed) > 0
    assert {one.seed for one in figures.amiss} == {43}
    assert total([figures, figures]).amiss == [*figures.amiss, *figures.amiss]


def test_a_finding_is_listed_with_its_own_words() -> None:
    ran = score_city(City(43, 100, noise=0, only=frozenset({"gas", "air"})), tick_ms=60_000)
    odd = amiss([], match([], ran.driven.found), ran.driven.findings)
    assert len(odd) == len(ran.driven.found) > 0
    raised = {str(one.id): one.summary for one in ran.driven.findings if one.transition == "raised"}
    assert sorted(one.summary for one in odd) == sorted(raised.values())
    assert all(raised.values())


def test_the_list_is_printed_only_to_who_asks(unwatched: StreetScore, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings((43,), 100, 1, 0.0, ("cover",), 60.0)
    figures = unwatched.figures
    show(figures, settings)
    assert "missed: " not in capsys.readouterr().out
    show(figures, settings, explain=True)
    said = capsys.readouterr().out
    assert said.count("missed: ") == len(figures.amiss)
    assert f"{figures.amiss[0].kind} at {figures.amiss[0].facility}, seed 43, " in said
    assert "amiss" not in as_json(figures, settings)
    first = as_json(figures, settings, explain=True)["amiss"][0]
    assert {"seed": 43, "what": "missed", "facility": figures.amiss[0].facility}.items() <= first.items()
    assert first["from"].endswith("Z")


def test_the_command_lists_it() -> None:
    asked = ["--seed", "43", "--facilities", "1", "--days", "1", "--only", "tank", "--tick", "1h", "--noise", "0"]
    said = CliRunner().invoke(app, ["score", "street", *asked, "--json", "--explain"])
    assert isinstance(json.loads(said.stdout)["amiss"], list), said.output


def test_figures_without_a_list_have_none(unwatched: StreetScore) -> None:
    assert not Figures(1, 1, {}, unwatched.expecting, 0, 0.0, {}).amiss
