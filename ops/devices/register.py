"""Makes unknown devices known: by hand or by rules, through the registry as a file would."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ops.devices.rules import Rule, UnfilledError, facility_of
from ops.registry import LoadReport, Registered, load_registry
from runtime.settings import Settings
from schemas.device import DeviceTwin
from schemas.facility import Facility


class Offer(NamedTuple):
    """What a rule makes of one device; ``problem`` says why it makes nothing."""

    device: str
    facility: Facility | None
    problem: str | None


def offers(rules: Sequence[Rule], twins: Iterable[DeviceTwin], registered: Registered) -> list[Offer]:
    """What the rules make of the devices nobody registered; devices that no rule fits are left out."""
    claimed = {binding.device for facility in registered.facilities.values() for binding in facility.devices}
    found: list[Offer] = []
    for twin in twins:
        if twin.device in claimed:
            continue
        rule = next((rule for rule in rules if rule.fits(twin)), None)
        if rule is None:
            continue
        try:
            facility = facility_of(rule, twin, registered.zones.values())
        except UnfilledError as error:
            found.append(Offer(twin.device, None, str(error)))
        else:
            found.append(Offer(twin.device, facility, None))
    return found


def joined(facilities: Iterable[Facility], registered: Registered) -> list[Facility]:
    """The facilities with what is registered under the same ids: a device is added, nothing of them is changed."""
    out: dict[str, Facility] = {}
    for facility in facilities:
        before = out.get(facility.facility) or registered.facilities.get(facility.facility)
        out[facility.facility] = (
            facility if before is None else before.model_copy(update={"devices": (*before.devices, *facility.devices)})
        )
    return list(out.values())


def register(
    settings: Settings, facilities: Iterable[Facility], registered: Registered, *, dry_run: bool = False
) -> LoadReport:
    """Register these facilities, or add their devices to those of the same ids among what is registered.

    Raises:
        FatalError: as :func:`ops.registry.load_registry`.
    """
    return load_registry(settings, joined(facilities, registered), (), dry_run=dry_run)
