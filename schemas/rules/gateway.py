"""What ``processors.correlators.gateway`` decides by."""

from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules.rule import Parameter, Rule, count, seconds

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "gateway",
        "gateway",
        "A gateway is down: the devices that it carries fell silent together.",
        frozenset({FacilityClass.GATEWAY}),
        (AnomalyKind.GATEWAY_DOWN,),
        (
            count("devices", 3, 10_000, "so many of its devices at least"),
            Parameter("share", "1", 0.4, 0.01, 1.0, "and this share of those that would be missed by now"),
            seconds("slack_s", 300.0, "last heard no longer before the last of them than their interval and so long"),
            Parameter("back_share", "1", 0.5, 0.0, 1.0, "it is over when this share of them is heard again"),
        ),
    ),
)
