"""What others reached: the benchmark's published results (its ``results/final_results.json``, v1.1)."""

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """A detector and its three scores, in the order of scoring.PROFILES."""

    detector: str
    standard: float
    reward_low_fp: float
    reward_low_fn: float


SOURCE: Final = "https://github.com/numenta/NAB, results/final_results.json"

PUBLISHED: Final = (
    Entry("ARTime", 74.85, 65.15, 80.36),
    Entry("Numenta HTM", 70.10, 63.12, 74.32),
    Entry("CAD OSE", 69.90, 66.98, 73.18),
    Entry("htm.java", 65.55, 53.26, 70.42),
    Entry("Numenta TM", 64.55, 56.67, 69.19),
    Entry("earthgecko Skyline", 58.20, 46.20, 63.80),
    Entry("KNN-CAD", 57.99, 43.41, 64.81),
    Entry("Relative Entropy", 54.64, 47.60, 58.84),
    Entry("Random Cut Forest", 51.72, 38.36, 59.75),
    Entry("Twitter ADVec", 47.06, 33.61, 53.50),
    Entry("Windowed Gaussian", 39.65, 20.87, 47.41),
    Entry("Etsy Skyline", 35.69, 27.08, 44.48),
    Entry("random", 16.83, 5.76, 25.88),
    Entry("EXPoSE", 16.44, 3.19, 26.92),
    Entry("null", 0.0, 0.0, 0.0),
)
