"""The benchmark's files: series as CSV, and the windows in which an alarm counts."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.model import to_ms

WINDOWS: Final = Path("labels") / "combined_windows.json"
DATA: Final = "data"


class CorpusError(ValueError):
    """The folder is not the benchmark, or a file of it is damaged; says which."""


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """One file; ``windows`` are the first and last reading of each labelled window, by number, rising."""

    name: str
    times_ms: Sequence[int]
    values: Sequence[float]
    windows: tuple[tuple[int, int], ...]

    @property
    def group(self) -> str:
        """The kind of data, e.g. ``realTraffic``."""
        return self.name.split("/", 1)[0]


def load(folder: Path) -> list[LabelledSeries]:
    """All series in the order of their names; times, which name no zone, are taken as UTC.

    Raises:
        CorpusError: no benchmark there, or a file that does not hold what the labels name.
    """
    try:
        labels = json.loads((folder / WINDOWS).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CorpusError(
            f"{folder}: no {WINDOWS} there; give the folder of the Numenta Anomaly Benchmark, with data/ and labels/"
        ) from error
    except json.JSONDecodeError as error:
        raise CorpusError(f"{folder / WINDOWS} is no JSON: {error}") from error
    return [_series(folder, name, labels[name]) for name in sorted(labels)]


def _series(folder: Path, name: str, windows: Sequence[Sequence[str]]) -> LabelledSeries:
    path = folder / DATA / name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(_ms(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
        first: dict[int, int] = {}
        for number, (at, _) in enumerate(rows):
            first.setdefault(at, number)
        bounds = tuple(sorted((first[_ms(begin)], first[_ms(end)]) for begin, end in windows))
    except FileNotFoundError as error:
        raise CorpusError(f"{path} is missing, and {WINDOWS} names it") from error
    except (KeyError, ValueError) as error:
        raise CorpusError(
            f"{path} is not as expected (timestamp,value and the ends of its windows): {error}"
        ) from error
    return LabelledSeries(name, [at for at, _ in rows], [value for _, value in rows], bounds)


def _ms(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))
