"""A configuration on trial on the real servers: begun, restarted, compared, promoted over a hundred open findings."""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from archive_kit import Store, eventually
from kafka import KafkaProducer
from replay_kit import Past, cover

from ops.logreader import read_all
from ops.registry import load_registry
from ops.shadow.begin import begin
from ops.shadow.finish import finish
from ops.shadow.record import Stage, read_trials, stage
from ops.shadow.writer import InterruptedTrialError, Writer
from processors.detectors.cover import CoverDetector
from processors.engine.driver import PipelineTestDriver
from runtime.errors import FatalError
from schemas.anomaly import Anomaly, Transition
from schemas.clock import Tick
from schemas.columns import BatchColumns
from schemas.envelope import Data
from schemas.registry import FacilityRegistered, RegistryRewriteEnded
from schemas.shadow import ShadowBegun, ShadowFinding, ShadowPromoted, Verdict
from schemas.topics import ANOMALIES, EVENTS, FACILITIES, SHADOWS
from schemas.whatif import WhatIf
from tests.servers import TestStack

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
LIVE = f"cover@{CoverDetector.version}"

ZONES = ("segment:1", "segment:2", "segment:3", "segment:4")
COVERS = 30  # in each street
OPEN = 25  # of these lean when the trial begins: a hundred in all
CALM, MILD, STEEP = 0.0, 12.0, 45.0
ALL = EVENTS.partitions
LAX = "[[override]]\nfacility_class = 'manhole_cover'\npolicy.tilt_deg = 30.0\n"


@dataclass
class City:
    """Streets of covers in the log, the detectors and the archive beside it."""

    past: Past
    store: Store
    streets: dict[str, PipelineTestDriver] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)

    @classmethod
    @contextmanager
    def on(cls, stack: TestStack, folder: Path) -> "Iterator[City]":
        with Store.on(stack) as store:
            settings = stack.settings.model_copy(update={"kafka": store.kafka})
            yield cls(Past(stack, folder, settings), store)

    def register(self) -> None:
        for zone in ZONES:
            covers = [cover(f"{zone}-{number}", zone) for number in range(COVERS)]
            load_registry(self.past.settings, covers, [])
            self.streets[zone] = PipelineTestDriver(CoverDetector(), tick_s=10.0)
            self.streets[zone].register(*covers)
        self.write()

    def lean(self, degrees: float, first: int = 0, last: int = COVERS) -> None:
        """Covers ``first`` to ``last`` of each street say so, often enough to be believed."""
        for zone, driver in self.streets.items():
            for _ in range(2):
                for number in range(first, last):
                    driver.read(f"{zone}-{number}", "tilt_angle", degrees)
                driver.advance(10)
        self.write()

    def write(self) -> None:
        """What is new in the streets, but for registrations: those came by the loader."""
        for zone, driver in self.streets.items():
            new: list[Data | bytes] = [
                one for one in driver.log[self.written[zone] :] if isinstance(one, BatchColumns | Tick)
            ]
            self.written[zone] = len(driver.log)
            self.past.write(zone, new)

    def caught_up(self) -> None:
        eventually(self.past.caught_up)

    def eyes(self, *arguments: str, code: int = 0) -> str:
        answer = self.past.eyes("shadow", *arguments)
        assert answer.returncode == code, answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr
        return " ".join((answer.stdout if code == 0 else answer.stderr).split())

    def json(self, *arguments: str) -> Any:
        return json.loads(self.past.eyes("shadow", *arguments, "--json").stdout)

    def policy(self, text: str = LAX) -> str:
        path = self.past.folder / "policy.toml"
        path.write_text(text)
        return str(path)

    def said(self) -> list[Anomaly]:
        """What operators were told."""
        entries = (entry.event.data for entry in read_all(self.store.kafka, ANOMALIES) if entry.event)
        return [data for data in entries if isinstance(data, Anomaly)]

    def on_trial(self) -> list[ShadowFinding]:
        entries = (entry.event.data for entry in read_all(self.store.kafka, SHADOWS) if entry.event)
        return [data for data in entries if isinstance(data, ShadowFinding)]

    def lives(self) -> dict[str, list[Anomaly]]:
        found = defaultdict(list)
        for one in self.said():
            found[str(one.id)].append(one)
        return dict(found)

    def events(self, *kinds: type) -> list[tuple[int, Any]]:
        entries = read_all(self.store.kafka, EVENTS)
        return [(one.partition, one.event.data) for one in entries if one.event and isinstance(one.event.data, kinds)]

    def verify(self) -> None:
        answer = self.past.eyes("verify", "--json")
        assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.fixture
def city(stack: TestStack, tmp_path: Path) -> Iterator[City]:
    with City.on(stack, tmp_path) as city:
        yield city


def figures(told: dict[str, Any]) -> dict[str, Any]:
    (kind,) = told["kinds"].values()
    return {name: number for name, number in kind.items() if number}


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


# what dies in the middle


def begun_(shadow: str = "trial") -> ShadowBegun:
    what_if = WhatIf.read({"override": [{"zone": ZONES[0], "policy": {"tilt_deg": 30.0}}]})
    return ShadowBegun(shadow=shadow, detector="cover", version=CoverDetector.version, what_if=what_if)


