"""From events to rows: pure, and the only place that knows both the messages and the tables' columns.

The order of events is kept and the first of equal identities wins, here within a batch as the merge does against what
is stored; so how the log was cut into batches cannot matter. (It may for a device whose counter begins anew within the
horizon, where a reading is a copy of one that was itself left out: such a device is outside of what is promised.)
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from processors.archive.changes import Change, Params, change_of
from processors.archive.devices import device_row
from processors.archive.tables import Horizon, Reach
from schemas.anomaly import Anomaly
from schemas.camera import CameraEvent
from schemas.columns import BatchColumns, SeriesColumns
from schemas.device import DeviceTwin
from schemas.envelope import CloudEvent
from schemas.identity import event_id
from schemas.model import from_ms, to_ms
from schemas.observation import Quality
from schemas.quarantine import Quarantined, Reason, UnregisteredReadings

Row = tuple[Any, ...]
SeriesKey = tuple[str, str]  # device, property
OriginKey = tuple[str, str, str]  # facility, class, zone

_EPOCH_2000_MS: Final = 946_684_800_000
_LATEST_MS: Final = 253_402_300_799_999  # schemas.model.MS
_HIGHEST_QUALITY: Final = int(max(Quality))
_NUL_ESCAPE: Final = b"\\u0000"  # the only way a NUL can stand in a JSON text
_NUL_SIGN: Final = "␀"  # U+2400; PostgreSQL stores no NUL
_DETAIL_MAX: Final = 1024
_OWN_TIME: Final = (int(Quality.GOOD), int(Quality.RELEASED))  # plain integers compare and pack faster
_FIXED, _NUMBERED, _MOVED = map(int, Reach)


@dataclass(frozen=True, slots=True)
class Item:
    """A record of the log as the archive holds it: decoded, or with the reason why it could not be."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    raw: bytes
    event: CloudEvent | None
    error: str = ""

    @property
    def rows(self) -> int:
        """About how many rows it will give."""
        data = None if self.event is None else self.event.data
        return len(data.result) if isinstance(data, BatchColumns) else 1

    @property
    def arrival_ms(self) -> int | None:
        """Wall time at which the oldest message in it arrived, for latency; None where it carries none."""
        match None if self.event is None else self.event.data:
            case BatchColumns(arrival_time=times) if times:
                return times[0]
            case CameraEvent(arrival_ms=time_ms):
                return time_ms
            case Quarantined(arrival_time=time):
                return to_ms(time)
            case _:
                return None


@dataclass(slots=True)
class Numbers:
    """The numbers that stand for series and origins in the database; only ever added to."""

    series: dict[SeriesKey, int] = field(default_factory=dict)
    origins: dict[OriginKey, int] = field(default_factory=dict)

    def unknown(self, items: Iterable[Item]) -> tuple[dict[SeriesKey, str], set[OriginKey]]:
        """The series (with unit) and origins of these items that have no number yet."""
        series: dict[SeriesKey, str] = {}
        origins: set[OriginKey] = set()
        for one in (one for item in items for one in _series_of(item)):
            if (key := _series_key(one)) not in self.series:
                series.setdefault(key, one.unit)
            if (origin := _origin_key(one)) not in self.origins:
                origins.add(origin)
        return series, origins


