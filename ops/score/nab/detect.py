"""Our detector over the corpus: one pass, cold for every file, one set of constants for all."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ops.score.nab.corpus import LabelledSeries
from processors.novelty import FROZEN, Novelty, Tuning, Verdict, observe


class Run(NamedTuple):
    """Scores per series, in the corpus's order, and what they cost."""

    scores: list[list[float]]
    cpu_s: float
    readings: int

    @property
    def us_per_reading(self) -> float:
        """CPU microseconds."""
        return 1e6 * self.cpu_s / max(self.readings, 1)


def verdicts(series: LabelledSeries, tuning: Tuning = FROZEN) -> list[Verdict]:
    """Everything that is said of one series; only its times and values are looked at, each once, in order."""
    state = Novelty()
    return [observe(state, at, value, tuning) for at, value in zip(series.times_ms, series.values, strict=True)]


def detect(
    corpus: Sequence[LabelledSeries], tuning: Tuning = FROZEN, progress: Callable[[int], None] = lambda _: None
) -> Run:
    """Scores of every reading; ``progress`` hears how many readings were judged."""
    scores, cpu = [], 0.0
    for series in corpus:
        began = time.process_time()
        said = verdicts(series, tuning)
        cpu += time.process_time() - began
        scores.append([verdict.score for verdict in said])
        progress(len(said))
    return Run(scores, cpu, sum(map(len, scores)))
