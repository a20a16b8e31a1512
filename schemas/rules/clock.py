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
            seconds("lag_s", 2_700.0, "or all of them by the same behind, by so much at least", low=1_800.0),
            seconds("steady_s", 120.0, "the same: to so much, and to so much a multiple of a quarter of an hour"),
            count("lag_messages", 6, 1_000, "so many of them in a row"),
            seconds("lag_for_s", 1_800.0, "and for so long; for a quarter of what it is behind, if that is more"),
        ),
    ),
)
