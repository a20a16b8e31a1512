"""What ``processors.detectors.silence`` decides by."""

from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.rules.rule import Parameter, Rule

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "silence",
        "silence",
        "A device does not speak at its interval.",
        frozenset(),
        (AnomalyKind.DEVICE_SILENT,),
        (
            Parameter("intervals", "1", 3.0, 1.0, 1_000.0, "silent after so many of its intervals without a word"),
            Parameter("chance", "1", 1e-8, 0.0, 1.0, "or so many that its losses explain them more rarely; 0: never"),
        ),
    ),
)
