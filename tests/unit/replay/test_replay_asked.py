"""What may stand on the command line, and what is said of what may not."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.replay.asked import asked
from ops.replay.question import DAY_MS, Question
from processors import detectors
from processors.detectors.cover import CoverDetector
from runtime.errors import FatalError
from runtime.settings import KafkaSettings, Settings
from schemas.facility import FacilityClass
from schemas.whatif import WhatIf

DAY = datetime(2026, 7, 6, tzinfo=UTC)


class NewCover(CoverDetector):
    version = 99  # type: ignore[misc]


@pytest.fixture(autouse=True)
def candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "CANDIDATES", (NewCover(),))


def ask(processor: str = "cover", *against: str) -> Question:
    return asked(processor, against, None, None, 86_400.0)


@pytest.mark.parametrize(
    ("processor", "against"),
    [("cover@99", []), ("cover", ["99"]), ("cover", ["@99"]), ("cover", ["cover@99"])],
)
def test_a_version_is_named_in_one_place_or_the_other(processor: str, against: Sequence[str]) -> None:
    assert isinstance(ask(processor, *against).detector, NewCover)
    assert type(ask("cover").detector) is CoverDetector


@pytest.mark.parametrize(
    ("processor", "against", "complaint"),
    [
        ("lid", [], "no detector 'lid'; there are: counters@"),
        ("cover", ["70"], "no detector 'cover@70'; there are: counters@"),
        ("cover", ["parking@3"], "'parking@3' is not a version of 'cover'"),
        ("cover@2", ["99"], "one version at a time: 2 or 99"),
        ("cover", ["missing.toml"], "missing.toml: No such file or directory; --against takes a version"),
    ],
)
def test_what_cannot_be_asked_is_said(processor: str, against: Sequence[str], complaint: str) -> None:
    with pytest.raises(FatalError) as refused:
        ask(processor, *against)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", '[[override]]\nfacility_class = "manhole_cover"\n[override.policy]\ntilt_deg = 15.0\n'),
        ("a.json", '{"override": [{"facility_class": "manhole_cover", "policy": {"tilt_deg": 15}}]}'),
    ],
)
def test_a_file_is_read_by_its_suffix(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    question = ask("cover", str(path), "99")
    (override,) = question.what_if.override
    assert (override.facility_class, override.changes) == (FacilityClass.MANHOLE_COVER, {"tilt_deg": 15.0})
    assert question.detector_id == "cover@99"
    assert len(ask("cover", str(path), str(path)).what_if.override) == 2


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.toml", "[[override", "a.toml: "),
        ("a.json", "{", "a.json: "),
        ("a.json", "[]", "a.json: not an object with the key override"),
        ("a.toml", "overide = []", "a.toml: overide: there is no such key; there are override"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(FatalError) as refused:
        ask("cover", str(tmp_path / name))
    assert complaint in str(refused.value)


def test_the_example_of_the_page_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "replay.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "a.toml").write_text(example)
    assert [sorted(one.changes) for one in ask("cover", str(tmp_path / "a.toml")).what_if.override] == [
        ["tilt_deg"],
        ["grace_s", "max_stay_s"],
    ]


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(FatalError, match="the range is empty"):
        asked("cover", (), DAY, DAY, 1.0)


def test_the_log_is_followed_far_enough_behind_the_range_for_late_words() -> None:
    short = asked("cover", (), None, DAY, 10.0)
    long = asked("cover", (), None, DAY, 10 * 86_400.0)
    for question, margin_ms in ((short, DAY_MS), (long, 10 * DAY_MS)):
        assert question.end_ms is not None
        assert question.horizon_ms == question.end_ms + margin_ms
        assert question.enough_ms == question.end_ms + 2 * margin_ms
    assert ask().enough_ms is None


def test_everything_that_decides_the_answer_is_in_the_key() -> None:
    settings = Settings(kafka=KafkaSettings(topic_prefix="a."))
    what_if = WhatIf.read({"override": [{"zone": "z", "policy": {"tilt_deg": 1}}]})
    default_again = WhatIf.read({"override": [{"zone": "z", "policy": {"tilt_deg": None}}]})
    nothing = WhatIf.read({"override": [{"zone": "z", "policy": {}}]})
    base = ask().key(settings, "log")
    assert ask().key(settings, "log") == base
    questions = [
        ask("cover", "99"),
        ask("parking"),
        *(Question(CoverDetector(), one, None, None, 86_400_000) for one in (what_if, default_again, nothing)),
        asked("cover", (), DAY, None, 86_400.0),
        asked("cover", (), None, DAY, 86_400.0),
        asked("cover", (), None, None, 1.0),
    ]
    keys = [one.key(settings, "log") for one in questions]
    keys += [ask().key(settings, "another log"), ask().key(Settings(kafka=KafkaSettings(topic_prefix="b.")), "log")]
    assert len({base, *keys}) == 1 + len(keys)
