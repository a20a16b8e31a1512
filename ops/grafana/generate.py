"""Writes the dashboards Grafana provisions: ``python -m ops.grafana.generate``."""

import json
from pathlib import Path
from typing import Final

from ops.grafana import operators, sre

FOLDER: Final = Path(__file__).parent / "dashboards"


def documents() -> dict[str, str]:
    """File name to text of every dashboard."""
    built = {"operators.json": operators.build(), "sre.json": sre.build()}
    return {name: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in built.items()}


def main() -> None:
    """Replace the folder's contents."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
