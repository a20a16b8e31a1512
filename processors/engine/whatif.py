"""A what-if configuration over events: pure, so a replay or a shadow with it is as deterministic as without."""

from schemas.envelope import Data
from schemas.registry import FacilityRegistered, ZoneConfigured
from schemas.rules import merged
from schemas.whatif import Override, WhatIf


def overridden(event: Data, what_if: WhatIf) -> Data:
    """The event as it would stand in the log under other policies; the very same where none of them changes it."""
    if not isinstance(event, FacilityRegistered | ZoneConfigured):
        return event
    for override in what_if.override:
        if matches(override, event):
            event = _changed(event, override)
    return event


def matches(override: Override, event: Data) -> bool:
    """Whether an event is a registration or configuration that the override speaks of.

    A zone as a whole has neither class nor facility: only an override that names nothing but the zone speaks of it.
    """
    match event:
        case FacilityRegistered(facility=facility):
            return (
                override.facility_class in {None, facility.facility_class}
                and override.zone in {None, facility.zone}
                and override.facility in {None, facility.facility}
            )
        case ZoneConfigured(zone=zone):
            return override.facility_class is None and override.facility is None and override.zone == zone
        case _:
            return False


def _changed(event: FacilityRegistered | ZoneConfigured, override: Override) -> FacilityRegistered | ZoneConfigured:
    before = event.facility.policy if isinstance(event, FacilityRegistered) else event.policy
    policy = merged(before, override.policy)
    if policy == before:
        return event
    if isinstance(event, ZoneConfigured):
        return event.model_copy(update={"policy": policy})
    return event.model_copy(update={"facility": event.facility.model_copy(update={"policy": policy})})
