"""Changes the policy of one class, zone or facility, and nothing else of it."""

from collections.abc import Callable
from typing import NamedTuple

from ops.explained import kafka_explained
from ops.registry.load import load_registry
from ops.registry.store import read_registered
from runtime.errors import FatalError
from runtime.settings import Settings
from schemas.facility import FacilityClass, Policy
from schemas.registry import ClassConfigured


class Scoped(NamedTuple):
    """Whose policy it is: exactly one of the three."""

    facility_class: FacilityClass | None = None
    zone: str | None = None
    facility: str | None = None

    def __str__(self) -> str:
        return f"class {self.facility_class.value}" if self.facility_class else self.zone or self.facility or "nobody"


def configure(settings: Settings, scoped: Scoped, change: Callable[[Policy], Policy], *, dry_run: bool = False) -> bool:
    """Give the class, zone or facility the policy that ``change`` makes of its present one; whether that is another.

    Raises:
        FatalError: there is no such zone or facility, not exactly one scope is named, or as
            :func:`ops.registry.load_registry`.
    """
    if sum(scope is not None for scope in scoped) != 1:
        raise FatalError("say for whom: exactly one of --class, --zone and --facility")
    with kafka_explained(settings.kafka):
        registered = read_registered(settings.kafka)
    if scoped.facility_class is not None:
        policy = change(registered.of_class(scoped.facility_class))
        word = ClassConfigured(facility_class=scoped.facility_class, policy=policy)
        return bool(load_registry(settings, (), (), (word,), dry_run=dry_run).classes)
    if scoped.zone is not None:
        zone = registered.zones.get(scoped.zone)
        if zone is None:
            raise FatalError(f"no zone {scoped.zone!r} is configured: load it first, with a row of facility_class zone")
        changed = zone.model_copy(update={"policy": change(zone.policy)})
        return bool(load_registry(settings, (), (changed,), dry_run=dry_run).zones)
    facility = registered.facilities.get(scoped.facility or "")
    if facility is None:
        raise FatalError(f"no facility {scoped.facility!r} is registered; see: eyes registry list")
    one = facility.model_copy(update={"policy": change(facility.policy)})
    return bool(load_registry(settings, (one,), (), dry_run=dry_run).changed)
