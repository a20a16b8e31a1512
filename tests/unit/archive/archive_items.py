"""Records as the archive holds them, for its tests."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from processors.archive.rows import Item, Numbers, Rows
from processors.archive.tables import Horizon
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import CloudEvent, decode, encode
from schemas.facility import FacilityClass, Place
from schemas.model import from_ms
from schemas.topics import EVENTS

T0 = 1_783_267_200_000
HOUR = 3_600_000
DAY = 24 * HOUR
HORIZON = Horizon(lateness_ms=DAY, redelivery_ms=8 * DAY)
NOW = datetime(2026, 7, 6, tzinfo=UTC)
SOME_ID = UUID(int=7)


class One(NamedTuple):
    """A reading; device, identity, event time, quality, value."""

    device: str = "d-1"
    identity: str = "a:b:1"
    time_ms: int = T0
    quality: int = 0
    value: float = 1.0
    observed_property: str = "pressure"
    facility: str = "f-1"
    zone: str = "dma:1"


def batch(*readings: One, arrival_ms: int = T0) -> BatchColumns:
    series: list[SeriesColumns] = []
    index = []
    for one in readings:
        of = SeriesColumns(
            one.device, one.observed_property, "Pa", one.facility, FacilityClass.PRESSURE_METER, one.zone
        )
        if of not in series:
            series.append(of)
        index.append(series.index(of))
    return BatchColumns(
        shard="s",
        series=series,
        series_index=index,
        phenomenon_time=[one.time_ms for one in readings],
        result=[one.value for one in readings],
        identity=[one.identity for one in readings],
        result_quality=[one.quality for one in readings],
        arrival_time=[arrival_ms for _ in readings],
    )


def event(data: Any, identifier: str = "e-1", at: datetime = NOW) -> CloudEvent:
    return CloudEvent(id=identifier, source="/test", time=at, data=data)


def item(data: Any, offset: int = 0, *, partition: int = 0, topic: str = EVENTS.name, at: datetime = NOW) -> Item:
    """As it comes out of the log: encoded and decoded."""
    raw = encode(event(data, f"{topic}/{partition}/{offset}", at))
    return Item(topic, partition, offset, T0, raw, decode(raw))


def anomaly(**more: Any) -> Anomaly:
    values: dict[str, Any] = {
        "id": SOME_ID,
        "transition": Transition.RAISED,
        "kind": AnomalyKind.COVER_OPEN,
        "severity": Severity.CRITICAL,
        "zone": "grid:1",
        "subject": "c-1",
        "place": Place(lon=113.8, lat=34.0),
        "since": NOW,
        "at": NOW,
        "summary": "open",
        "numbers": {"b": 2.0, "a": 1.0},
        "detector": "cover",
        "detector_version": 4,
        **more,
    }
    return Anomaly(**values)


def broken(raw: bytes, error: str = "no event", offset: int = 0) -> Item:
    return Item(EVENTS.name, 0, offset, T0, raw, None, error)


def rows_of(*items: Item, horizon: Horizon = HORIZON) -> Rows:
    numbers = Numbers()
    series, origins = numbers.unknown(items)
    numbers.series.update({key: number for number, key in enumerate(sorted(series), start=1)})
    numbers.origins.update({key: number for number, key in enumerate(sorted(origins), start=1)})
    rows = Rows(horizon)
    for one in items:
        rows.add(one, numbers)
    return rows


def at(ms: int) -> datetime:
    return from_ms(ms)
