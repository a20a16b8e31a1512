"""``python -m ops.plots [NAME...]``: draw the typical cases anew, or these of them."""

import sys
from pathlib import Path
from typing import Final

from ops.plots.cases import CASES

FOLDER: Final = Path(__file__).parents[2] / "docs" / "processors"


def main(names: list[str]) -> int:
    """Replace the pictures; gives the exit code."""
    unknown = sorted(set(names) - CASES.keys())
    if unknown:
        print(f"no case is called {', '.join(unknown)}; there are: {', '.join(CASES)}", file=sys.stderr)
        return 2
    for name in names or CASES:
        path = FOLDER / f"{name}.svg"
        path.write_text(CASES[name]().svg(), encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
