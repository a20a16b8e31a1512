"""The database as an index into the log: it says where and when to look, never what is true.

Where it cannot be asked every answer is empty, and the log is searched without it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg

from ingest.unregistered import CAMERA
from ops.database.migrate import connect
from runtime.errors import FatalError
from runtime.settings import DatabaseSettings
from schemas.identity import reading_id
from schemas.model import from_ms, to_ms

SPAN: Final = timedelta(hours=1)
"""Evidence lies at most so far in event time around when the matter began or the step was taken; else the log knows."""
SEARCH_ROWS: Final = 5_000_000

_NAMED: Final = """
SELECT 'finding', finding_id FROM anomalies WHERE finding_id BETWEEN %(low)s AND %(high)s
UNION SELECT 'quarantined', id FROM quarantine WHERE id BETWEEN %(low)s AND %(high)s
UNION SELECT 'unregistered', message_id FROM unregistered WHERE message_id BETWEEN %(low)s AND %(high)s
UNION SELECT 'reading', cited.id FROM anomaly_events, unnest(evidence) AS cited (id)
    WHERE cited.id BETWEEN %(low)s AND %(high)s
"""
_STEPS: Final = "SELECT zone, event_id, log_offset FROM anomaly_events WHERE finding_id = %s ORDER BY log_offset"
_CITED: Final = "SELECT zone, since, at FROM anomaly_events WHERE %s = ANY (evidence) ORDER BY at LIMIT 1"
_ZONE_READINGS: Final = """
SELECT s.device, s.observed_property, o.identity, o.arrival_time, o.quality, g.zone
FROM observations AS o
JOIN series AS s USING (series_id)
JOIN origins AS g USING (origin_id)
WHERE o.series_id = ANY (
    ARRAY(
        SELECT series_id
        FROM series
        WHERE device IN (
            SELECT binding ->> 'device'
            FROM facilities, jsonb_array_elements(devices) AS binding
            WHERE zone = %(zone)s
        )
    )
)
AND o.time BETWEEN %(low)s AND %(high)s
"""
_ZONE_SIGHTINGS: Final = """
SELECT DISTINCT ON (device, identity) device, 'camera', identity, arrival_time, quality, zone
FROM camera_events
WHERE zone = %(zone)s AND time BETWEEN %(low)s AND %(high)s
"""
_READING: Final = """
SELECT s.device, s.observed_property, o.identity, o.arrival_time, o.quality, g.zone
FROM observations AS o
JOIN series AS s USING (series_id)
JOIN origins AS g USING (origin_id)
WHERE o.series_id::text || ':' || o.identity = (
    SELECT series_id::text || ':' || %(identity)s FROM series WHERE device = %(device)s AND observed_property = %(name)s
)
ORDER BY o.arrival_time
LIMIT 1
"""
_AT: Final = """
SELECT s.device, s.observed_property, o.identity, o.arrival_time, o.quality, g.zone
FROM observations AS o
JOIN series AS s USING (series_id)
JOIN origins AS g USING (origin_id)
WHERE s.device = %(device)s AND s.observed_property = %(name)s AND o.time = ANY (%(times)s)
"""
_SIGHTING: Final = """
SELECT device, 'camera', identity, arrival_time, quality, zone
FROM camera_events
WHERE device = %(device)s AND identity = %(identity)s
ORDER BY arrival_time
LIMIT 1
"""
_CHUNKS: Final = """
SELECT range_start, range_end
FROM timescaledb_information.chunks
WHERE hypertable_name = %s
ORDER BY range_start DESC
"""
_CHUNK_READINGS: Final = """
SELECT s.device, s.observed_property, o.identity
FROM observations AS o
JOIN series AS s USING (series_id)
WHERE o.time >= %s AND o.time < %s
"""
_CHUNK_SIGHTINGS: Final = "SELECT device, 'camera', identity FROM camera_events WHERE time >= %s AND time < %s"
_WAITING: Final = "SELECT log_partition, log_offset FROM unregistered WHERE message_id = %s LIMIT 1"
_WAITED: Final = """
SELECT log_partition, log_offset
FROM unregistered
WHERE device = %s AND observed_property = %s AND identity = %s
"""
_REFUSED: Final = "SELECT arrival_time FROM quarantine WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Hint:
    """Where to look for a reading."""

    device: str
    observed_property: str
    identity: str
    arrival_ms: int
    quality: int
    zone: str

    @property
    def id(self) -> UUID:
        """The reading's derived id."""
        return reading_id(self.device, self.observed_property, self.identity)


