"""``eyes score novelty``: the benchmark's folder, our detector on it, and what is printed and drawn of it."""

import json
import math
import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ops.score.nab.corpus import CorpusError, LabelledSeries, load
from ops.score.nab.crossval import GRID, START, cross_validate, groups
from ops.score.nab.detect import detect, verdicts
from ops.score.nab.plot import plot
from ops.score.nab.report import as_json, judge
from ops.score.nab.scoring import PROFILES
from processors.novelty import FROZEN

ROOT = Path(__file__).parents[3]
EYES = ROOT / ".venv" / "bin" / "eyes"
REAL = ROOT.parent / "shared" / "data" / "nab"
BEGIN_MS = 1_396_310_400_000  # 2014-04-01
STEP_MS = 300_000
SPIKE, SHIFT = 1_000, 1_300


def made(number: int, *, anomalies: bool = True) -> LabelledSeries:
    """A day's rhythm with noise; a spike and a shift of level, each with a window around it."""
    chance = random.Random(number)
    values = [50 + 10 * math.sin(2 * math.pi * i / 288) + chance.gauss(0, 0.5) for i in range(1_600)]
    if anomalies:
        values[SPIKE] += 30
        values[SHIFT:] = [value + 25 for value in values[SHIFT:]]
    windows = ((SPIKE - 40, SPIKE + 40), (SHIFT - 40, SHIFT + 40)) if anomalies else ()
    group = "madeUp" if anomalies else "artificialNoAnomaly"
    return LabelledSeries(f"{group}/{number}.csv", [BEGIN_MS + i * STEP_MS for i in range(1_600)], values, windows)


CORPUS = [made(4, anomalies=False), *(made(number) for number in range(3))]


def text(at_ms: int) -> str:
    minutes = (at_ms - BEGIN_MS) // 60_000
    return f"2014-04-{1 + minutes // 1440:02d} {minutes // 60 % 24:02d}:{minutes % 60:02d}:00"


def written(folder: Path) -> Path:
    """The same corpus as the benchmark lays it out."""
    labels = {}
    for one in CORPUS:
        path = folder / "data" / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [f"{text(at_ms)},{value!r}" for at_ms, value in zip(one.times_ms, one.values, strict=True)]
        path.write_text("\n".join(["timestamp,value", *rows, ""]))
        labels[one.name] = [[f"{text(one.times_ms[i])}.000000" for i in window] for window in one.windows]
    (folder / "labels").mkdir()
    (folder / "labels" / "combined_windows.json").write_text(json.dumps(labels))
    return folder


def eyes(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EYES, "score", "novelty", *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert load(written(tmp_path)) == CORPUS


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="give the folder of the Numenta Anomaly Benchmark"):
        load(tmp_path)
    folder = written(tmp_path)
    labels = folder / "labels" / "combined_windows.json"
    good = labels.read_text()
    labels.write_text("{")
    with pytest.raises(CorpusError, match="is no JSON"):
        load(folder)
    labels.write_text(json.dumps({"madeUp/9.csv": []}))
    with pytest.raises(CorpusError, match=re.escape("9.csv is missing")):
        load(folder)
    labels.write_text(json.dumps({"madeUp/1.csv": [["2013-01-01 00:00:00", "2013-01-02 00:00:00"]]}))
    with pytest.raises(CorpusError, match="is not as expected"):
        load(folder)
    labels.write_text(good)
    (folder / "data" / "madeUp" / "1.csv").write_text("timestamp,value\n2014-04-01 00:00:00,much\n")
    with pytest.raises(CorpusError, match="is not as expected"):
        load(folder)


def test_what_was_put_into_made_up_series_is_found_at_once() -> None:
    run = detect(CORPUS)
    judged = judge(CORPUS, run.scores, PROFILES[0])
    assert (judged.all.found, judged.all.windows) == (6, 6)
    assert judged.all.false <= 3
    assert judged.all.score > 80.0  # an alarm in the middle of its window is worth 0.86
    assert sum(result.found for _, result in judged.files) == 6
    for series, scores in zip(CORPUS[1:], run.scores[1:], strict=True):
        assert max(scores[SPIKE], scores[SHIFT]) >= judged.all.threshold, series.name