@dataclass(slots=True)
class Rows:
    """The rows of a batch by table, in log order, and the changes of current states."""

    horizon: Horizon
    tables: dict[str, list[Row]] = field(default_factory=dict)
    changes: list[tuple[Change, Params]] = field(default_factory=list)
    repeated: dict[str, int] = field(default_factory=dict)
    """Rows left out because an earlier one of the same batch has their identity."""
    _first: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    _more: dict[tuple[Any, ...], list[Row]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Rows of all tables."""
        return sum(map(len, self.tables.values()))

    def add(self, item: Item, numbers: Numbers) -> None:
        """Append what an item says.

        Raises:
            KeyError: a series has no number; see :meth:`Numbers.unknown`.
            ValueError: a time or a quality that there is not.
        """
        if item.event is None:
            self._append("quarantine", poison_row(item, item.error, item.raw))
            return
        scrub = _NUL_ESCAPE in item.raw
        match item.event.data:
            case BatchColumns() as columns:
                self._observations(_scrub_batch(columns) if scrub else columns, numbers)
            case CameraEvent() as camera:
                self._camera(_scrubbed(_camera_row(camera), scrub))
            case Anomaly() as anomaly:
                self._append("anomaly_events", _scrubbed(_anomaly_row(item, item.event.id, anomaly), scrub))
            case Quarantined() as refused:
                self._append("quarantine", _scrubbed(_quarantine_row(refused), scrub))
            case UnregisteredReadings() as waiting:
                for row in _unregistered_rows(item, waiting):
                    self._append("unregistered", _scrubbed(row, scrub))
            case DeviceTwin() as twin:
                self._append("devices", _scrubbed(device_row(twin, item.offset), scrub))
            case _:
                if change := change_of(item.event, item.partition):
                    self.changes.append((change[0], _scrubbed(tuple(change[1]), scrub)))

    def _append(self, table: str, row: Row) -> None:
        self.tables.setdefault(table, []).append(row)

    def _observations(self, columns: BatchColumns, numbers: Numbers) -> None:
        """The hot path: everything that many readings share is looked up once per series."""
        _check(columns)
        series = [numbers.series[_series_key(one)] for one in columns.series]
        origins = [numbers.origins[_origin_key(one)] for one in columns.series]
        append = self.tables.setdefault("observations", []).append
        first = self._first
        for index, time, result, identity, quality, arrival in zip(
            columns.series_index,
            columns.phenomenon_time,
            columns.result,
            columns.identity,
            columns.result_quality,
            columns.arrival_time,
            strict=True,
        ):
            number = series[index]
            if identity.startswith((f"b:{time}:", f"d:{time}:")):
                reach = _FIXED
            elif quality in _OWN_TIME and identity.startswith("a:"):
                reach = _NUMBERED
            else:
                reach = _MOVED
            row = (
                (time - _EPOCH_2000_MS) * 1000,
                (arrival - _EPOCH_2000_MS) * 1000,
                result,
                number,
                origins[index],
                quality,
                identity,
                reach,
            )
            key = (number, identity)
            if first.setdefault(key, row) is row or not self._is_copy(key, row):
                append(row)
            else:
                self._repeat("observations")

    def _is_copy(self, key: tuple[Any, ...], row: Row) -> bool:
        """Whether an earlier row of the batch is the same reading; if not, this one is remembered too."""
        time, reach = row[0], row[7]
        near, far = self.horizon.reach(reach) * 1000, self.horizon.redelivery_ms * 1000
        more = self._more.setdefault(key, [])
        for other in (self._first[key], *more):
            moved = other[5] > Quality.UNTIMED
            if abs(time - other[0]) <= (far if moved else near):
                return True
        more.append(row)
        return False

    def _camera(self, row: Row) -> None:
        """A camera's message counts once per facility it touches, whatever time a copy carries."""
        key = (row[6], row[7], row[8], row[12])
        earlier = [self._first.setdefault(key, row), *self._more.get(key, ())]
        if earlier[0] is not row:
            if any(abs(row[0] - other[0]) <= self.horizon.redelivery_ms * 1000 for other in earlier):
                self._repeat("camera_events")
                return
            self._more.setdefault(key, []).append(row)
        self._append("camera_events", row)

    def _repeat(self, table: str) -> None:
        self.repeated[table] = self.repeated.get(table, 0) + 1


def pieces(item: Item) -> Iterator[tuple[Item, bytes]]:
    """An item as the smallest items it can be cut into, each with the bytes that stand for it alone."""
    if item.event is None or not isinstance(item.event.data, BatchColumns):
        yield item, item.raw
        return
    columns = item.event.data
    for row in range(len(columns.result)):
        one = BatchColumns(
            shard=columns.shard,
            series=[columns.series[columns.series_index[row]]],
            series_index=[0],
            phenomenon_time=[columns.phenomenon_time[row]],
            result=[columns.result[row]],
            identity=[columns.identity[row]],
            result_quality=[columns.result_quality[row]],
            arrival_time=[columns.arrival_time[row]],
        )
        event = CloudEvent(id=item.event.id, source=item.event.source, time=item.event.time, data=one)
        reading = {
            "device": one.series[0].device,
            "observedProperty": one.series[0].observed_property,
            "facility": one.series[0].facility,
            "zone": one.series[0].zone,
            "identity": one.identity[0],
            "result": one.result[0],
            "phenomenonTime": one.phenomenon_time[0],
            "resultQuality": one.result_quality[0],
            "arrivalTime": one.arrival_time[0],
        }
        raw = msgspec.json.encode(reading)
        yield Item(item.topic, item.partition, item.offset, item.timestamp_ms, item.raw, event), raw


def poison_row(item: Item, error: str, payload: bytes, piece: int = 0) -> Row:
    """The quarantine row of what could not be read or stored; its id is the same whenever it is read again."""
    where = f"{item.topic}, partition {item.partition}, offset {item.offset}"
    identity = event_id("poison", item.topic, item.partition, item.offset, piece)
    device = None
    if item.event is not None and isinstance(item.event.data, BatchColumns) and len(item.event.data.series) == 1:
        device = item.event.data.series[0].device
    row = (
        *(identity, Reason.POISON.value, None, f"{where}: {error}"[:_DETAIL_MAX], None, device),
        *(payload, len(payload), from_ms(max(0, item.timestamp_ms)), "archive"),
    )
    return _scrubbed(row, scrub=True)


def _check(columns: BatchColumns) -> None:
    """What the message's model bounds and its fast decoder does not; COPY would cut an integer to its column's bytes.

    Raises:
        ValueError: naming the column.
    """
    for name, values, highest in (
        ("phenomenonTime", columns.phenomenon_time, _LATEST_MS),
        ("arrivalTime", columns.arrival_time, _LATEST_MS),
        ("resultQuality", columns.result_quality, _HIGHEST_QUALITY),
    ):
        if values and not 0 <= min(values) <= max(values) <= highest:
            raise ValueError(f"{name}: outside of 0 to {highest}")


def _series_of(item: Item) -> list[SeriesColumns]:
    if item.event is None or not isinstance(item.event.data, BatchColumns):
        return []
    columns = item.event.data
    return _scrub_batch(columns).series if _NUL_ESCAPE in item.raw else columns.series


def _series_key(one: SeriesColumns) -> SeriesKey:
    return one.device, one.observed_property


def _origin_key(one: SeriesColumns) -> OriginKey:
    return one.facility, one.facility_class.value, one.zone


def _pg_time(ms: int) -> int:
    """Microseconds since 2000: how PostgreSQL's binary format has a timestamptz."""
    return (ms - _EPOCH_2000_MS) * 1000


def from_pg_time(pg_time: int) -> datetime:
    """The time of a row's first columns.

    Raises:
        ValueError: no calendar has it.
    """
    try:
        return from_ms(pg_time // 1000 + _EPOCH_2000_MS)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _camera_row(event: CameraEvent) -> Row:
    return (
        *(_pg_time(event.time_ms), _pg_time(event.arrival_ms), event.confidence),
        *(event.result_quality, event.present, event.stationary, event.device, event.facility, event.zone),
        *(event.phase.value, event.track, event.label, event.identity, _MOVED),
    )


def _anomaly_row(item: Item, identifier: str, it: Anomaly) -> Row:
    place = it.place
    return (
        *(it.at, it.since, it.arrival_time, it.id, identifier, it.kind.value, it.transition.value),
        *(it.severity.value, it.zone, it.subject, it.facility, it.facility_class and it.facility_class.value),
        *(place.lon, place.lat, place.grid, place.district, place.address, it.summary, it.reason, it.score),
        json.dumps(it.numbers, sort_keys=True, ensure_ascii=False),
        _uuid_array(it.evidence),
        *(it.detector, it.detector_version, item.offset, it.expected, it.caused_by, it.verify),
        it.rule,
    )


def _uuid_array(ids: Iterable[UUID]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def _quarantine_row(it: Quarantined) -> Row:
    return (
        *(it.id, it.reason.value, it.field, it.detail, it.mqtt_topic, it.device),
        *(it.payload, it.payload_bytes, it.arrival_time, it.source),
    )


def _unregistered_rows(item: Item, it: UnregisteredReadings) -> Iterator[Row]:
    for observed_property, identity in it.identities:
        yield (
            *(it.device, observed_property, identity, it.id, it.mqtt_topic, it.arrival_time),
            *(item.partition, item.offset),
        )


def _scrubbed(row: Row, scrub: bool) -> Row:  # noqa: FBT001 - a private switch
    """The row with every NUL written as its sign, in texts and in JSON within texts."""
    return tuple(_scrub(value) if isinstance(value, str) else value for value in row) if scrub else row


def _scrub(text: str) -> str:
    return text.replace("\0", _NUL_SIGN).replace("\\u0000", _NUL_SIGN)


def _scrub_batch(columns: BatchColumns) -> BatchColumns:
    series = [
        msgspec.structs.replace(
            one,
            device=_scrub(one.device),
            observed_property=_scrub(one.observed_property),
            unit=_scrub(one.unit),
            facility=_scrub(one.facility),
            zone=_scrub(one.zone),
        )
        for one in columns.series
    ]
    return msgspec.structs.replace(columns, series=series, identity=[_scrub(text) for text in columns.identity])