class After:
    """Asks to end when it was asked so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(("steps", "lacks"), [(4, "is not begun"), (ALL + 4, "does not know the registry")])
def test_a_beginning_that_was_interrupted_goes_on_and_does_nothing_twice(city: City, steps: int, lacks: str) -> None:
    city.register()
    settings = city.past.settings
    with pytest.raises(InterruptedTrialError, match=r"5 of 12 partitions|partitions know the registry"):
        begin(settings, begun_(), stopped=After(steps))
    assert lacks in city.eyes("status")
    assert "was not begun to the end" in city.eyes("promote", "trial", "--yes", code=1)
    assert "was not begun to the end" in city.eyes("begin", "cover", code=1)
    beginning = begin(settings, begun_())
    assert (beginning.resumed, beginning.matched) == (True, (COVERS,))
    (record,) = read_trials(settings.kafka).records
    assert stage(record) is Stage.RUNNING
    begun = city.events(ShadowBegun)
    assert sorted(partition for partition, _ in begun) == list(range(ALL))
    assert len(city.events(RegistryRewriteEnded)) == ALL
    assert len(city.events(FacilityRegistered)) == 2 * COVERS * len(ZONES)


class KilledError(Exception):
    """Stands for SIGKILL between an acknowledgement and the note of it."""


def test_a_command_that_died_before_it_wrote_down_what_it_did_may_do_it_again(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.register()
    city.lean(CALM)
    record, settings = Writer.record, city.past.settings
    left = 3  # notes until it dies

    def die(writer: Writer, said: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise KilledError
        return record(writer, said)

    monkeypatch.setattr(Writer, "record", die)
    with city.past.detectors():
        with pytest.raises(KilledError):
            begin(settings, begun_())
        left = ALL + 3  # by then it tells them of the registry
        with pytest.raises(KilledError):
            begin(settings, begun_())
        begun = begin(settings, begun_()).record
        assert len(city.events(ShadowBegun)) == ALL + 1
        assert len(city.events(RegistryRewriteEnded)) == ALL + 1
        city.lean(STEEP, 0, 2)
        left = 3
        with pytest.raises(KilledError):
            finish(settings, begun, Verdict.PROMOTED)
        assert "eyes shadow promote trial" in city.eyes("status")
        assert "is promoted in 1 of 12 partitions" in city.eyes("end", "trial", code=1)
        city.eyes("promote", "trial", "--yes")
        city.caught_up()
        assert len(city.events(ShadowPromoted)) == ALL + 1
    assert len(city.lives()) == 2 * len(ZONES)
    assert len(city.said()) == 2 * len(ZONES)
    city.verify()


def test_of_two_that_begin_at_once_one_does(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    record, settings = Writer.record, city.past.settings

    def late(writer: Writer, said: Any) -> Any:
        monkeypatch.setattr(Writer, "record", record)
        begin(settings, begun_("quicker"))
        return record(writer, said)

    monkeypatch.setattr(Writer, "record", late)
    with pytest.raises(FatalError, match="quicker was begun at the same moment"):
        begin(settings, begun_("slower"))
    (only,) = read_trials(settings.kafka).records
    assert only.begun.shadow == "quicker"
    assert {data.shadow for _, data in city.events(ShadowBegun)} == {"quicker"}


def test_a_load_of_the_registry_that_is_under_way_is_waited_for(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    from ops.registry import load as loading

    city.register()
    settings, zone, send = city.past.settings, ZONES[0], loading.send
    new = cover("new", zone)
    waited: list[int] = []

    def slow(producer: KafkaProducer, topic: str, records: Any) -> list[int]:
        if topic.endswith(FACILITIES.name) and any(key == "new" for key, _, _ in records):
            # Its event stands before those of the trial, its state nowhere yet.
            loads = begin(settings, begun_(), waiting=waited.append, stopped=lambda: bool(waited))
            raise AssertionError(loads)
        return send(producer, topic, records)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "send", slow)
        with pytest.raises(InterruptedTrialError, match="a load of the registry is waited for"):
            load_registry(settings, [new], [])
    assert waited == [1]
    load_registry(settings, [new], [])  # mends it, but for the mark, which stands there until it is old
    with monkeypatch.context() as patch:
        patch.setattr("ops.shadow.begin.LOAD_MS", -1)
        begun = begin(settings, begun_())
    assert begun.registrations == COVERS * len(ZONES) + 1


def test_errors_say_what_to_do(city: City) -> None:
    assert "no detector 'cover@99'; there are:" in city.eyes("begin", "cover@99", code=1)
    assert "--with takes a file of policies" in city.eyes("begin", "cover", "--with", "/nowhere.toml", code=1)
    assert "cannot be called 'a b'" in city.eyes("begin", "cover", "--name", "a b", code=1)
    assert "there was no trial yet" in city.eyes("status")
    assert "there was no trial yet" in city.eyes("diff", code=1)
    assert "no trial is called 'x'" in city.eyes("end", "x", code=1)
    answer = city.past.eyes("shadow", "status", EYES_KAFKA__TOPIC_PREFIX="nowhere.")
    assert answer.returncode == 1
    assert "create them with `eyes topics create`" in " ".join(answer.stderr.split())
