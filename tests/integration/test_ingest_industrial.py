"""Formats of industry and of standards, from the broker to the log."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest
from ingest_kit import City, Ingest, Row, facility

from ingest.decoders.sparkplug.wire import MESSAGES
from schemas.quarantine import Reason
from tests.waiting import eventually

pytestmark = pytest.mark.servers

DOUBLE, STRING = 10, 12


@pytest.fixture(scope="module")
def city(stack: Any) -> City:
    return City.on(stack)


def listening(city: City, folder: Path) -> Ingest:
    filters = [f"{city.site}/#", f"eyes/v1/{city.site}/#", f"spBv1.0/{city.site}/#"]
    return city.ingest(folder, EYES_INGEST__TOPIC_FILTERS=json.dumps(filters))


@pytest.fixture
def ingest(city: City, tmp_path: Path) -> Iterator[Ingest]:
    with listening(city, tmp_path) as ingest:
        yield ingest


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def payload(seq: int, *metrics: dict[str, Any]) -> bytes:
    found = MESSAGES["Payload"](timestamp=now_ms(), seq=seq)
    for metric in metrics:
        found.metrics.add(**metric)
    return bytes(found.SerializeToString())


def rows_of(city: City, device: str, count: int) -> list[Row]:
    def found() -> list[Row]:
        return [row for row in city.rows() if row.device == device]

    rows: list[Row] = eventually(lambda: rows if len(rows := found()) >= count else None)
    return rows


def test_sparkplug_is_asked_for_its_births_and_read_by_them_also_by_the_next_process(
    city: City, tmp_path: Path
) -> None:
    root, device = f"spBv1.0/{city.site}", f"{city.site}/plc1/P-7"
    city.register(facility("F1", device))
    heard: list[tuple[str, bytes]] = []

    def data(seq: int, bar: float) -> tuple[str, bytes]:
        return f"{root}/DDATA/plc1/P-7", payload(seq, {"alias": 1, "double_value": bar})

    def births() -> list[tuple[str, bytes]]:
        pressure = {"name": "Pressure", "alias": 1, "datatype": DOUBLE, "double_value": 1.0}
        units = {"name": "Units", "datatype": STRING, "string_value": "bar"}
        bd_seq = {"name": "bdSeq", "datatype": 8, "long_value": 0}
        return [
            (f"{root}/NBIRTH/plc1", payload(0, bd_seq)),
            (f"{root}/DBIRTH/plc1/P-7", payload(1, pressure, units)),
        ]

    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with listening(city, folders[0]) as first, city.publisher("device") as node:
        node.on_message = lambda _client, _data, message: heard.append((message.topic, message.payload))
        node.subscribe(f"{root}/NCMD/plc1", qos=1)
        city.publish(data(9, 2.0))
        eventually(lambda: heard)
        assert MESSAGES["Payload"].FromString(heard[0][1]).metrics[0].name == "Node Control/Rebirth"
        (refused,) = eventually(city.refused)
        assert (refused.reason, refused.device) == (Reason.UNKNOWN_ALIAS, device)
        city.publish(*births(), data(2, 3.0))
        rows_of(city, device, 3)
        eventually(lambda: first.settled)
        assert first.stop() == 0
    with listening(city, folders[1]) as second:
        city.publish(data(3, 4.0))
        rows = rows_of(city, device, 4)
        eventually(lambda: second.settled)
    pressures = [row.value for row in rows if row.observed_property == "pressure"]
    assert pressures == [100_000.0, 300_000.0, 400_000.0]
    assert len(heard) == 1
    assert len(city.refused()) == 1


def test_senml_in_both_forms(city: City, ingest: Ingest) -> None:
    device = "urn:dev:mac:0024befffe804ff1"
    city.register(facility("F2", device))
    said = {"n": f"{device}:temperature", "u": "Cel", "v": 21.5, "t": now_ms() / 1000}
    in_cbor = {0: f"{device}:humidity", 1: "%RH", 2: 40, 6: now_ms() / 1000}
    city.publish(
        (f"{city.site}/senml/x", json.dumps([said]).encode()), (f"{city.site}/any/where", cbor2.dumps([in_cbor]))
    )
    rows = rows_of(city, device, 2)
    assert {(row.observed_property, row.value) for row in rows} == {("temperature", 21.5), ("humidity", 40.0)}


def test_sensorthings_observations_by_the_datastream_published_before(city: City, ingest: Ingest) -> None:
    device = f"{city.site}/Datastreams(42)"
    city.register(facility("F3", device))
    stream = {"@iot.id": 42, "name": "Level", "unitOfMeasurement": {"name": "centimetre", "symbol": "cm"}}
    root = f"{city.site}/v1.1/Datastreams(42)"
    city.publish((root, json.dumps(stream).encode()), (f"{root}/Observations", b'{"result": 250}'))
    (row,) = rows_of(city, device, 1)
    assert (row.observed_property, row.value) == ("water_level", 2.5)


def test_a_batch_of_several_devices(city: City, ingest: Ingest) -> None:
    city.register(facility("F4", "pipe-1"), facility("F5", "pipe-2"))
    body = {
        "series": [
            {"device": "pipe-1", "property": "pressure", "unit": "kPa"},
            {"device": "pipe-2", "property": "fault"},
        ],
        "index": [0, 1, 0, 0],
        "value": [1, True, "x", 2],
        "seq": [1, 1, 2, 3],
    }
    city.publish((city.topic("gw", "batch"), json.dumps(body).encode()))
    assert [row.value for row in rows_of(city, "pipe-1", 2)] == [1000.0, 2000.0]
    assert [row.value for row in rows_of(city, "pipe-2", 1)] == [1.0]
    (refused,) = [one for one in city.refused() if one.mqtt_topic == city.topic("gw", "batch")]
    assert (refused.reason, refused.field) == (Reason.SCHEMA, "value[2]")
