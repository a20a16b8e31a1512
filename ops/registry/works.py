"""Plans works, moves them, calls them off: the same road as registrations, events first and the state behind them."""

from datetime import UTC, datetime, timedelta

from ops.explained import kafka_explained
from ops.registry.load import Plan, revision_after, write
from ops.registry.store import Registered, read_registered
from runtime.errors import FatalError
from runtime.settings import Settings
from schemas.works import REMEMBERED_MS, MaintenancePlanned


def plan_works(settings: Settings, wanted: MaintenancePlanned, *, at_facility: str | None = None) -> bool:
    """Plan works, or give planned ones another time or matter; whether that says anything new.

    Args:
        settings: where Kafka is.
        wanted: the works; of one at a facility the zone does not count.
        at_facility: takes the place of ``wanted.facility``, and the zone is the facility's.

    Raises:
        FatalError: no such facility or zone, works of this name stand in another zone, or Kafka cannot be reached.
    """
    with kafka_explained(settings.kafka):
        registered = read_registered(settings.kafka)
        if at_facility is not None:
            facility = registered.facilities.get(at_facility)
            if facility is None:
                raise FatalError(f"no facility {at_facility!r} is registered; see: eyes registry list")
            wanted = wanted.model_copy(update={"facility": at_facility, "zone": facility.zone})
        elif wanted.zone not in {*registered.zones, *(one.zone for one in registered.facilities.values())}:
            raise FatalError(f"there is no zone {wanted.zone!r}, and nothing is registered in it")
        before = registered.works.get(wanted.works)
        if before is not None and before.zone != wanted.zone:
            raise FatalError(f"{wanted.works} is planned in {before.zone} already; cancel it first, or name this anew")
        if before is not None and before.model_copy(update={"revision": 0}) == wanted:
            return False
        _write(settings, registered, wanted)
        return True


def cancel_works(settings: Settings, works: str) -> None:
    """Call works off; what was raised within them stays expected.

    Raises:
        FatalError: there are none of this name, or Kafka cannot be reached.
    """
    with kafka_explained(settings.kafka):
        registered = read_registered(settings.kafka)
        planned = registered.works.get(works)
        if planned is None:
            raise FatalError(f"no works {works!r} are planned; see: eyes works list")
        _write(settings, registered, planned.model_copy(update={"cancelled": True}))


def _write(settings: Settings, registered: Registered, wanted: MaintenancePlanned) -> None:
    """Say it, and take out of the state what nobody remembers any more."""
    plan = Plan(revision_after(registered))
    said = wanted.model_copy(update={"revision": plan.revision})
    plan.events.append((wanted.zone, said))
    plan.states.append((wanted.key, wanted.zone, None if wanted.cancelled else said))
    long_over = datetime.now(UTC) - timedelta(milliseconds=REMEMBERED_MS)
    plan.states += [
        (one.key, one.zone, None)
        for one in registered.works.values()
        if one.ends < long_over and one.works != wanted.works
    ]
    write(settings, plan)
