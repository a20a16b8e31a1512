"""How long others of its kind stand still, for a series that has no record of its own: one that froze when it was new.

Same zone, same class, same property; only for what never rests (a property with a patience of its own). The longest
that any of at least ``peers`` with a record ever stood still is taken for its own.
"""

from collections import defaultdict

from processors.detectors.health.bounds import RESTLESS, Bounds, bounds_of
from processors.detectors.health.state import State
from processors.detectors.health.stuck import is_learnt, patience
from processors.detectors.health.watch import NEVER_MS, Watch


def look(state: State) -> bool:
    """Give those without a record that of their kind; whether that changed anything."""
    changed = False
    kinds: defaultdict[tuple[str, str], list[tuple[Watch, Bounds]]] = defaultdict(list)
    for device in state.devices.values():
        for key, watch in device.watches.items():
            name = key.partition("@")[0]
            if name in RESTLESS:
                bounds = bounds_of(state, watch.facility, name)
                kinds[state.sites[watch.facility].facility_class.value, key].append((watch, bounds))
    for series in kinds.values():
        known = [watch.longest_ms for watch, bounds in series if is_learnt(watch, watch.time_ms, bounds)]
        for watch, bounds in series:
            if len(known) >= bounds.peers and not is_learnt(watch, watch.time_ms, bounds) and watch.due_ms < NEVER_MS:
                due_ms = watch.still_ms + patience(max(known), bounds)
                if due_ms < watch.due_ms:
                    watch.due_ms, changed = due_ms, True
    return changed