class Tables:
    """Questions to the database, read only; ``away`` says why it cannot be asked, and is empty when it can."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.away = ""
        self._connection: psycopg.Connection | None = None
        try:
            self._connection = connect(settings)
        except FatalError as error:
            self.away = str(error)

    def close(self) -> None:
        """Leave."""
        if self._connection is not None:
            self._connection.close()

    def named(self, low: UUID, high: UUID) -> list[tuple[str, UUID]]:
        """What has an id in this range: kind and id."""
        return self._ask(_NAMED, {"low": low, "high": high})

    def steps(self, finding: UUID) -> list[tuple[str, str, int]]:
        """Zone, event id and offset of each step of a finding, in the order of the log."""
        return self._ask(_STEPS, (finding,))

    def cited(self, reading: UUID) -> tuple[str, datetime, datetime] | None:
        """Zone, beginning and time of a step that names this reading as evidence."""
        return next(iter(self._ask(_CITED, (reading,))), None)

    def evidence(self, zone: str, around: Sequence[datetime], wanted: set[UUID]) -> dict[UUID, Hint]:
        """Where the readings with these ids are to be found, as far as they were measured around these times."""
        found: dict[UUID, Hint] = {}
        for time in around:
            span = {"zone": zone, "low": time - SPAN, "high": time + SPAN}
            for row in (*self._ask(_ZONE_READINGS, span), *self._ask(_ZONE_SIGHTINGS, span)):
                if len(found) == len(wanted):
                    return found
                hint = _hint(row)
                if hint.id in wanted:
                    found.setdefault(hint.id, hint)
        return found

    def reading(self, device: str, observed_property: str, identity: str) -> Hint | None:
        """Where this reading is to be found."""
        sql: LiteralString = _SIGHTING if observed_property == CAMERA else _READING
        wanted = {"device": device, "name": observed_property, "identity": identity}
        return next(map(_hint, self._ask(sql, wanted)), None)

    def at(self, device: str, observed_property: str, times_ms: Iterable[int]) -> list[Hint]:
        """Where the readings are to be found that were measured at these very times."""
        times = [from_ms(one) for one in sorted(times_ms)]
        return [_hint(row) for row in self._ask(_AT, {"device": device, "name": observed_property, "times": times})]

    def search(self, low: UUID, high: UUID, advance: Callable[[int], None]) -> Hint | None:
        """A reading with an id in this range among the newest that are stored: the ids of all of them are computed."""
        if self._connection is None:
            return None
        seen, found = 0, None
        try:
            for row in self._newest():
                seen += 1
                if seen % 10_000 == 0:
                    advance(10_000)
                if low <= reading_id(*row) <= high:
                    found = row
                    break
                if seen >= SEARCH_ROWS:
                    break
        except psycopg.Error as error:
            self._lost(error)
        return None if found is None else self.reading(*found)

    def _newest(self) -> Iterator[Sequence[Any]]:
        """Sightings and readings, the newest days first."""
        assert self._connection is not None
        tables: tuple[tuple[str, LiteralString], ...] = (
            ("camera_events", _CHUNK_SIGHTINGS),
            ("observations", _CHUNK_READINGS),
        )
        for table, sql in tables:
            for begin, end in self._ask(_CHUNKS, (table,)):
                with self._connection.transaction(), self._connection.cursor("eyes_trace") as cursor:
                    cursor.itersize = 10_000
                    yield from cursor.execute(sql, (begin, end))

    def waiting(self, message: UUID) -> tuple[int, int] | None:
        """Partition and offset of a message that was set aside because nobody had registered its device."""
        return next(iter(self._ask(_WAITING, (message,))), None)

    def waited(self, device: str, observed_property: str, identity: str) -> tuple[int, int] | None:
        """The same by one of its readings."""
        return next(iter(self._ask(_WAITED, (device, observed_property, identity))), None)

    def refused_ms(self, refused: UUID) -> int | None:
        """When a refused message arrived."""
        return next((to_ms(time) for (time,) in self._ask(_REFUSED, (refused,))), None)

    def _ask(self, sql: LiteralString, values: Any) -> list[Any]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(sql, values).fetchall()
        except psycopg.Error as error:
            self._lost(error)
            return []

    def _lost(self, error: psycopg.Error) -> None:
        self.away = " ".join(str(error).split())
        self.close()
        self._connection = None


def _hint(row: Sequence[Any]) -> Hint:
    device, observed_property, identity, arrival, quality, zone = row
    return Hint(device, observed_property, identity, to_ms(arrival), quality, zone)
