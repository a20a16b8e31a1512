"""The tables the archive fills by COPY: their columns, and the SQL that merges what was copied.

Rows are copied into a temporary table per target and merged from there, so that a row that is already stored is no
error. All statements are idempotent: the same rows again change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, LiteralString

from processors.archive.devices import DEVICES, MERGE_DEVICES


class Reach(IntEnum):
    """How far from its own time a copy of a reading may stand, hence where one must be looked for."""

    FIXED = 0  # tiers (b) and (d) at the time the identity names: only a copy that was moved stands elsewhere
    NUMBERED = 1  # tier (a) at its device's time: any copy within the allowed lateness, moved ones further
    MOVED = 2  # its time is that of its arrival: as far as a broker may redeliver


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far apart copies of one reading are known as such; further apart, a counter has begun anew."""

    lateness_ms: int
    redelivery_ms: int  # lateness, and as long as the broker keeps our session

    def reach(self, reach: int) -> int:
        """Milliseconds around the time of a reading in which an equal identity is a copy, moved or not."""
        return self.redelivery_ms if reach == Reach.MOVED else self.lateness_ms


@dataclass(frozen=True, slots=True)
class Table:
    """A target of COPY; ``columns`` maps each column of its temporary table to its type.

    Each statement of ``merges`` inserts what was copied and says how many rows it inserted: by its row count, or as its
    only result. One under a reach inserts the rows of that reach (their last column) and looks for copies of them.
    """

    name: str
    columns: Mapping[LiteralString, LiteralString]
    merges: Mapping[Reach | None, LiteralString]

    @property
    def copy_types(self) -> list[str]:
        """The types that values are given in."""
        return [_COPIED_AS.get(kind, kind) for kind in self.columns.values()]

    @property
    def column_types(self) -> Mapping[str, LiteralString]:
        """The types of the temporary table's columns."""
        return {name: _STORED_AS.get(kind, kind) for name, kind in self.columns.items()}


_COPIED_AS: Final = {"pg_time": "int8", "jsonb": "text", "uuid[]": "text"}
_STORED_AS: Final[dict[LiteralString, LiteralString]] = {
    # Given as microseconds since 2000, as the binary format has it: an integer costs a tenth of a datetime.
    "pg_time": "timestamptz",
    # Cast when merged: COPY would want the binary format of these.
    "jsonb": "text",
    "uuid[]": "text",
}

_OBSERVATIONS: Final[dict[LiteralString, LiteralString]] = {
    "time": "pg_time",
    "arrival_time": "pg_time",
    "result": "float8",
    "series_id": "int4",
    "origin_id": "int4",
    "quality": "int2",
    "identity": "text",
}

_INSERT_OBSERVATIONS: Final = """
INSERT INTO observations (time, arrival_time, result, series_id, origin_id, quality, identity)
SELECT i.time, i.arrival_time, i.result, i.series_id, i.origin_id, i.quality, i.identity
FROM incoming_observations AS i
WHERE i.reach = {reach}"""

# OFFSET 0 keeps the planner from turning the look-up into a join: it knows nothing of the temporary table's size, and
# would rather read a chunk whole for each row than use its index.
# Copies that stand anywhere near: one look into the key of each chunk in reach.
_NO_COPY_NEAR: Final = """
    AND NOT EXISTS (
        SELECT FROM observations AS o
        WHERE (o.series_id::text || ':' || o.identity) = (i.series_id::text || ':' || i.identity)
            AND o.time BETWEEN {low} AND {high}
            AND o.time BETWEEN i.time - {apart} AND i.time + {apart}
        OFFSET 0
    )"""

# Copies that were kept on arrival time or released (quality above 1) stand further away. They are rare: mostly there
# are none at all, which is asked once, by the order of their partial index so that nothing but that index is read.
_NO_COPY_MOVED: Final = """
    AND (
        (
            SELECT o.identity
            FROM observations AS o
            WHERE o.quality > 1
                AND o.time BETWEEN {far_low} AND {far_high}
            ORDER BY o.series_id::text || ':' || o.identity
            LIMIT 1
        ) IS NULL
        OR NOT EXISTS (
            SELECT FROM observations AS o
            WHERE (o.series_id::text || ':' || o.identity) = (i.series_id::text || ':' || i.identity)
                AND o.quality > 1
                AND o.time BETWEEN {far_low} AND {far_high}
                AND o.time BETWEEN i.time - {far_apart} AND i.time + {far_apart}
            OFFSET 0
        )
    )"""

