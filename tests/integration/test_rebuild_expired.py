"""``eyes rebuild`` where the log has forgotten its beginning: what only the old tables know is carried over."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archive_kit import DAY, HORIZON, NOW, T0, Store, connect, finding, readings
from rebuild_kit import archived, difference, expire, eyes, generation, raw_records
from test_archive import _facility, _write_one_of_each

from ops.database.generations import make
from ops.rebuild.carry import NUMBERED
from processors.archive.records import item_of
from processors.archive.sink import Sink
from processors.archive.store import store
from schemas.anomaly import Transition
from schemas.columns import BatchColumns
from schemas.topics import ANOMALIES, DERIVED, EVENTS, QUARANTINE, UNREGISTERED
from tests.servers import TestStack

pytestmark = pytest.mark.servers

LONG_AGO = T0 - 100 * DAY
SOON = (
    round(time.time() * 1000) + 2 * DAY
)  # the log's times are the broker's; what arrives behind its beginning is later


@pytest.fixture
def city(stack: TestStack) -> Iterator[Store]:
    with Store.on(stack) as city:
        yield city


def arrived(batch: BatchColumns, at_ms: int) -> BatchColumns:
    batch.arrival_time[:] = [at_ms] * len(batch.arrival_time)
    return batch


def moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}Z"


def test_what_the_log_has_lost_is_carried_over_and_the_rest_is_made_anew(city: Store, tmp_path: Path) -> None:
    # Some numbers are used up, so that the two generations do not give the same ones.
    for table, columns in NUMBERED:
        city.run(f"INSERT INTO {table} ({columns}) SELECT n, '', '' FROM generate_series(1, 7) AS n")
        city.run(f"DELETE FROM {table}")
    _write_one_of_each(city)
    city.write(readings([f"a:b:{n}" for n in range(10, 40)], device="d-2"), partition=2)
    city.write(readings([f"a:b:{n}" for n in range(20, 60)], device="d-2"), partition=2)
    archived(city, tmp_path)
    for topic, partition, before in ((EVENTS, 0, 8), (EVENTS, 1, 1), (EVENTS, 2, 1), (ANOMALIES, 0, 1)):
        expire(city, topic, partition, before)
    expire(city, QUARANTINE, 0, 2)
    expire(city, UNREGISTERED, 0, 1)

    said = eyes(city, tmp_path, "rebuild")
    assert "Older rows are carried over" in said
    for topic, partition, before in ((EVENTS, 0, 8), (EVENTS, 2, 1), (ANOMALIES, 0, 1)):
        assert f"{city.topic(topic)} │ {partition} │ {before} │ 2" in said
    assert f"{city.topic(EVENTS)} │ 1 │ 1 │ holds nothing" in said
    assert "neither in the log nor" not in said
    assert generation(city) == 2
    assert difference(city, "eyes_g1", "eyes_g2") == {}
    archived(city, tmp_path)  # and it can go on from there
    assert city.sql("SELECT identity, released FROM unregistered WHERE released ORDER BY 1") == [
        ("a::1", True),
        ("a::2", True),
    ]


def test_the_log_is_believed_where_it_still_speaks(city: Store, tmp_path: Path) -> None:
    """A row that is wrong in the old tables is put right if the log holds it, and kept if only they know it."""
    city.write(arrived(readings(["a:b:old"]), LONG_AGO))
    city.write(arrived(readings(["a:b:new"]), SOON))
    archived(city, tmp_path)
    expire(city, EVENTS, 0, 1)
    city.run("UPDATE observations SET result = 99")
    eyes(city, tmp_path, "rebuild")
    assert city.sql("SELECT identity, result FROM readings ORDER BY 1") == [("a:b:new", 0.0), ("a:b:old", 99.0)]


def test_what_was_derived_is_carried_over_by_what_its_own_topic_has_lost(city: Store, tmp_path: Path) -> None:
    city.write(arrived(readings(["a:b:old"]), LONG_AGO), arrived(readings(["a:b:new"]), SOON))
    flows = [f"d:{T0}:{T0 - number}:pulse_count" for number in (2, 1)]
    for identity, at_ms in zip(flows, (LONG_AGO, SOON), strict=True):
        city.write(arrived(readings([identity], device="d-9"), at_ms), topic=DERIVED)
    archived(city, tmp_path)
    expire(city, DERIVED, 0, 1)
    city.run("UPDATE observations SET result = 99")
    eyes(city, tmp_path, "rebuild")
    # Of readings that devices sent the log has lost nothing, and it is believed.
    assert city.sql("SELECT identity, result FROM readings ORDER BY 1") == [
        ("a:b:new", 0.0),
        ("a:b:old", 0.0),
        (flows[0], 99.0),
        (flows[1], 0.0),
    ]


def test_a_copy_in_the_log_does_not_displace_the_first_which_only_the_old_tables_have(
    city: Store, tmp_path: Path
) -> None:
    city.write(arrived(readings(["a:b:1"]), T0))
    city.write(arrived(readings(["a:b:1"], time_ms=T0 + DAY // 2), T0 + DAY))
    archived(city, tmp_path)
    expire(city, EVENTS, 0, 1)
    eyes(city, tmp_path, "rebuild")
    assert difference(city, "eyes_g1", "eyes_g2") == {}
    assert city.sql("SELECT time FROM readings") == [(datetime.fromtimestamp(T0 / 1000, UTC),)]


def test_a_table_never_shrinks_unless_it_is_said_from_when_on_rows_matter(city: Store, tmp_path: Path) -> None:
    city.write(arrived(readings([f"a:b:{n}" for n in range(5)]), LONG_AGO))
    city.write(arrived(readings(["a:c:0", "a:c:1"]), SOON))
    archived(city, tmp_path)
    # Rows that the log would have to hold, and does not: nobody knows where they are from.
    city.run("INSERT INTO observations SELECT time, %s, now(), 1, series_id, origin_id, 0, 'a:x:' || identity "
             "FROM observations LIMIT 3", datetime.fromtimestamp(SOON / 1000 + 3600, UTC))  # fmt: skip
    expire(city, EVENTS, 0, 1)
    refused = eyes(city, tmp_path, "rebuild", code=1)
    assert "not switched: tables would become smaller: observations 7 instead of 10" in refused
    assert "--discard-before" in refused
    assert generation(city) == 1
    # Not even the old ones may go: the time says which.
    early = eyes(city, tmp_path, "rebuild", "--discard-before", moment(SOON), code=1)
    assert f"since {moment(SOON)[:10]}" in early
    assert "observations 2 instead of 5" in early
    assert generation(city) == 1
    eyes(city, tmp_path, "rebuild", "--discard-before", moment(SOON + DAY))
    assert generation(city) == 2
    assert city.count("observations") == 7


def test_rows_older_than_the_time_given_are_not_carried_over(city: Store, tmp_path: Path) -> None:
    city.write(arrived(readings(["a:b:0"]), LONG_AGO), arrived(readings(["a:b:1"]), LONG_AGO + 5 * DAY))
    city.write(arrived(readings(["a:c:0"]), T0))
    archived(city, tmp_path)
    expire(city, EVENTS, 0, 2)
    eyes(city, tmp_path, "rebuild", "--discard-before", moment(LONG_AGO + DAY))
    assert city.identities() == ["a:b:1", "a:c:0"]


def test_retention_that_overtakes_an_interrupted_rebuild(city: Store, tmp_path: Path) -> None:
    city.write(_facility("f-1", "grid:1"), at=NOW)
    city.write(*(readings([f"a:b:{n}"]) for n in range(30)))
    city.write(_facility("f-1", "grid:2"), at=NOW + timedelta(hours=1))
    city.write(*(readings([f"a:c:{n}"]) for n in range(10)))
    city.write(finding(Transition.RAISED, NOW), topic=ANOMALIES)
    archived(city, tmp_path)
    with connect(city.database) as connection:  # as one that was interrupted early leaves it
        made = make(connection)
    with closing(Sink(city.database, city.archive_name, filling=made.number)) as sink:
        sink.take_over({(city.topic(), 0): 0})
        for record in raw_records(city, 0, 5):
            item = item_of(record.topic, 0, record.offset, record.timestamp, record.value)
            list(store(sink, [item], {(city.topic(), 0): record.offset + 1}, HORIZON))
    expire(city, EVENTS, 0, 35)
    said = eyes(city, tmp_path, "rebuild")
    assert "going on with generation 2" in said
    assert f"{city.topic()} │ 0 │ 35 │" in said
    assert difference(city, "eyes_g1", "eyes_g2") == {}
    assert city.sql("SELECT zone FROM facilities") == [("grid:2",)]


def test_offsets_that_nobody_has_are_named(city: Store, tmp_path: Path) -> None:
    city.write(readings(["a:b:0"]))
    archived(city, tmp_path)
    city.write(*(readings([f"a:c:{n}"]) for n in range(5)))
    expire(city, EVENTS, 0, 4)
    said = eyes(city, tmp_path, "rebuild")
    assert f"{city.topic()}/0: offsets 1 to 4 are neither in the log nor in the old tables" in said
    assert city.identities() == ["a:b:0", "a:c:3", "a:c:4"]
