"""``eyes score``: how good the detectors are."""

from typing import Final

from ops.cli.lazy import Entry, lazy_app

app: Final = lazy_app(
    "How good are the detectors? Judged on labelled data.",
    Entry(
        "leak",
        "ops.cli.score_leak:leak",
        "Located leak alarms against labels, by the rule of BattLeDIM 2020. Cold start.",
    ),
    Entry(
        "novelty",
        "ops.cli.score_novelty:novelty",
        "Score the novelty detector on the Numenta Anomaly Benchmark, beside the published leaderboard.",
    ),
    Entry(
        "street",
        "ops.cli.score_street:street",
        "Precision, recall and delay of every kind of finding on a simulated city.",
    ),
)
