"""The rare events that change a current state: one statement each, executed in log order.

Every statement compares before it writes, so events of several partitions may come in any order and as often as they
like: the newest stays.
"""

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, LiteralString

from schemas.clock import Tick
from schemas.envelope import CloudEvent
from schemas.model import Model
from schemas.quarantine import ReadingsReleased
from schemas.registry import FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.verdict import VerdictGiven


class Change(Enum):
    """What an event does."""

    REGISTER = "register"
    LEAVE = "leave"
    CONFIGURE = "configure"
    TICK = "tick"
    RELEASE = "release"
    JUDGE = "judge"


TABLE_OF: Final = {
    Change.REGISTER: "facilities",
    Change.LEAVE: "facilities",
    Change.CONFIGURE: "zones",
    Change.TICK: "ticks_latest",
    Change.RELEASE: "unregistered",
    Change.JUDGE: "verdicts",
}

STATEMENTS: Final[dict[Change, LiteralString]] = {
    Change.REGISTER: """
INSERT INTO facilities AS f (
    facility, scheme, facility_class, name, zone, lon, lat, grid, district, address, devices, policy,
    changed_at, revision
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s)
ON CONFLICT (facility) DO UPDATE SET
    scheme = excluded.scheme,
    facility_class = excluded.facility_class,
    name = excluded.name,
    zone = excluded.zone,
    lon = excluded.lon,
    lat = excluded.lat,
    grid = excluded.grid,
    district = excluded.district,
    address = excluded.address,
    devices = excluded.devices,
    policy = excluded.policy,
    changed_at = excluded.changed_at,
    revision = excluded.revision,
    left_at = NULL
WHERE excluded.revision > f.revision
    OR (excluded.revision = 0 AND f.revision = 0 AND excluded.changed_at >= f.changed_at)
""",
    # The zone is compared because the event of leaving the old zone may come after the registration in the new one.
    Change.LEAVE: """
UPDATE facilities
SET left_at = %s, changed_at = %s, revision = %s
WHERE facility = %s AND zone = %s AND (revision < %s OR (%s = 0 AND revision = 0 AND changed_at <= %s))
""",
    Change.CONFIGURE: """
INSERT INTO zones AS z (zone, kind, name, lon, lat, grid, district, address, policy, changed_at, revision)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)
ON CONFLICT (zone) DO UPDATE SET
    kind = excluded.kind,
    name = excluded.name,
    lon = excluded.lon,
    lat = excluded.lat,
    grid = excluded.grid,
    district = excluded.district,
    address = excluded.address,
    policy = excluded.policy,
    changed_at = excluded.changed_at,
    revision = excluded.revision
WHERE excluded.revision > z.revision
    OR (excluded.revision = 0 AND z.revision = 0 AND excluded.changed_at >= z.changed_at)
""",
    Change.TICK: """
INSERT INTO ticks_latest AS t (partition, time, generation, cadence_ms, ticker, received_to)
VALUES (%s, %s, %s, %s, %s, %s::jsonb)
ON CONFLICT (partition) DO UPDATE SET
    time = excluded.time,
    generation = excluded.generation,
    cadence_ms = excluded.cadence_ms,
    ticker = excluded.ticker,
    received_to = excluded.received_to,
    stored_at = now()
WHERE (excluded.generation, excluded.time) >= (t.generation, t.time)
""",
    # Rows of the same transaction are in already; what was written since the release began is not reached by it.
    Change.RELEASE: """
UPDATE unregistered
SET released = TRUE
WHERE device = %s AND log_partition = %s AND log_offset <= %s AND NOT released
""",
    Change.JUDGE: """
INSERT INTO verdicts (event_id, finding_id, is_real, given_by, reason, given_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
""",
}

Params = Sequence[Any]


def change_of(  # noqa: PLR0911 - one for each kind of event
    event: CloudEvent, partition: int
) -> tuple[Change, Params] | None:
    """The change an event makes; None where it changes no table (markers, steps of the clock)."""
    match event.data:
        case FacilityRegistered(facility=it, revision=revision):
            place = it.place
            where = (it.zone, place.lon, place.lat, place.grid, place.district, place.address)
            devices = json.dumps([_plain(binding) for binding in it.devices], ensure_ascii=False)
            return Change.REGISTER, (
                *(it.facility, it.scheme.value, it.facility_class.value, it.name),
                *where,
                *(devices, _json(it.policy), event.time, revision),
            )
        case FacilityLeft(facility=facility, zone=zone, revision=revision):
            return Change.LEAVE, (event.time, event.time, revision, facility, zone, revision, revision, event.time)
        case ZoneConfigured() as it:
            place = it.place
            return Change.CONFIGURE, (
                *(it.zone, it.kind.value, it.name),
                *(place.lon, place.lat, place.grid, place.district, place.address),
                *(_json(it.policy), event.time, it.revision),
            )
        case Tick() as it:
            received = json.dumps(it.received_to, sort_keys=True)
            return Change.TICK, (partition, it.time, it.generation, it.cadence_ms, it.ticker, received)
        case ReadingsReleased(device=device, through=through):
            return Change.RELEASE, (device, partition, through)
        case VerdictGiven() as it:
            return Change.JUDGE, (event.id, it.finding, it.real, it.by, it.reason, it.time)
        case _:
            return None


def _plain(model: Model) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _json(model: Model) -> str:
    return json.dumps(_plain(model), ensure_ascii=False, sort_keys=True)
