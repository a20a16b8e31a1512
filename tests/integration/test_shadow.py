"""A configuration on trial on the real servers: begun, restarted, compared, promoted over a hundred open findings."""

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from shadow_kit import ALL, CALM, COVERS, LAX, LIVE, MILD, OPEN, STEEP, ZONES, City, figures

from processors.detectors.cover import CoverDetector
from schemas.anomaly import Transition
from schemas.shadow import ShadowPromoted
from tests.servers import TestStack
from tests.waiting import eventually

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]


@pytest.fixture
def city(stack: TestStack, tmp_path: Path) -> Iterator[City]:
    with City.on(stack, tmp_path) as city:
        yield city


def test_a_hundred_open_findings_are_adopted_or_superseded(city: City, tmp_path: Path) -> None:
    city.register()
    with city.store.archive(tmp_path) as archive:
        with city.past.detectors():
            city.lean(STEEP, 0, 10)
            city.lean(MILD, 10, OPEN)
            city.caught_up()
            before = {one.subject: one.id for one in city.said()}
            assert len(before) == OPEN * len(ZONES) == 100
            said = city.eyes("begin", "cover", "--with", city.policy())
            assert f"{LIVE} is begun: {LIVE}, told of 120 registrations" in said
            assert "(tilt_deg = 30.0 where facility_class = manhole_cover) speaks of 120 registrations" in said
            assert "is running" in city.eyes("begin", "cover", code=1)
            city.lean(STEEP, 0, 10)
            city.lean(MILD, 10, OPEN)
            city.caught_up()
        with city.past.detectors():  # another process goes on in the middle of the trial
            look_at_the_trial(city)
            city.eyes("promote", LIVE, "--yes")
            city.caught_up()
        look_at_what_was_taken_over(city, before)
        with city.past.detectors():  # and what was promoted is live in one that begins from snapshots
            city.lean(MILD, OPEN + 3, COVERS)
            city.caught_up()
            assert len(city.lives()) == 112
            city.lean(CALM)
            city.caught_up()
            assert "12 of 12" in city.eyes("status")
        look_at_the_end(city)
        assert archive.stop() == 0


def look_at_the_trial(city: City) -> None:
    city.lean(STEEP, OPEN, OPEN + 2)
    city.lean(MILD, OPEN + 2, OPEN + 3)
    city.caught_up()
    (row,) = city.json("status")
    assert (row["stage"], row["foldedIn"], row["leftToDo"]) == ("running", ALL, [])
    assert {one.shadow for one in city.on_trial()} == {LIVE}
    assert len(city.on_trial()) == 12 * len(ZONES)
    assert len(city.lives()) == 112  # nobody else heard of it
    told = city.json("diff")
    assert told["older"] == 40  # of a hundred: of the others nobody said anything in that range
    assert figures(told) == {"published": 12, "shadow": 8, "same": 8, "lost": 4}
    assert city.past.eyes("shadow", "diff", "--fail-on-difference").returncode == 1
    asked = city.past.eyes("shadow", "promote", LIVE)  # and nobody there to say yes
    assert asked.returncode == 1
    assert not city.events(ShadowPromoted)
    table = " ".join(asked.stdout.split())
    assert "│ all │ 48 │ 64 │ 0 │" in table
    assert table.count("would be cleared ") == 20


def look_at_what_was_taken_over(city: City, before: dict[str, UUID]) -> None:
    lives = city.lives().values()
    still = {f"{zone}-{number}" for zone in ZONES for number in range(COVERS) if number < 10 or number in {25, 26}}
    is_open = {life[0].subject: life[0].id for life in lives if len(life) == 1}
    assert is_open.keys() == still
    assert all(is_open[subject] == before.get(subject, is_open[subject]) for subject in still)
    cleared = [life[1] for life in lives if len(life) == 2]
    assert len(cleared) == 64
    assert {(one.transition, one.reason) for one in cleared} == {(Transition.CLEARED, "superseded")}
    assert f"{LIVE} was promoted at" in city.eyes("promote", LIVE, code=1)


def look_at_the_end(city: City) -> None:
    lives = city.lives()
    assert len(lives) == 112  # no second case
    for life in lives.values():
        assert [one.transition for one in life] == [Transition.RAISED, Transition.CLEARED]
        assert [one.at for one in life] == sorted(one.at for one in life)
    city.verify()
    eventually(lambda: city.store.count("anomaly_events") == 224)
    rows = city.store.sql("SELECT state, reason = 'superseded', count(*) FROM anomalies GROUP BY 1, 2")
    assert {(state, bool(superseded)): count for state, superseded, count in rows} == {
        ("cleared", True): 64,
        ("cleared", False): 48,
    }
    assert city.store.sql("SELECT count(*) FROM open_anomalies") == [(0,)]


