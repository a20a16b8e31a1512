"""Brings the registry to what a file says: first the events that folds learn from, then the state ingest learns from.

The order is the promise (docs/architecture.md): when ingest can look a facility up, its registration already stands in
the partition its readings will go to.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

from ops.explained import kafka_explained
from ops.registry.claims import contested
from ops.registry.store import ZONE_KEY, Registered, read_registered
from ops.registry.writer import ACK_S, encoded, send
from ops.simulate.demo import Demo
from runtime.errors import FatalError
from runtime.kafka import idempotent_producer
from runtime.settings import Settings
from schemas.clock import ShardRetired
from schemas.curb import DEFAULT_CALENDAR
from schemas.envelope import CloudEvent, encode
from schemas.facility import Facility, FacilityClass, Policy
from schemas.identity import event_id
from schemas.model import Model
from schemas.partitioning import partition_of
from schemas.registry import (
    LOAD_KEY,
    RETIRED_KEY,
    WATER_KEY,
    CalendarConfigured,
    CityWide,
    ClassConfigured,
    FacilityLeft,
    FacilityRegistered,
    RegistryLoad,
    ZoneConfigured,
)
from schemas.rules import RuleError, check
from schemas.topics import EVENTS, FACILITIES
from schemas.water import WaterNetworkConfigured

Record = tuple[str, str, Model | None]
"""Key, subject, and what is said; None is a tombstone."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Ids of what changed; ``moved`` are among ``changed`` too."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    zones: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    """The zones of the water networks that were configured."""
    classes: tuple[str, ...] = ()
    calendar: bool = False
    dry_run: bool = False

    def __str__(self) -> str:
        verb = "would be " if self.dry_run else ""
        networks = f", {len(self.networks)} water networks" if self.networks else ""
        classes = f", {len(self.classes)} classes" if self.classes else ""
        calendar = f"; the calendar {verb}configured" if self.calendar else ""
        return (
            f"{len(self.added)} {verb}added, {len(self.changed)} {verb}changed ({len(self.moved)} moved), "
            f"{len(self.removed)} {verb}removed, {self.unchanged} unchanged; "
            f"{len(self.zones)} zones{networks}{classes} {verb}configured{calendar}"
        )


@dataclass(slots=True)
class Plan:
    """What will be written."""

    revision: int
    events: list[tuple[str, Model]] = field(default_factory=list)  # zone, event
    everywhere: list[Model] = field(default_factory=list)  # events for every partition
    states: list[Record] = field(default_factory=list)


def load_registry(
    settings: Settings,
    facilities: Iterable[Facility],
    zones: Iterable[ZoneConfigured],
    city: Iterable[CityWide] = (),
    *,
    networks: Iterable[WaterNetworkConfigured] = (),
    again: bool = False,
    remove_missing: bool = False,
    dry_run: bool = False,
) -> LoadReport:
    """Register what is new or different; with ``remove_missing`` also take out what is not named.

    Args:
        settings: where the log is.
        facilities: what stands where.
        zones: what is known of zones.
        city: what is known of the whole city.
        networks: what is known of their water networks; the models that they name must be in the log already.
        again: configure the networks anew also where nothing changed, for folds that could not find a model.
        remove_missing: also remove facilities that are not named.
        dry_run: only say what would change.

    Raises:
        FatalError: Kafka cannot be reached or did not take it (loading again completes what was begun), two
            facilities would claim one reading, or a policy names a parameter that no rule takes.
    """
    wanted = {facility.facility: facility for facility in facilities}
    zones, city = tuple(zones), tuple(city)
    _check_rules(wanted.values(), zones, city)
    with kafka_explained(settings.kafka):
        current = read_registered(settings.kafka)
        plan = Plan(revision_after(current))
        configured = [zone for zone in zones if current.zones.get(zone.zone) != zone]
        for zone in configured:
            revised = zone.model_copy(update={"revision": plan.revision})
            plan.events.append((zone.zone, revised))
            plan.states.append((ZONE_KEY + zone.zone, zone.zone, revised))
        piped = [network for network in networks if again or current.networks.get(network.zone) != network]
        everywhere = [word for word in city if current.city.get(word.key, _nothing_of(word)) != word]
        for word in everywhere:
            said = word.model_copy(update={"revision": plan.revision})
            plan.everywhere.append(said)
            plan.states.append((word.key, word.key, said))
        changes = _plan_facilities(plan, current, wanted, remove_missing=remove_missing)
        for network in piped:  # behind the facilities of their sensors
            told = network.model_copy(update={"revision": plan.revision})
            plan.events.append((network.zone, told))
            plan.states.append((WATER_KEY + network.zone, network.zone, told))
        left = current.facilities.keys() - set(changes.removed)
        result = {name: current.facilities[name] for name in sorted(left)} | wanted
        if (problem := contested(result.values(), (*changes.added, *changes.changed))) is not None:
            raise FatalError(f"{problem}: name the properties of each in the registry; nothing was changed")
        if not dry_run:
            write(settings, plan)
    return replace(
        changes,
        unchanged=len(wanted.keys() & current.facilities.keys()) - len(changes.changed),
        zones=tuple(zone.zone for zone in configured),
        networks=tuple(network.zone for network in piped),
        classes=tuple(word.facility_class.value for word in everywhere if isinstance(word, ClassConfigured)),
        calendar=any(isinstance(word, CalendarConfigured) for word in everywhere),
        dry_run=dry_run,
    )


