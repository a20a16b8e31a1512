"""What ``processors.detectors.novelty`` decides by.

Sources of the defaults: the score and the readings it must learn from are the best threshold and the longest probation
of the Numenta Anomaly Benchmark; two weeks show every weekday twice; how far and for how long was fitted on one
simulated city and held against another (docs/processors/novelty.md).
"""

from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.rules.rule import Parameter, Rule, count, seconds

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "novelty",
        "novelty",
        "A quantity with no rule of its own stays far from anything usual at this hour.",
        frozenset(),
        (AnomalyKind.NOVELTY,),
        (
            Parameter("watch", "1", 1.0, 0.0, 1.0, "1: such quantities are learnt and judged, 0: they are not"),
            Parameter("score", "1", 0.5, 0.01, 1.0, "as unlike all before as this: 0.5 beats a record by 8 %, 1 never"),
            Parameter("departures", "1", 4.0, 0.0, 1_000.0, "and off by so many times what this hour usually varies"),
            count("samples", 6, 10_000, "in so many readings in a row"),
            seconds("for_s", 1_800.0, "for so long"),
            count("clear_samples", 6, 10_000, "so many readings in a row at most half as far off end it"),
            Parameter("learn_d", "d", 14.0, 0.0, 366.0, "nothing is said of a series before it was heard for so long"),
            count("learn_readings", 750, 1_000_000, "and so often"),
        ),
    ),
)
