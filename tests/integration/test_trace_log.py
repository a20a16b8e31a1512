"""Finding things in a log whose shape is made for the test: other deliveries, what fell out of retention, long logs."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ingest_kit import City
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from ops.trace import Log, Tables, Trace, Tracer, search
from ops.trace.log import CHUNK
from ops.trace.search import LAG_MS, Search
from ops.trace.tables import Hint
from runtime.errors import FatalError
from runtime.kafka import admin, idempotent_producer
from runtime.settings import DatabaseSettings
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.columns import AcceptedColumns, BatchColumns, SeriesColumns
from schemas.envelope import CloudEvent, encode
from schemas.facility import FacilityClass, Place
from schemas.identity import event_id, reading_id
from schemas.model import format_rfc3339, from_ms
from schemas.partitioning import partition_of
from schemas.topics import ACCEPTED, ANOMALIES, CATALOGUE, DERIVED, EVENTS, Topic
from tests.waiting import eventually

pytestmark = pytest.mark.servers

T0 = 1_795_000_000_000
ZONE = "dma:1"
NOWHERE = DatabaseSettings(dsn="host=127.0.0.1 port=1 dbname=x user=y")


def at_their_time(topic: str) -> ConfigResource:
    """Records carry the time that their writer gave them; the local stack stamps them as they come."""
    return ConfigResource(ConfigResourceType.TOPIC, topic, {"message.timestamp.type": "CreateTime"})


class Written:
    """A log into which the test writes, at the times it says."""

    def __init__(self, city: City) -> None:
        self.city = city
        client = admin(city.kafka)
        try:
            client.alter_configs([at_their_time(topic.full_name(city.kafka.topic_prefix)) for topic in CATALOGUE])
        finally:
            client.close()
        self._producer = idempotent_producer(city.kafka, "test")  # keeps the order
        self._count = 0
        for topic, key in ((EVENTS, ZONE), (DERIVED, ZONE), (ANOMALIES, ZONE), (ACCEPTED, "s")):
            aside = topic.full_name(city.kafka.topic_prefix), (partition_of(key, topic.partitions) + 1) % 4
            eventually(partial(self._is_at_its_time, *aside))

    def _is_at_its_time(self, name: str, partition: int) -> bool:
        sent = self._producer.send(name, value=b"no event", partition=partition, timestamp_ms=T0)
        return bool(sent.get(30).timestamp == T0)

    def write(self, topic: Topic, key: str, data: Any, at_ms: int) -> None:
        self._count += 1
        event = CloudEvent(id=f"e{self._count}", source="/test", time=from_ms(at_ms), data=data)
        name, partition = topic.full_name(self.city.kafka.topic_prefix), partition_of(key, topic.partitions)
        self._producer.send(name, value=encode(event), partition=partition, timestamp_ms=at_ms)

    def reading(self, seq: int, at_ms: int, device: str = "dev", value: float = 1.0) -> None:
        series = SeriesColumns(device, "flow", "m3/h", "F1", FacilityClass.PRESSURE_METER, ZONE)
        batch = BatchColumns("s", [series], [0], [at_ms], [value], [f"a::{seq}"], [0], [at_ms])
        self.write(EVENTS, ZONE, batch, at_ms)

    def flow(self, end_ms: int, begin_ms: int, at_ms: int, source: str = "flow") -> str:
        """One that was derived; gives how it is named."""
        identity = f"d:{end_ms}:{begin_ms}:{source}"
        series = SeriesColumns("dev", "water_level", "m", "F1", FacilityClass.PRESSURE_METER, ZONE)
        self.write(DERIVED, ZONE, BatchColumns("s", [series], [0], [end_ms], [1.0], [identity], [0], [end_ms]), at_ms)
        return f"dev/water_level/{identity}"

    def accepted(self, seq: int, at_ms: int, device: str = "dev") -> bytes:
        said = b'{"property":"flow","value":1,"seq":%d}' % seq
        self.write(ACCEPTED, "s", AcceptedColumns("s", [f"eyes/v1/x/{device}/observations"], [at_ms], [said]), at_ms)
        return said

    def finding(self, *evidence: int, at_ms: int, transition: Transition = Transition.RAISED) -> None:
        anomaly = Anomaly(
            id=event_id("one"),
            transition=transition,
            kind=AnomalyKind.WATER_BURST,
            severity=Severity.MAJOR,
            zone=ZONE,
            subject="F1",
            place=Place(lon=113.85, lat=34.03),
            since=from_ms(at_ms),
            at=from_ms(at_ms),
            summary="something",
            evidence=tuple(reading_id("dev", "flow", f"a::{seq}") for seq in evidence),
            detector="test",
            detector_version=1,
        )
        self.write(ANOMALIES, ZONE, anomaly, at_ms)

    def expire(self, topic: Topic, key: str, offset: int) -> None:
        """What retention does to what is older."""
        client = admin(self.city.kafka)
        try:
            partition = partition_of(key, topic.partitions)
            client.delete_records({TopicPartition(topic.full_name(self.city.kafka.topic_prefix), partition): offset})
        finally:
            client.close()

    def trace(self, text: str) -> Trace:
        self._producer.flush(30)
        log, tables = Log(self.city.kafka), Tables(NOWHERE)
        try:
            return Tracer(log, tables, lambda _line: None).trace(text)
        finally:
            log.close()
            tables.close()

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def written(stack: Any) -> Iterator[Written]:
    written = Written(City.on(stack))
    yield written
    written.close()


ID = str(event_id("one"))


def test_bytes_of_another_delivery_are_said_to_be_that(written: Written) -> None:
    """Ingest died between the readings and their bytes; the message came again, much later and behind others."""
    written.reading(1, T0)
    written.reading(1, T0 + 10 * LAG_MS)
    for number in range(40):
        written.accepted(100 + number, T0 + 9 * LAG_MS + number)
    said = written.accepted(1, T0 + 10 * LAG_MS)
    chain = written.trace("dev/flow/a::1")
    (link,) = chain.links
    assert link.message is not None
    assert (link.again, link.message.payload, link.message.arrival_ms) == (True, said, T0 + 10 * LAG_MS)
    assert (link.row.arrival_ms, chain.missing) == (T0, [])


def test_the_delivery_itself_is_preferred(written: Written) -> None:
    for at_ms in (T0 - 500, T0, T0 + 500):
        written.accepted(1, at_ms)
    written.reading(1, T0)
    (link,) = written.trace("dev/flow/a::1").links
    assert link.message is not None
    assert (link.again, link.message.arrival_ms, link.message.place.offset) == (False, T0, 1)


def test_a_neighbour_s_message_of_the_same_moment_is_not_taken(written: Written) -> None:
    written.reading(1, T0)
    written.accepted(2, T0)
    written.accepted(1, T0, device="dev2")
    chain = written.trace("dev/flow/a::1")
    assert [link.message for link in chain.links] == [None]
    (missing,) = chain.missing
    assert (missing.step, "does not hold it" in missing.why) == ("message", True)


def test_what_fell_out_of_retention_is_said_to_have(written: Written) -> None:
    for seq in (1, 2):
        written.reading(seq, T0 + seq)
        written.accepted(seq, T0 + seq * 10_000)
    written.finding(1, 2, at_ms=T0 + 20_000)
    written.trace(ID)
    written.expire(ACCEPTED, "s", 1)
    written.expire(EVENTS, ZONE, 1)
    chain = written.trace(ID)
    assert len(chain.steps) == 1
    assert [link.row.identity for link in chain.links] == ["a::2"]
    assert [link.message is None for link in chain.links] == [False]
    (missing,) = chain.missing
    assert (missing.step, missing.of) == ("reading", str(reading_id("dev", "flow", "a::1")))
    assert "city.events.v1 4 holds only what was written since 2026-11-18T11:06:40.002Z (retention)" in missing.why
    written.expire(ACCEPTED, "s", 2)
    assert [one.step for one in written.trace(ID).missing] == ["reading", "message"]


def test_a_finding_of_which_the_beginning_is_gone(written: Written) -> None:
    written.reading(1, T0)
    written.accepted(1, T0)
    written.finding(at_ms=T0)
    written.finding(1, at_ms=T0 + 1, transition=Transition.CLEARED)
    assert [step.anomaly.transition for step in written.trace(ID).steps] == [Transition.RAISED, Transition.CLEARED]
    written.expire(ANOMALIES, ZONE, 1)
    chain = written.trace(ID)
    assert len(chain.links) == 1
    assert [(one.step, "raised" in one.why) for one in chain.missing] == [("finding", True)]
    written.expire(ANOMALIES, ZONE, 2)
    with pytest.raises(FatalError, match="nothing with id"):
        written.trace(ID)


def test_a_step_published_twice_is_one_where_only_the_id_says_so(written: Written) -> None:
    written.reading(1, T0)
    written.accepted(1, T0)
    written.finding(1, at_ms=T0)
    written.finding(1, at_ms=T0)  # written with another event id by this test: two steps
    assert len(written.trace(ID).steps) == 2


def test_evidence_far_back_is_found_and_the_first_copy_of_it_is_meant(written: Written) -> None:
    written.reading(1, T0)
    written.accepted(1, T0)
    for number in range(3 * CHUNK):
        written.reading(1000 + number, T0 + 1 + number, device="other")
    written.reading(2, T0 + 10_000)
    written.reading(2, T0 + 10_001)
    written.accepted(2, T0 + 10_000)
    written.finding(1, 2, at_ms=T0 + 20_000)
    chain = written.trace(ID)
    assert {link.row.identity: link.row.arrival_ms for link in chain.links} == {"a::1": T0, "a::2": T0 + 10_000}
    assert not any(link.again for link in chain.links)
    assert chain.missing == []


def test_by_time_only_what_was_written_then_is_read(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint leads to the place at once; what was written long before or after is not looked at."""
    for number in range(300):
        written.reading(number, T0 + number * LAG_MS)
    written._producer.flush(30)
    log = Log(written.city.kafka)
    looked: list[int] = []
    try:
        since = log.since

        def counted(*arguments: Any) -> Iterator[Any]:
            for record in since(*arguments):
                looked.append(record.offset)
                yield record

        log.since = counted  # type: ignore[method-assign]
        hint = Hint("dev", "flow", "a::200", T0 + 200 * LAG_MS, 0, ZONE)
        rows = Search(log).rows([hint])
        assert [row.place.offset for row in rows.values()] == [200]
        assert looked == [200]
        monkeypatch.setattr(search, "BEYOND_RECORDS", 30)
        assert Search(log).rows([Hint("dev", "flow", "a::7", T0 + 200 * LAG_MS, 0, ZONE)]) == {}
        assert (min(looked), max(looked)) == (200, 232)
    finally:
        log.close()