_OR_NOTHING: Final = """
ON CONFLICT DO NOTHING
"""

# The farthest reach first: a row of this batch that it would find and that stands behind it in the log is not in yet.
_MERGE_OBSERVATIONS: Final[dict[Reach | None, LiteralString]] = {
    Reach.MOVED: _INSERT_OBSERVATIONS + _NO_COPY_NEAR + _OR_NOTHING,
    Reach.NUMBERED: _INSERT_OBSERVATIONS + _NO_COPY_NEAR + _NO_COPY_MOVED + _OR_NOTHING,
    Reach.FIXED: _INSERT_OBSERVATIONS + _NO_COPY_MOVED + _OR_NOTHING,
}

_CAMERA_EVENTS: Final[dict[LiteralString, LiteralString]] = {
    "time": "pg_time",
    "arrival_time": "pg_time",
    "confidence": "float4",
    "quality": "int2",
    "present": "bool",
    "stationary": "bool",
    "device": "text",
    "facility": "text",
    "zone": "text",
    "phase": "text",
    "track": "text",
    "label": "text",
    "identity": "text",
}

_MERGE_CAMERA_EVENTS: Final = """
INSERT INTO camera_events (
    time, arrival_time, confidence, quality, present, stationary,
    device, facility, zone, phase, track, label, identity
)
SELECT
    i.time, i.arrival_time, i.confidence, i.quality, i.present, i.stationary,
    i.device, i.facility, i.zone, i.phase, i.track, i.label, i.identity
FROM incoming_camera_events AS i
WHERE NOT EXISTS (
    SELECT FROM camera_events AS c
    WHERE c.device = i.device
        AND c.zone = i.zone
        AND c.facility = i.facility
        AND c.identity = i.identity
        AND c.time BETWEEN {low} AND {high}
        AND c.time BETWEEN i.time - {apart} AND i.time + {apart}
    OFFSET 0
)
ON CONFLICT DO NOTHING
"""

_ANOMALY_EVENTS: Final[dict[LiteralString, LiteralString]] = {
    "at": "timestamptz",
    "since": "timestamptz",
    "arrival_time": "timestamptz",
    "finding_id": "uuid",
    "event_id": "text",
    "kind": "text",
    "transition": "text",
    "severity": "text",
    "zone": "text",
    "subject": "text",
    "facility": "text",
    "facility_class": "text",
    "lon": "float8",
    "lat": "float8",
    "grid": "text",
    "district": "text",
    "address": "text",
    "summary": "text",
    "reason": "text",
    "score": "float8",
    "numbers": "jsonb",
    "evidence": "uuid[]",
    "detector": "text",
    "detector_version": "int4",
    "log_offset": "int8",
    "expected": "text",
    "caused_by": "uuid",
    "verify": "bool",
    "rule": "text",
}

