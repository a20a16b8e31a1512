"""What pytest asks of this tree, found before the long way through the servers."""

from collections import Counter
from pathlib import Path
from subprocess import CalledProcessError, run

import pytest

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent
SETTINGS = (".ci", ".gitignore", "Makefile", "pyproject.toml", "requirements.lock")
TEXTS = ("CONTRIBUTING.md", "LICENSE", "README.md")
FOLDERS = ("docs", "ingest", "ops", "processors", "runtime", "schemas", "tests")


def test_no_two_modules_have_one_name() -> None:
    by_name = [file.name for file in TESTS.rglob("*.py") if file.stem.startswith("test_") or file.stem.endswith("_kit")]
    names = Counter(by_name)
    assert [name for name, count in names.items() if count > 1] == []


def test_nothing_was_committed_to_the_top_by_mistake() -> None:
    git = ["git", "-c", f"safe.directory={ROOT}", "ls-files"]
    try:
        listed = run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, CalledProcessError) as error:
        pytest.skip(f"not a clone, so what is committed cannot be told from what tools left ({error})")
    assert {name.partition("/")[0] for name in listed.splitlines()} == {*SETTINGS, *TEXTS, *FOLDERS}