CANDIDATE = f"cover@{CoverDetector.version + 1}"  # of candidate_eyes.py


def test_a_new_version_is_tried_and_takes_over(city: City, tmp_path: Path) -> None:
    """One that a build brings along beside the live one, rather than policies for the live one."""
    city.past.program = (sys.executable, str(Path(__file__).with_name("candidate_eyes.py")))
    city.register()
    with city.past.detectors():
        city.lean(STEEP, 0, 10)
        city.lean(MILD, 10, OPEN)
        city.caught_up()
        before = {one.subject: one.id for one in city.said()}
        assert len(before) == OPEN * len(ZONES)
        assert f"{CANDIDATE} is begun" in city.eyes("begin", CANDIDATE)
        city.lean(STEEP, 0, 10)
        city.lean(MILD, 10, OPEN)
        city.lean(STEEP, OPEN, OPEN + 2)
        city.lean(MILD, OPEN + 2, OPEN + 3)
        city.caught_up()
        assert {one.finding.detector_version for one in city.on_trial()} == {CoverDetector.version + 1}
        told = city.json("diff")
        assert figures(told) == {"published": 12, "shadow": 8, "same": 8, "lost": 4}
        city.eyes("promote", CANDIDATE, "--yes")
        city.caught_up()
    lives = city.lives().values()
    is_open = {life[0].subject: life[0].id for life in lives if len(life) == 1}
    assert len(is_open) == 12 * len(ZONES)  # those that lean steeply
    assert all(is_open[subject] == before.get(subject, is_open[subject]) for subject in is_open)
    cleared = [life[1] for life in lives if len(life) == 2]
    assert {(one.transition, one.reason) for one in cleared} == {(Transition.CLEARED, "superseded")}
    assert len(cleared) == 16 * len(ZONES)
    with city.past.detectors():  # from snapshots, by the version that took over
        city.lean(MILD, OPEN + 3, COVERS)
        city.lean(CALM)
        city.caught_up()
    assert len(city.lives()) == 28 * len(ZONES)  # the last two of each street were not heard
    assert {life[-1].transition for life in city.lives().values()} == {Transition.CLEARED}
    assert {one.detector_version for one in city.said()[-5:]} == {CoverDetector.version + 1}
    city.verify()


def test_what_only_the_trial_finds_is_raised_and_an_ended_one_leaves_nothing(city: City) -> None:
    city.register()
    strict = city.policy(LAX.replace("30.0", "5.0"))
    with city.past.detectors():
        city.lean(CALM)
        city.eyes("begin", LIVE, "--with", strict, "--name", "strict")
        city.lean(7.0, 0, 3)
        city.caught_up()
        assert city.said() == []
        assert "strict is ended" in city.eyes("end", "strict")
        city.lean(7.0, 3, 6)
        city.caught_up()
        assert len(city.on_trial()) == 3 * len(ZONES)
        # What the live one says afterwards is not held against it.
        city.lean(STEEP, 6, 8)
        city.caught_up()
        assert figures(city.json("diff")) == {"shadow": 12, "gained": 12}
        assert "the range is empty" in city.eyes("diff", "--from", "2026-07-02", "--to", "2026-07-01", code=1)
        assert "there was no trial in that range" in city.eyes("diff", "--from", "2026-01-01", "--to", "2026-01-02")
        assert "choose another name" in city.eyes("begin", "cover", "--name", "strict", code=1)
        city.eyes("begin", "cover", "--with", strict)
        city.lean(7.0, 0, 2)
        city.lean(STEEP, 6, 8)
        city.caught_up()
        city.eyes("promote", LIVE, "-y")
        city.caught_up()
        raised = [one for one in city.said() if one.subject.endswith(("-0", "-1"))]
        assert {one.transition for one in raised} == {Transition.RAISED}
        assert len(raised) == 2 * len(ZONES)
        assert {row["begun"]["shadow"]: row["stage"] for row in city.json("status")} == {
            "strict": "ended",
            LIVE: "promoted",
        }
        # The next trial is told apart, and that it does not have the policies of the one before.
        assert f"is live under the policies of {LIVE}" in city.eyes("begin", "cover")
        assert city.json("status")[-1]["begun"]["shadow"] == f"{LIVE}-2"
        city.caught_up()
    city.verify()