# Only steps that were not stored before reach the current state, so reading the log again cannot move it.
_MERGE_ANOMALY_EVENTS: Final = """
WITH fresh AS (
    INSERT INTO anomaly_events (
        at, since, arrival_time, finding_id, event_id, kind, transition, severity, zone, subject, facility,
        facility_class, lon, lat, grid, district, address, summary, reason, score, numbers, evidence, detector,
        detector_version, log_offset, expected, caused_by, verify, rule
    )
    SELECT
        at, since, arrival_time, finding_id, event_id, kind, transition, severity, zone, subject, facility,
        facility_class, lon, lat, grid, district, address, summary, reason, score, numbers::jsonb, evidence::uuid[],
        detector, detector_version, log_offset, expected, caused_by, verify, rule
    FROM incoming_anomaly_events
    ORDER BY log_offset
    ON CONFLICT DO NOTHING
    RETURNING *, array_position(ARRAY['raised', 'updated', 'cleared'], transition) AS step
),
newest AS (
    SELECT DISTINCT ON (finding_id)
        *,
        min(at) FILTER (WHERE transition = 'raised') OVER (PARTITION BY finding_id) AS opened_at
    FROM fresh
    ORDER BY finding_id, at DESC, step DESC, log_offset DESC
),
projected AS (
    INSERT INTO anomalies AS a (
        finding_id, state, at, since, opened_at, cleared_at, arrival_time, kind, severity, zone, subject, facility,
        facility_class, lon, lat, grid, district, address, summary, reason, score, numbers, detector, detector_version,
        expected, caused_by, verify, rule
    )
    SELECT
        finding_id, transition, at, since, opened_at, CASE WHEN transition = 'cleared' THEN at END, arrival_time,
        kind, severity, zone, subject, facility, facility_class, lon, lat, grid, district, address, summary, reason,
        score, numbers, detector, detector_version, expected, caused_by, verify, rule
    FROM newest
    ON CONFLICT (finding_id) DO UPDATE SET
        state = excluded.state,
        at = excluded.at,
        since = excluded.since,
        opened_at = least(a.opened_at, excluded.opened_at),
        cleared_at = excluded.cleared_at,
        arrival_time = excluded.arrival_time,
        kind = excluded.kind,
        severity = excluded.severity,
        zone = excluded.zone,
        subject = excluded.subject,
        facility = excluded.facility,
        facility_class = excluded.facility_class,
        lon = excluded.lon,
        lat = excluded.lat,
        grid = excluded.grid,
        district = excluded.district,
        address = excluded.address,
        summary = excluded.summary,
        reason = excluded.reason,
        score = excluded.score,
        numbers = excluded.numbers,
        detector = excluded.detector,
        detector_version = excluded.detector_version,
        expected = excluded.expected,
        caused_by = excluded.caused_by,
        verify = excluded.verify,
        rule = excluded.rule
    WHERE (excluded.at, array_position(ARRAY['raised', 'updated', 'cleared'], excluded.state))
        >= (a.at, array_position(ARRAY['raised', 'updated', 'cleared'], a.state))
)
SELECT count(*) FROM fresh
"""

_QUARANTINE: Final[dict[LiteralString, LiteralString]] = {
    "id": "uuid",
    "reason": "text",
    "field": "text",
    "detail": "text",
    "mqtt_topic": "text",
    "device": "text",
    "payload": "bytea",
    "payload_bytes": "int8",
    "arrival_time": "timestamptz",
    "source": "text",
}

_MERGE_QUARANTINE: Final = """
INSERT INTO quarantine (
    id, reason, field, detail, mqtt_topic, device, payload, payload_bytes, arrival_time, source
)
SELECT id, reason, field, detail, mqtt_topic, device, payload, payload_bytes, arrival_time, source
FROM incoming_quarantine
ON CONFLICT DO NOTHING
"""

_UNREGISTERED: Final[dict[LiteralString, LiteralString]] = {
    "device": "text",
    "observed_property": "text",
    "identity": "text",
    "message_id": "uuid",
    "mqtt_topic": "text",
    "arrival_time": "timestamptz",
    "log_partition": "int4",
    "log_offset": "int8",
}

_MERGE_UNREGISTERED: Final = """
INSERT INTO unregistered (
    device, observed_property, identity, message_id, mqtt_topic, arrival_time, released, log_partition, log_offset
)
SELECT device, observed_property, identity, message_id, mqtt_topic, arrival_time, FALSE, log_partition, log_offset
FROM incoming_unregistered
ORDER BY log_partition, log_offset
ON CONFLICT DO NOTHING
"""

TABLES: Final = (
    Table("observations", {**_OBSERVATIONS, "reach": "int2"}, _MERGE_OBSERVATIONS),
    Table("camera_events", {**_CAMERA_EVENTS, "reach": "int2"}, {Reach.MOVED: _MERGE_CAMERA_EVENTS}),
    Table("anomaly_events", _ANOMALY_EVENTS, {None: _MERGE_ANOMALY_EVENTS}),
    Table("quarantine", _QUARANTINE, {None: _MERGE_QUARANTINE}),
    Table("unregistered", _UNREGISTERED, {None: _MERGE_UNREGISTERED}),
    Table("devices", DEVICES, {None: MERGE_DEVICES}),
)
