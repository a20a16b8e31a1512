"""How good the tuning is on files it did not see.

The constants are tuned from a neutral start (:data:`START`), one after the other over a coarse grid, on all files but
those held back; threshold and constants then judge what was held back. What every part gives is added up as one corpus.
Only the constants are tuned anew: which aspects the detector looks at was chosen with all files in view.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from ops.score.nab.corpus import LabelledSeries
from ops.score.nab.detect import detect
from ops.score.nab.scoring import PROFILES, Marked, at, best, mark, normalised
from processors.novelty import FROZEN, Tuning

PARTS: Final = 5
ROUNDS: Final = 2
WITHOUT_ANOMALY: Final = "artificialNoAnomaly"  # held back together with the other artificial ones

START: Final = Tuning(
    level_span=168.0,
    drift_span=24.0,
    hour_readings=6,
    week_readings=3,
    spread_share=0.5,
    hour_drift_weight=0.0,
    forget=1e-4,
    age_power=0.0,
    unheard=0.1,
    rest=24,
)

GRID: Final[dict[str, tuple[Any, ...]]] = {
    "drift_span": (24, 36, 48),
    "forget": (2e-5, 5e-5, 1e-4, 2e-4),
    "age_power": (0.0, 0.15, 0.3, 0.5),
    "spread_share": (0.2, 1 / 3, 0.5, 1.0),
    "hour_readings": (6, 12, 24),
    "season_rate": (0.0125, 0.025, 0.05),
    "rest": (12, 24, 36, 72),
    "unheard": (0.06, 0.08, 0.1),
    "spike_span": (8, 16, 32),
    "level_span": (84, 168, 336),
    "week_readings": (3, 5, 8),
    "hour_drift_weight": (0.0, 0.3, 0.6),
    "roughness_weight": (0.0, 0.5, 1.0),
}

Telling = Callable[[str, int, int], None]
"""What is done, how many parts are, of how many."""


class Validation(NamedTuple):
    """One way to hold files back: scores by profile on what was held back, all parts together.

    ``frozen``: the same for the frozen constants, where only the threshold comes from the other files. ``tried``: how
    many sets of constants were judged up to then, over all parts.
    """

    name: str
    parts: tuple[str, ...]
    scores: dict[str, float]
    frozen: dict[str, float]
    tried: int


def cross_validate(corpus: Sequence[LabelledSeries], tell: Telling) -> list[Validation]:
    """Hold back every fifth file, and then whole groups of files."""
    tuner = _Tuner(corpus)
    fifths = {f"every {PARTS}th from {k}": [i for i in range(len(corpus)) if i % PARTS == k] for k in range(PARTS)}
    ways = {"every fifth file": fifths, "a group of files": groups(corpus)}
    windows = sum(len(one.windows) for one in corpus)
    total = sum(map(len, ways.values()))
    done = 0
    found = []
    for name, parts in ways.items():
        totals, frozen = np.zeros(len(PROFILES)), np.zeros(len(PROFILES))
        for part, files in parts.items():
            tell(f"tuning without {part}", done, total)
            totals += tuner.held_back(files)
            frozen += tuner.held_back(files, FROZEN)
            done += 1
        found.append(Validation(name, tuple(parts), _scores(totals, windows), _scores(frozen, windows), tuner.tried))
    return found


def _scores(points: npt.NDArray[np.float64], windows: int) -> dict[str, float]:
    return {
        profile.name: normalised(float(of_it), windows, profile)
        for profile, of_it in zip(PROFILES, points, strict=True)
    }


def groups(corpus: Sequence[LabelledSeries]) -> dict[str, list[int]]:
    """Numbers of the files of each group; those without any window go with the other artificial ones."""
    found: dict[str, list[int]] = {}
    for number, series in enumerate(corpus):
        name = "artificialWithAnomaly" if series.group == WITHOUT_ANOMALY else series.group
        found.setdefault(name, []).append(number)
    return found


class _Tuner:
    """Remembers what a set of constants gave: the parts ask for many of the same."""

    def __init__(self, corpus: Sequence[LabelledSeries]) -> None:
        self._corpus = corpus
        self._blank = mark([[0.0] * len(one.values) for one in corpus], [one.windows for one in corpus])
        self._file = np.repeat(np.arange(len(corpus)), [len(one.values) for one in corpus])
        self._spoken: dict[Tuning, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = {}

    @property
    def tried(self) -> int:
        """Sets of constants that were judged."""
        return len(self._spoken)

    def held_back(self, files: Sequence[int], tuning: Tuning | None = None) -> npt.NDArray[np.float64]:
        """Points per profile of these files, with thresholds from the others, and constants where none are given."""
        held = frozenset(files)
        others = [number for number in range(len(self._corpus)) if number not in held]
        tuning = tuning or self._tuned(others)
        seen, unseen = self._marked(tuning, others), self._marked(tuning, files)
        return np.array([at(unseen, profile, best(seen, profile).threshold).points for profile in PROFILES])

    def _tuned(self, files: Sequence[int]) -> Tuning:
        tuning, top = START, self._worth(START, files)
        for _ in range(ROUNDS):
            before = tuning
            for name, values in GRID.items():
                for value in values:
                    other = replace(tuning, **{name: value})
                    worth = self._worth(other, files)
                    if worth > top:
                        tuning, top = other, worth
            if tuning == before:
                break
        return tuning

    def _worth(self, tuning: Tuning, files: Sequence[int]) -> float:
        marked = self._marked(tuning, files)
        return sum(best(marked, profile).score for profile in PROFILES)

    def _marked(self, tuning: Tuning, files: Sequence[int]) -> Marked:
        """Readings of which something was said, and one silent reading of each window: all that scoring looks at."""
        if tuning not in self._spoken:
            scores = np.concatenate([np.asarray(one) for one in detect(self._corpus, tuning).scores])
            kept = np.union1d(np.flatnonzero(scores >= 0.1), self._first_of_windows())  # noqa: PLR2004 - far below any threshold
            self._spoken[tuning] = kept, scores[kept]
        kept, scores = self._spoken[tuning]
        mine = np.isin(self._file[kept], files)
        return Marked(scores[mine], self._blank.worth[kept][mine], self._blank.window[kept][mine])

    def _first_of_windows(self) -> npt.NDArray[np.int64]:
        numbers, first = np.unique(self._blank.window, return_index=True)
        return first[numbers >= 0]


def validation_as_json(found: Sequence[Validation]) -> dict[str, Any]:
    """For programs."""
    return {
        one.name: {
            "parts": list(one.parts),
            **_rounded(one.scores),
            "threshold_only": _rounded(one.frozen),
            "sets_of_constants_tried": one.tried,
        }
        for one in found
    }


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(score, 2) for name, score in scores.items()}


def show_validation(found: Sequence[Validation], console: Console) -> None:
    """For a person."""
    tried = max((one.tried for one in found), default=0)
    caption = f"{tried} sets of constants tried, none on what was held back from it"
    table = Table(title="Cross-validation", caption=caption)
    table.add_column("held back")
    table.add_column("from the other files")
    for profile in PROFILES:
        table.add_column(profile.name, justify="right")
    for one in found:
        for what, scores in (("constants and threshold", one.scores), ("the threshold only", one.frozen)):
            table.add_row(one.name, what, *(f"{scores[profile.name]:.2f}" for profile in PROFILES))
    console.print(table)