def test_cpu_and_readings_are_counted() -> None:
    heard: list[int] = []
    run = detect(CORPUS[:2], progress=heard.append)
    assert run.readings == sum(heard) == 3_200
    assert run.us_per_reading == pytest.approx(run.cpu_s / 3_200 * 1e6)


def test_the_constants_are_looked_at() -> None:
    deaf = replace(FROZEN, unheard=1e6)
    assert max(map(max, detect(CORPUS[:2], deaf).scores)) < 0.01


def test_the_picture_shows_windows_and_alarms() -> None:
    said = verdicts(CORPUS[1])
    picture = ET.fromstring(plot(CORPUS[1], said, 0.5))
    marks = [node.get("class") for node in picture.iter()]
    assert marks.count("window") == 2
    assert marks.count("alarm") == sum(one.score >= 0.5 for one in said)
    told = [node.text or "" for node in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert any("x the usual 11:00 (UTC)" in one for one in told)


def test_a_long_series_makes_no_big_picture() -> None:
    one = made(1)
    long = replace(one, times_ms=[BEGIN_MS + i * STEP_MS for i in range(32_000)], values=list(one.values) * 20)
    assert len(plot(long, verdicts(long), 0.99)) < 60_000


def test_groups_keep_what_is_artificial_together() -> None:
    assert groups(CORPUS) == {"artificialWithAnomaly": [0], "madeUp": [1, 2, 3]}


def test_what_is_held_back_is_judged_by_what_others_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.score.nab.crossval.GRID", {"rest": (12, 36), "forget": (5e-5, 1e-4)})
    told: list[tuple[str, int, int]] = []
    found = cross_validate(CORPUS, lambda *what: told.append(what))
    assert [one.name for one in found] == ["every fifth file", "a group of files"]
    assert told[0] == ("tuning without every 5th from 0", 0, 7)
    assert found[0].scores["standard"] > 70.0
    assert found[1].scores["standard"] <= 0.0  # all windows are in one group: nothing was taught, so nothing is said


def test_the_grid_names_constants_that_exist() -> None:
    for name, values in GRID.items():
        assert getattr(FROZEN, name) in values
        assert getattr(START, name) in values


def test_the_command_prints_draws_and_explains(tmp_path: Path) -> None:
    folder, picture = str(written(tmp_path)), tmp_path / "spike.svg"
    ran = eyes("--data", folder, "--profile", "standard", "--files", "--plot", str(picture), "--series", "madeUp/1.csv")
    assert ran.returncode == 0, ran.stderr
    assert "ARTime" in ran.stdout
    assert "standard: 6 of 6 windows found" in ran.stdout
    assert "madeUp/1.csv" in ran.stdout
    assert picture.read_text().startswith("<svg")


def test_json_has_all_profiles_beside_the_published(tmp_path: Path) -> None:
    ran = eyes("--data", str(written(tmp_path)), "--json")
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert set(said["profiles"]) == {profile.name for profile in PROFILES}
    assert said["profiles"]["standard"]["windows"] == 6
    assert said["published"]["ARTime"]["standard"] == 74.85
    assert said["readings"] == 6_400
    run = detect(CORPUS)
    judged = [judge(CORPUS, run.scores, profile) for profile in PROFILES]
    assert as_json(judged, run, files=True)["profiles"] == said["profiles"]


def test_a_wrong_folder_and_a_wrong_series_are_said_without_a_traceback(tmp_path: Path) -> None:
    ran = eyes("--data", str(tmp_path))
    assert ran.returncode == 1
    assert "give the folder" in ran.stderr
    ran = eyes("--data", str(written(tmp_path)), "--plot", str(tmp_path / "x.svg"), "--series", "nothing.csv")
    assert ran.returncode == 1
    assert "no series 'nothing.csv'" in ran.stderr
    assert not (tmp_path / "x.svg").exists()


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/nab is not here")
def test_the_published_benchmark() -> None:
    """The goal is 70.1, the best of the benchmark's own makers; a change of the detector may move what is measured."""
    corpus = load(REAL)
    scores = detect(corpus).scores
    standard, low_fp, low_fn = (judge(corpus, scores, profile).all for profile in PROFILES)
    assert standard.windows == 116
    assert standard.score > 75.0
    assert low_fp.score > 70.0
    assert low_fn.score > 79.0
