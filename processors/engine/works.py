"""Planned works in a zone, and which findings they explain.

A finding is expected if it is raised for a time within the works; what it was when it was raised it stays until it is
cleared, also when works are called off meanwhile.
"""

from collections.abc import Mapping

from schemas.anomaly import Anomaly
from schemas.model import to_ms
from schemas.works import REMEMBERED_MS, MaintenancePlanned


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
            if (
                not plan.cancelled
                and plan.begins <= finding.at < plan.ends
                and plan.facility in {None, finding.facility}
                and (not plan.kinds or finding.kind in plan.kinds)
            ):
                return name
        return None

    def _forget(self, now_ms: int) -> None:
        self._plans = {name: plan for name, plan in self._plans.items() if not _is_over(plan, now_ms)}


def _is_over(plan: MaintenancePlanned, now_ms: int) -> bool:
    return to_ms(plan.ends) + REMEMBERED_MS <= now_ms
