"""``eyes codecs``."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
EYES = ROOT / ".venv" / "bin" / "eyes"
CODECS = ROOT / "tests" / "codecs"


def eyes(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EYES, "codecs", *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_examples_that_pass() -> None:
    ran = eyes("test", "--all", str(CODECS))
    assert ran.returncode == 0, ran.stderr
    assert "4 of 4 examples passed" in ran.stdout
    assert "frost" in ran.stdout


def test_an_example_that_fails_is_shown_with_its_difference(tmp_path: Path) -> None:
    (tmp_path / "x.js").write_text("function Decode(p, b) { return {level: b[0]}; }")
    examples = [{"description": "half", "input": {"bytes": "32"}, "output": {"data": {"level": 51}}}]
    (tmp_path / "x.examples.json").write_text(json.dumps(examples))
    ran = eyes("test", str(tmp_path))
    assert ran.returncode == 1
    assert "data.level: wanted 51, got 50" in ran.stdout
    assert "0 of 1 examples passed" in ran.stdout
    said = json.loads(eyes("test", "--json", str(tmp_path)).stdout)
    assert said == {
        "codec": "x.js",
        "example": "half",
        "differences": ["data.level: wanted 51, got 50"],
        "passed": False,
    }


def test_nothing_to_test_is_no_success(tmp_path: Path) -> None:
    ran = eyes("test", str(tmp_path))
    assert ran.returncode == 1
    assert "no examples" in ran.stdout


def test_list_says_for_which_devices() -> None:
    lines = [json.loads(line) for line in eyes("list", "--json", str(CODECS)).stdout.splitlines()]
    assert {"file": "vendor/acme/level-100.js", "for": ["acme/level100", "acme/level200"]} in lines


def test_a_folder_that_is_not_there_is_said() -> None:
    ran = eyes("list", "/nowhere/at/all")
    assert ran.returncode == 1
    assert "no such folder of codecs" in ran.stderr
    assert "Traceback" not in ran.stderr
