"""``eyes replay`` over a past on the real Kafka: the same finds the same, another finds what it must, nothing moves."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from replay_kit import DAY, HOUR, T0, ZONES, DeafCover, FailingCover, HastyCover, Past, street, tilt
from typer.testing import CliRunner

from ops.cli.main import app
from ops.cli.replay import Bar
from ops.replay import InterruptedReplayError, Question, Replay
from processors import detectors
from processors.detectors.cover import CoverDetector
from runtime.errors import FatalError
from runtime.settings import load_settings
from schemas.model import format_rfc3339, from_ms
from schemas.topics import EVENTS
from schemas.whatif import WhatIf
from tests.servers import TestStack

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

DAYS = 5
FINDINGS = DAYS * len(ZONES) * 2  # each day in each street two covers lean by more than ten degrees
PARTITIONS = EVENTS.partitions


@pytest.fixture(scope="module")
def past(stack: TestStack, tmp_path_factory: pytest.TempPathFactory) -> Past:
    past = Past.on(stack, tmp_path_factory.mktemp("past"))
    past.live(DAYS)
    return past


@pytest.fixture
def here(past: Past, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The command in this process, over that past, with the candidates, a folder of its own and our signal handlers
    put back."""
    for name, value in past.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(detectors, "CANDIDATES", (HastyCover(), DeafCover(), FailingCover()))
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    load_settings.cache_clear()
    yield tmp_path / "work"
    load_settings.cache_clear()
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def replayed(work: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    answer = CliRunner().invoke(app, ["replay", "-p", "cover", "--json", "--work", str(work), *arguments])
    assert answer.exit_code == code, (answer.output, answer.exception)
    return dict(json.loads(answer.stdout)) if answer.stdout else {}


def day(number: float) -> str:
    return format_rfc3339(from_ms(T0 + round(number * DAY)))


def figures(told: dict[str, Any]) -> dict[str, float]:
    """Of the one kind there is, without what is 0."""
    (kind,) = told["kinds"].values()
    return {name: number for name, number in kind.items() if number}


def policy(tmp_path: Path, tilt_deg: float, selector: str = 'facility_class = "manhole_cover"') -> str:
    path = tmp_path / "policy.toml"
    path.write_text(f"[[override]]\n{selector}\npolicy.tilt_deg = {tilt_deg}\n")
    return str(path)


def test_the_same_version_finds_the_same_and_nothing_moves(past: Past) -> None:
    before = past.everything()
    answer = past.replay("--processor", "cover", "--fail-on-difference")
    assert answer.returncode == 0, answer.stderr
    assert f"cover@{CoverDetector.version} would have found the same." in answer.stdout
    told = json.loads(past.replay("-p", "cover", "--json", "--jobs", "2").stdout)
    assert figures(told) == {"published": FINDINGS, "replayed": FINDINGS, "same": FINDINGS}
    assert told["published_steps_by_version"] == {str(CoverDetector.version): 2 * FINDINGS}
    assert (told["different"], told["undecided"], told["failed"], told["unreadable"]) == (False, 0, 0, 0)
    assert past.everything() == before


def test_verify_folds_the_same_past(past: Past) -> None:
    before = past.everything()
    told = past.eyes("verify", "--json", "--from", day(1), "--to", day(2))
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["published"] == 2 * FINDINGS / DAYS
    assert past.everything() == before


def test_another_detector_is_not_mixed_in(here: Path) -> None:
    answer = CliRunner().invoke(app, ["replay", "-p", "parking", "--json", "--work", str(here)])
    assert json.loads(answer.stdout)["kinds"] == {}


def test_a_higher_threshold_loses_what_leans_less(here: Path, tmp_path: Path) -> None:
    told = replayed(here, "--against", policy(tmp_path, 15.0))
    assert figures(told) == {
        "published": FINDINGS,
        "replayed": FINDINGS / 2,
        "same": FINDINGS / 2,
        "lost": FINDINGS / 2,
    }
    assert {one["subject"].rpartition("-")[2] for one in told["differences"]} == {"mild"}
    assert told["matched"] == [3 * len(ZONES)]


def test_a_lower_threshold_in_one_zone_gains_there(here: Path, tmp_path: Path) -> None:
    told = replayed(here, "--against", policy(tmp_path, 5.0, f'zone = "{ZONES[1]}"'))
    gained = [one for one in told["differences"] if one["change"] == "gained"]
    assert [(one["zone"], one["subject"]) for one in gained] == [(ZONES[1], f"{ZONES[1]}-flat")] * DAYS


def test_a_hasty_candidate_finds_the_same_earlier(here: Path) -> None:
    told = replayed(here, "--against", "98")
    found = figures(told)
    assert (found["earlier"], found["earlier_median_s"], found["earlier_p95_s"]) == (FINDINGS, 60.0, 60.0)
    assert {one["later_by_s"] for one in told["differences"] if one["change"] == "earlier"} == {-60.0}
    assert "gained" not in found


def test_a_candidate_that_begins_with_another_sample_finds_the_same_later(here: Path) -> None:
    told = replayed(here, "--against", "cover@99", "--fail-on-difference", code=1)
    later = [one for one in told["differences"] if one["change"] == "later"]
    assert len(later) == FINDINGS
    assert all(one["before"]["id"] != one["after"]["id"] for one in later)
    assert figures(told)["later_median_s"] == 600.0


def test_a_candidate_that_fails_says_so(here: Path) -> None:
    told = replayed(here, "--against", "97")
    assert told["failed"] == DAYS * len(ZONES) * 3
    assert "ValueError: too steep" in told["failures"][0]
    assert figures(told)["lost"] == FINDINGS / 2


def test_only_the_range_is_judged_and_what_lies_far_behind_is_not_folded(here: Path, tmp_path: Path) -> None:
    asked = ("--from", day(1), "--to", day(2), "--against", policy(tmp_path, 15.0))
    told = replayed(here, *asked)
    assert figures(told)["published"] == FINDINGS / DAYS
    whole = replayed(tmp_path / "whole", "--against", policy(tmp_path, 15.0))
    assert told["events"] < whole["events"]
    # It cannot change any more, so asking again folds nothing.
    again = replayed(here, *asked)
    assert again["differences"] == told["differences"]
    assert (again["events"], again["events_per_s"]) == (told["events"], 0)


def test_a_finding_that_moves_over_the_end_of_the_range_is_later_and_not_lost(here: Path) -> None:
    leaning = T0 + DAY + HOUR + 2 * 600_000
    told = replayed(here, "--from", day(1), "--to", format_rfc3339(from_ms(leaning + 120_000)), "--against", "99")
    assert figures(told)["later"] == FINDINGS / DAYS
    assert "lost" not in figures(told)


# interrupted


def question(what_if: WhatIf | None = None) -> Question:
    return Question(CoverDetector(), what_if or WhatIf(), None, None, DAY)


class Watched:
    """A watcher that counts, and asks to end after so many partitions."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.began: tuple[int, int, int, bool] | None = None
        self.records = 0
        self.done = 0

    @property
    def enough(self) -> bool:
        return self.done >= self.after

    def begin(self, records: int, done: int, total: int, *, resumed: bool) -> None:
        self.began = (records, done, total, resumed)

    def advance(self, records: int, events: int) -> None:
        self.records += records

    def partition_done(self, skipped: int) -> None:
        self.done += 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_replay_goes_on_with_the_partitions_that_are_left(past: Past, tmp_path: Path, jobs: int) -> None:
    replay = Replay(past.settings, question(), tmp_path, jobs=jobs)
    first = Watched(after=7)
    with pytest.raises(InterruptedReplayError, match=r"of 12 partitions are done and kept in .* goes on from there"):
        replay.run(first, lambda: first.enough)
    assert first.began is not None
    records = first.began[0]
    assert first.began[1:] == (0, PARTITIONS, False)
    kept = len(list(tmp_path.glob("*/part-*.json")))
    assert 7 <= kept < PARTITIONS
    second = Watched(after=PARTITIONS + 1)
    outcome = replay.run(second, lambda: second.enough)
    assert second.began is not None
    assert second.began[1:] == (kept, PARTITIONS, True)
    assert second.done == PARTITIONS - kept
    assert second.records == second.began[0] < records
    assert outcome.comparison.differences == ()
    assert sum(row.same for row in outcome.comparison.rows.values()) == FINDINGS
    assert list(tmp_path.iterdir()) == []


def test_fresh_takes_nothing_over(past: Past, tmp_path: Path) -> None:
    first, second = Watched(after=4), Watched(after=PARTITIONS + 1)
    with pytest.raises(InterruptedReplayError):
        Replay(past.settings, question(), tmp_path).run(first, lambda: first.enough)
    Replay(past.settings, question(), tmp_path, fresh=True).run(second, lambda: second.enough)
    assert first.began == second.began


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_the_same_command_goes_on(
    here: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    done = Bar.partition_done

    def interrupt(bar: Bar, skipped: int) -> None:
        done(bar, skipped)
        if bar._done == 7:
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patched:
        patched.setattr(Bar, "partition_done", interrupt)
        answer = CliRunner().invoke(app, ["replay", "-p", "cover", "--work", str(here)])
    assert answer.exit_code == 130, answer.output
    assert "interrupted; 7 of 12 partitions are done and kept in" in answer.stderr
    assert "the same command goes on from there" in answer.stderr
    again = CliRunner().invoke(app, ["replay", "-p", "cover", "--work", str(here)])
    assert again.exit_code == 0, again.output
    assert "7 of 12 partitions of the replay that was interrupted are taken over" in again.stderr
    assert "would have found the same" in again.stdout


# the live edge, and the far one


def test_what_the_detectors_had_no_time_to_fold_is_not_called_gained(stack: TestStack, tmp_path: Path) -> None:
    past = Past.on(stack, tmp_path)
    past.live(1)
    zone = ZONES[0]
    driver = past.streets[zone]
    known = len(driver.log)
    tilt(driver, zone)
    past.write(zone, driver.log[known:])
    watcher = Watched(after=PARTITIONS + 1)
    outcome = Replay(past.settings, question(), tmp_path).run(watcher, lambda: watcher.enough)
    assert outcome.comparison.differences == ()
    assert outcome.comparison.undecided == 2


def test_records_that_nobody_can_read_are_passed_over_and_counted(stack: TestStack, tmp_path: Path) -> None:
    past = Past.on(stack, tmp_path)
    past.write(ZONES[0], [b"{"])
    watcher = Watched(after=PARTITIONS + 1)
    outcome = Replay(past.settings, question(), tmp_path).run(watcher, lambda: watcher.enough)
    assert (outcome.unreadable, outcome.records, outcome.comparison.rows) == (1, 1, {})


def test_a_log_without_its_beginning_cannot_be_replayed(stack: TestStack, tmp_path: Path) -> None:
    past = Past.on(stack, tmp_path)
    zone = ZONES[0]
    past.write(zone, street(zone, 1).log)
    first = Watched(after=1)  # the log has lost nothing yet
    with pytest.raises(InterruptedReplayError):
        Replay(past.settings, question(), tmp_path / "work").run(first, lambda: first.enough)
    number = past.expire(zone, before=10)
    answer = past.replay("-p", "cover")
    assert answer.returncode == 1
    told = " ".join(answer.stderr.split())
    assert f"the log no longer holds its beginning in partition {number} (begins at 10)" in told
    assert "Traceback" not in told
    second = Watched(after=PARTITIONS + 1)
    with pytest.raises(FatalError, match="no longer holds its beginning"):
        Replay(past.settings, question(), tmp_path / "work").run(second, lambda: second.enough)


def test_without_topics_it_says_how_to_create_them(past: Past) -> None:
    answer = past.replay("-p", "cover", EYES_KAFKA__TOPIC_PREFIX="nowhere.")
    assert answer.returncode == 1
    assert "create them with `eyes topics create`" in " ".join(answer.stderr.split())
