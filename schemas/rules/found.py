"""By which rule a finding is made: the name that it carries beside its detector and that detector's version."""

from types import MappingProxyType
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.rules import RULES

OF_AN_AREA: Final = "of an area and its model, learnt from its own year: no parameter of a facility decides it"
NO_RULE: Final = MappingProxyType({AnomalyKind.WATER_BURST: OF_AN_AREA, AnomalyKind.WATER_LEAK: OF_AN_AREA})
"""The kinds that no rule makes, and why none."""


def _first_of_each() -> dict[tuple[str, AnomalyKind], str]:
    found: dict[tuple[str, AnomalyKind], str] = {}
    for rule in RULES.values():
        for kind in rule.kinds:
            # Of several the first, of a family all of them: who knows better which it was, says so.
            found.setdefault((rule.processor, kind), rule.family or rule.name)
    return found


_OF: Final = _first_of_each()


def rule_of(kind: AnomalyKind, detector: str) -> str | None:
    """The rule by which a detector makes findings of a kind; None where it goes by none (:data:`NO_RULE`)."""
    return _OF.get((detector, kind))