def _check_rules(facilities: Iterable[Facility], zones: Iterable[ZoneConfigured], city: Iterable[CityWide]) -> None:
    policies: list[tuple[str, Policy, FacilityClass | None]] = [
        *((one.facility, one.policy, one.facility_class) for one in facilities if one.policy.rules),
        *((zone.zone, zone.policy, None) for zone in zones),
        *(
            (f"class {word.facility_class.value}", word.policy, word.facility_class)
            for word in city
            if isinstance(word, ClassConfigured)
        ),
    ]
    for whose, policy, facility_class in policies:
        try:
            check(policy, facility_class)
        except RuleError as error:
            raise FatalError(f"{whose}: {error}; nothing was changed") from None


def _nothing_of(word: CityWide) -> CityWide:
    if isinstance(word, ClassConfigured):
        return ClassConfigured(facility_class=word.facility_class)
    return CalendarConfigured(calendar=DEFAULT_CALENDAR)


def load_demo_registry(settings: Settings) -> LoadReport:
    """Register what the demo's devices speak for."""
    demo = Demo()
    return load_registry(settings, demo.facilities, demo.zones)


def remove_facility(settings: Settings, facility: str) -> None:
    """Take one facility out of the registry.

    Raises:
        FatalError: there is none of this id, or as :func:`load_registry`.
    """
    with kafka_explained(settings.kafka):
        current = read_registered(settings.kafka)
        if facility not in current.facilities:
            raise FatalError(f"no facility {facility!r} is registered; see: eyes registry list")
        plan = Plan(revision_after(current))
        _plan_removal(plan, current.facilities[facility])
        write(settings, plan)


def revision_after(current: Registered) -> int:
    """Of everything that is now written: the wall time in ms, but above all that was.

    A facility that was removed left no revision behind; the wall time is above that as well.
    """
    return max(time.time_ns() // 1_000_000, current.revision + 1)


def retire_ingest(settings: Settings, shard: str) -> None:
    """Say in every partition that this ingest will not come back, and to every ingest, whose ticks will repeat it.

    Raises:
        FatalError: Kafka cannot be reached or did not take it.
    """
    now = datetime.now(UTC)
    with kafka_explained(settings.kafka):
        producer = idempotent_producer(settings.kafka, "eyes-registry")
        try:
            records = []
            for number in range(EVENTS.partitions):
                event = CloudEvent(
                    id=str(event_id("retired", shard, number, now.isoformat())),
                    source=f"/{settings.site}/registry",
                    time=now,
                    data=ShardRetired(shard=shard),
                    subject=shard,
                    partitionkey=f"partition-{number}",
                )
                records.append((f"partition-{number}", encode(event), number))
            send(producer, EVENTS.full_name(settings.kafka.topic_prefix), records)
            state = CloudEvent(
                id=str(event_id("retired", shard, now.isoformat())),
                source=f"/{settings.site}/registry",
                time=now,
                data=ShardRetired(shard=shard),
                subject=shard,
                partitionkey=RETIRED_KEY + shard,
            )
            send(producer, FACILITIES.full_name(settings.kafka.topic_prefix), [(RETIRED_KEY + shard, encode(state), 0)])
        finally:
            producer.close(timeout=ACK_S)


def _plan_facilities(
    plan: Plan, current: Registered, wanted: dict[str, Facility], *, remove_missing: bool
) -> LoadReport:
    """Add to the plan what must be written; the report's part that speaks of facilities."""
    added: list[str] = []
    changed: list[str] = []
    moved: list[str] = []
    for name, facility in wanted.items():
        before = current.facilities.get(name)
        if before == facility:
            continue
        (added if before is None else changed).append(name)
        if before is not None and before.zone != facility.zone:
            moved.append(name)
            plan.events.append((before.zone, FacilityLeft(facility=name, zone=before.zone, revision=plan.revision)))
        registered = FacilityRegistered(facility=facility, revision=plan.revision)
        plan.events.append((facility.zone, registered))
        plan.states.append((name, name, registered))
    removed = sorted(current.facilities.keys() - wanted.keys()) if remove_missing else []
    for name in removed:
        _plan_removal(plan, current.facilities[name])
    return LoadReport(added=tuple(added), changed=tuple(changed), moved=tuple(moved), removed=tuple(removed))


def _plan_removal(plan: Plan, facility: Facility) -> None:
    left = FacilityLeft(facility=facility.facility, zone=facility.zone, revision=plan.revision)
    plan.events.append((facility.zone, left))
    plan.states.append((facility.facility, facility.facility, None))


def write(settings: Settings, plan: Plan) -> None:
    """Events first and acknowledged, then the state; and around them that this is under way.

    An ingest that rewrites the registry meanwhile waits for the end (docs/decisions/0016-daily-rewrite.md). After
    a failure the mark stands there for good, and is passed over when it is ten minutes old: so it is set twice.
    """
    if not plan.states:
        return
    prefix = settings.kafka.topic_prefix
    facilities = FACILITIES.full_name(prefix)
    mark = LOAD_KEY + uuid4().hex
    under_way = RegistryLoad(revision=plan.revision)
    producer = idempotent_producer(settings.kafka, "eyes-registry")
    try:
        now = datetime.now(UTC)
        send(producer, facilities, [(mark, encoded(settings, mark, under_way, now), 0)])
        events = [
            (zone, encoded(settings, zone, data, now), partition_of(zone, EVENTS.partitions))
            for zone, data in plan.events
        ]
        events += [
            (f"partition-{number}", encoded(settings, f"partition-{number}", data, now), number)
            for data in plan.everywhere
            for number in range(EVENTS.partitions)
        ]
        send(producer, EVENTS.full_name(prefix), events)
        states = [(key, encoded(settings, subject, data, now), 0) for key, subject, data in plan.states]
        still = (mark, encoded(settings, mark, under_way, datetime.now(UTC)), 0)
        send(producer, facilities, [still, *states, (mark, None, 0)])
    finally:
        producer.close(timeout=ACK_S)
