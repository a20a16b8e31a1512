"""What pytest asks of this tree, found before the long way through the servers."""

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parent.parent


def test_no_two_modules_have_one_name() -> None:
    by_name = [file.name for file in TESTS.rglob("*.py") if file.stem.startswith("test_") or file.stem.endswith("_kit")]
    names = Counter(by_name)
    assert [name for name, count in names.items() if count > 1] == []