def test_what_kafka_took_late_is_found_behind_what_it_took_meanwhile(written: Written) -> None:
    """Kafka was away for this ingest, not for others."""
    for number in range(20):
        written.reading(100 + number, T0 + number * LAG_MS, device="other")
        written.accepted(100 + number, T0 + number * LAG_MS, device="other")
    series = SeriesColumns("dev", "flow", "m3/h", "F1", FacilityClass.PRESSURE_METER, ZONE)
    late_ms = T0 + 30 * LAG_MS
    written.write(EVENTS, ZONE, BatchColumns("s", [series], [0], [T0], [1.0], ["a::1"], [0], [T0]), late_ms)
    said = b'{"property":"flow","value":1,"seq":1}'
    written.write(ACCEPTED, "s", AcceptedColumns("s", ["eyes/v1/x/dev/observations"], [T0], [said]), late_ms)
    written._producer.flush(30)
    log = Log(written.city.kafka)
    try:
        (row,) = Search(log).rows([Hint("dev", "flow", "a::1", T0, 0, ZONE)]).values()
        ((message, again),) = Search(log).messages([row]).values()
    finally:
        log.close()
    assert (message.payload, message.arrival_ms, again) == (said, T0, False)


def test_a_derived_reading_leads_to_what_it_was_made_of_without_any_tables(written: Written) -> None:
    for seq, at_ms in ((1, T0), (2, T0 + 1000), (3, T0 + 2000)):
        written.reading(seq, at_ms)
        written.accepted(seq, at_ms)
    written.reading(2, T0 + 3000, device="other")
    named = written.flow(T0 + 2000, T0, T0 + 90_000)  # its writer was behind
    trace = written.trace(named)
    assert trace.missing == []
    made, *counts = trace.links
    assert [one.row.identity for one in counts] == ["a::1", "a::3"]
    assert made.made_of == tuple(one.row.id for one in counts)
    assert (made.row.place.topic, made.message) == (DERIVED.name, None)
    assert [one.message is not None for one in counts] == [True, True]


def test_a_count_that_fell_out_of_retention_is_missing_by_its_moment(written: Written) -> None:
    for seq, at_ms in ((1, T0), (2, T0 + 1000)):
        written.reading(seq, at_ms)
        written.accepted(seq, at_ms)
    named = written.flow(T0 + 1000, T0, T0 + 1000)
    written.trace(named)
    written.expire(EVENTS, ZONE, 1)
    (missing,) = written.trace(named).missing
    assert missing.of == f"dev/flow at {format_rfc3339(from_ms(T0))}"
    assert "retention" in missing.why


def test_of_another_channel_nothing_was_made(written: Written) -> None:
    written.reading(1, T0)
    written.reading(2, T0 + 1000)
    assert len(written.trace(written.flow(T0 + 1000, T0, T0 + 1000, "flow@2")).missing) == 2
