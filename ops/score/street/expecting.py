"""Whether findings within planned works are marked as expected, and no others."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.anomaly import Anomaly, Transition
from schemas.model import to_ms
from schemas.works import MaintenancePlanned

EDGE_MS: Final = 10 * 60_000
"""So near to the begin or end of works, a clock that is a little wrong may decide: either is right."""


@dataclass(frozen=True, slots=True)
class Expecting:
    """Findings that works explain, those of them that say so, and those that say so and should not."""

    within: int = 0
    marked: int = 0
    wrongly: int = 0

    def as_json(self) -> dict[str, int]:
        """The result for programs."""
        return {"within_works": self.within, "marked": self.marked, "wrongly_marked": self.wrongly}


def expecting(
    works: Iterable[MaintenancePlanned], findings: Iterable[Anomaly], known_ms: Mapping[str, int]
) -> Expecting:
    """Hold the marks of findings against the plan.

    Args:
        works: all that were planned.
        findings: every step of every finding; what it is called when it is raised counts.
        known_ms: by the id of a finding, when it was raised by the city's clock.
    """
    by_zone: dict[str, list[MaintenancePlanned]] = defaultdict(list)
    for one in works:
        by_zone[one.zone].append(one)
    within = marked = wrongly = 0
    for finding in findings:
        if finding.transition is not Transition.RAISED or str(finding.id) not in known_ms:
            continue
        at_ms = known_ms[str(finding.id)]
        plans = [one for one in by_zone[finding.zone] if _is_about(one, finding)]
        if any(_holds(one, at_ms, -EDGE_MS) for one in plans):
            within += 1
            marked += finding.expected is not None
        elif finding.expected is not None and not any(_holds(one, at_ms, EDGE_MS) for one in plans):
            wrongly += 1
    return Expecting(within, marked, wrongly)


def _is_about(plan: MaintenancePlanned, finding: Anomaly) -> bool:
    of_kind = not plan.kinds or finding.kind in plan.kinds
    return of_kind and (plan.facility is None or plan.facility == finding.facility)


def _holds(plan: MaintenancePlanned, at_ms: int, wider_ms: int) -> bool:
    return to_ms(plan.begins) - wider_ms <= at_ms < to_ms(plan.ends) + wider_ms
