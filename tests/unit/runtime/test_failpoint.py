"""Failpoints: they kill at the time they are told to, once, and no name is dead or misspelt."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.failpoint import NAMES, VARIABLE

CODE = "from runtime.failpoint import failpoint\nfor n in range(5): print(n, flush=True); failpoint('fold.sent')"
ROOT = Path(__file__).parents[3]


def run(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE], env={VARIABLE: text}, capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_it_dies_at_the_hit_it_is_told_and_lives_the_next_time(tmp_path: Path) -> None:
    text = f"fold.sent:3:{tmp_path / 'died'}"
    first = run(text)
    assert (first.returncode, first.stdout.split()) == (-signal.SIGKILL, ["0", "1", "2"])
    assert run(text).returncode == 0


def test_other_places_are_passed(tmp_path: Path) -> None:
    assert run(f"fold.committed:1:{tmp_path / 'died'}").returncode == 0
    assert run("").returncode == 0


@pytest.mark.parametrize("text", ["fold.sent", "fold.sent:x:f", "nowhere:1:f"])
def test_what_cannot_be_meant_is_an_error(text: str) -> None:
    answer = run(text)
    assert answer.returncode == 1
    assert "NAME:HIT:FILE" in answer.stderr


def test_every_name_stands_at_exactly_one_place() -> None:
    sources = [path.read_text() for folder in ("ingest", "processors") for path in (ROOT / folder).rglob("*.py")]
    whole = "\n".join(sources)
    placed = re.findall(r'failpoint\("([^"]+)"\)', whole)
    of_a_sink = re.findall(r'failpoint\(f"{self\._stage}\.([^"]+)"\)', whole)
    placed += [f"{stage}.{name}" for stage in re.findall(r'stage="([^"]+)"', whole) for name in of_a_sink]
    assert sorted(placed) == sorted(NAMES)
