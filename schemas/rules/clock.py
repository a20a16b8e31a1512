"""What ``processors.detectors.clock`` decides by."""

from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.rules.rule import Rule, count, seconds

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "clock",
        "clock",
        "The clock of a device is wrong.",
        frozenset(),
        (AnomalyKind.DEVICE_CLOCK,),
        (
            count("messages", 3, 100, "so many wrong times make a finding, so many right ones in a row end it"),
            seconds("within_s", 7_200.0, "the wrong ones within so long", low=1.0),
        ),
    ),
)
