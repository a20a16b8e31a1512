"""What is looked up in the log is what was taken in, also where a message was delivered twice."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from ops.trace.chain import Place, Row
from ops.trace.search import Search
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import CloudEvent, encode
from schemas.facility import FacilityClass
from schemas.identity import derivation, derived, numbered
from schemas.model import from_ms
from schemas.observation import Quality
from schemas.topics import DERIVED, Topic

HOUR = 3_600_000
T0 = 1_795_000_000_000
ARRIVED = T0 + 10 * HOUR


def record(offset: int, *readings: tuple[int, int]) -> Any:
    """Counts of one meter: hour and milliseconds after :data:`ARRIVED`; the number of each is its hour."""
    data = BatchColumns(
        shard="s",
        series=[SeriesColumns("m", "pulse_count", "1", "f", FacilityClass.FLOW_METER, "dma:1")],
        series_index=[0] * len(readings),
        phenomenon_time=[T0 + hour * HOUR for hour, _ in readings],
        result=[float(hour) for hour, _ in readings],
        identity=[numbered("b", hour) for hour, _ in readings],
        result_quality=[0] * len(readings),
        arrival_time=[ARRIVED + later_ms for _, later_ms in readings],
    )
    value = encode(CloudEvent(id=f"e-{offset}", source="/test", time=from_ms(T0), data=data))
    return SimpleNamespace(partition=0, offset=offset, timestamp=ARRIVED, value=value)


class Records:
    """The log of one partition, read backwards in two chunks."""

    def __init__(self, *records: Any) -> None:
        self._records = records

    def before(self, topic: Topic, partition: int, to_ms: int, limit: int) -> Iterator[list[Any]]:
        """See :class:`ops.trace.log.Log`."""
        del topic, partition, to_ms, limit
        yield list(self._records[-2:])
        yield list(self._records[:-2])

    def place(self, topic: Topic, one: Any) -> Place:
        """See :class:`ops.trace.log.Log`."""
        return Place(topic.name, one.partition, one.offset, one.timestamp)


def test_of_copies_the_first_is_what_a_derived_reading_was_made_of() -> None:
    identity = derived(made := derivation(f"d:{T0 + 2 * HOUR}:{T0 + HOUR}:pulse_count"))  # type: ignore[arg-type]
    assert made is not None
    flow = Row(
        place=Place(DERIVED.name, 0, 0, ARRIVED),
        device="m",
        observed_property="flow",
        identity=identity,
        value=1.0,
        unit="m3/h",
        time_ms=T0 + 2 * HOUR,
        arrival_ms=ARRIVED + 500,
        quality=Quality.GOOD,
        shard="s",
        facility="f",
        zone="dma:1",
    )
    log: Any = Records(record(0, (0, 0)), record(1, (1, 3), (2, 4), (1, 7)), record(2, (2, 9)))
    found = Search(log).counts(flow, made, [])
    assert sorted((one.place.offset, one.value, one.arrival_ms - ARRIVED) for one in found) == [
        (1, 1.0, 3),
        (1, 2.0, 4),
    ]
