"""Planned works in a zone, and which findings they explain.

A finding is expected if it is raised for a time within the works. What still holds when they are over, or called off,
they explain no longer: then it is a plain finding, or that of other works that go on, and a step says so.
"""

from collections.abc import Mapping
from typing import Final

from schemas.anomaly import Anomaly
from schemas.model import to_ms
from schemas.works import REMEMBERED_MS, MaintenancePlanned

TIMERS: Final = "/works"
"""Whose timers those of works are; no detector's label begins so."""
NOW_MS: Final = 0


class Works:
    """What is planned in one zone."""

    __slots__ = ("_plans",)

    def __init__(self, plans: Mapping[str, bytes] | None = None) -> None:
        """Begin with none, or with what :meth:`snapshot` gave."""
        self._plans = {name: MaintenancePlanned.model_validate_json(data) for name, data in (plans or {}).items()}

    def snapshot(self, now_ms: int) -> dict[str, bytes]:
        """All that is remembered; equal for works that will explain the same."""
        self._forget(now_ms)
        return {name: self._plans[name].model_dump_json().encode() for name in sorted(self._plans)}

    def hear(self, event: MaintenancePlanned, now_ms: int) -> None:
        """Take note of a plan; the daily rewrite says again what is known, and may say what is over."""
        self._forget(now_ms)
        known = self._plans.get(event.works)
        if not _is_over(event, now_ms) and (known is None or not event.revision or event.revision > known.revision):
            self._plans[event.works] = event

    def expecting(self, finding: Anomaly) -> str | None:
        """The works that a finding is to be expected from, if there are any."""
        for name in sorted(self._plans):
            plan = self._plans[name]
            if plan.begins <= finding.at < plan.ends and _explains(plan, finding):
                return name
        return None

    def until_ms(self, finding: Anomaly) -> int:
        """Until when what is open is to be expected of the works that it names; :data:`NOW_MS`: no longer."""
        plan = self._plans.get(finding.expected or "")
        if plan is None or not _explains(plan, finding) or finding.at < plan.begins:
            return NOW_MS
        return to_ms(plan.ends)

    def _forget(self, now_ms: int) -> None:
        self._plans = {name: plan for name, plan in self._plans.items() if not _is_over(plan, now_ms)}


def _is_over(plan: MaintenancePlanned, now_ms: int) -> bool:
    return to_ms(plan.ends) + REMEMBERED_MS <= now_ms


def _explains(plan: MaintenancePlanned, finding: Anomaly) -> bool:
    """Whether works are for what a finding is about, whenever that is."""
    of_kind = not plan.kinds or finding.kind in plan.kinds
    return not plan.cancelled and of_kind and plan.facility in {None, finding.facility}
