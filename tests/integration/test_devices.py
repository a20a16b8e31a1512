"""What is known of devices beyond their readings: twins, who is unknown, and how they become known."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import City, Ingest, facility, reading

from ops.devices.store import read_devices
from schemas.device import DeviceTwin
from schemas.facility import FacilityClass
from schemas.observation import Quality
from schemas.quarantine import Quarantined, Reason, UnregisteredReadings
from schemas.topics import ACCEPTED, DEVICES, UNREGISTERED
from tests.waiting import eventually

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def city(stack: Any) -> City:
    return City.on(stack)


@pytest.fixture
def ingest(city: City, tmp_path: Path) -> Iterator[Ingest]:
    with city.ingest(tmp_path, EYES_INGEST__TWIN_S="0.2") as ingest:
        yield ingest


def twin(city: City, device: str) -> DeviceTwin | None:
    return read_devices(city.kafka).get(device)


def mismatches(city: City, device: str) -> list[Quarantined]:
    """What was refused because somebody else spoke for a device."""
    return [one for one in city.refused() if (one.reason, one.device) == (Reason.IDENTITY_MISMATCH, device)]


def test_a_device_is_unknown_until_a_rule_registers_it(city: City, ingest: Ingest, tmp_path: Path) -> None:
    city.register(facility("F0", "somebody", zone="segment:one", facility_class=FacilityClass.PARKING_BAY))
    city.publish((city.topic("stranger"), reading(5.0, seq=1)))
    eventually(lambda: twin(city, "stranger"))
    (said,) = [json.loads(line) for line in city.eyes(tmp_path, "devices", "unknown", "--json").splitlines()]
    assert (said["device"], said["decoder"], said["registered"]) == ("stranger", "eyes", False)
    assert [(value["property"], value["value"]) for value in said["values"]] == [("pressure", 5000.0)]
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\ndecoder = "eyes"\ndevice = "strang*"\n'
        '[rule.facility]\nfacility = "meter {device}"\nfacility_class = "pressure_meter"\n'
        'zone = "dma:7"\nlon = 113.8\nlat = 34.0\ninterval_s = 300\n'
    )
    assert "1 would be added" in city.eyes(tmp_path, "devices", "register", "--rules", str(rules), "--dry-run")
    assert twin(city, "stranger").registered is False  # type: ignore[union-attr]
    assert "1 added" in city.eyes(tmp_path, "devices", "register", "--rules", str(rules))
    (row,) = city.pressures("stranger", 1)  # what waited is released
    assert (row.facility, row.identity, row.value) == ("meter-stranger", "a::1", 5000.0)
    eventually(lambda: (found := twin(city, "stranger")) is not None and found.registered)
    assert city.eyes(tmp_path, "devices", "unknown", "--json") == ""
    assert "0 added" in city.eyes(tmp_path, "devices", "register", "--rules", str(rules))


def test_a_device_is_registered_by_hand_beside_others(city: City, ingest: Ingest, tmp_path: Path) -> None:
    city.register(facility("F1", "first", properties=("pressure",)))
    city.publish((city.topic("second"), b'{"property": "temperature", "value": 20, "seq": 1}'))
    eventually(lambda: twin(city, "second"))
    assert "1 changed" in city.eyes(tmp_path, "devices", "register", "second", "--facility", "F1")
    (row,) = eventually(lambda: [row for row in city.rows() if row.device == "second"])
    assert (row.facility, row.value) == ("F1", 20.0)


def test_a_twin_goes_on_where_an_earlier_process_ended(city: City, tmp_path: Path) -> None:
    city.register(facility("F2", "known"))
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with city.ingest(folder, EYES_INGEST__TWIN_S="3600") as ingest:
            city.publish((city.topic("known"), reading(float(number), seq=number)))
            city.pressures("known", number)
            assert ingest.stop() == 0
        # it ended in order, so its twins are written though they were not due
        found = twin(city, "known")
        assert found is not None
        assert (found.messages, found.registered) == (number, True)
        assert [value.value for value in found.values] == [number * 1000.0]


def test_only_its_gateway_speaks_for_a_device(city: City, ingest: Ingest) -> None:
    city.register(facility("F3", "probe-3", gateway="gw-1"))
    rows = {"series": [{"device": "probe-3", "property": "pressure", "unit": "kPa"}], "index": [0], "value": [1.0]}
    body = json.dumps(rows | {"seq": [1]}).encode()
    city.publish((city.topic("gw-2", "batch"), body), (city.topic("gw-1", "batch"), body))
    (row,) = city.pressures("probe-3", 1)
    assert row.value == 1000.0
    (refused,) = eventually(lambda: mismatches(city, "probe-3"))  # later where it waited: it may be that quick
    assert refused.mqtt_topic == city.topic("gw-2", "batch")


def test_what_waited_is_released_only_if_its_gateway_may_speak(city: City, ingest: Ingest) -> None:
    rows = {"series": [{"device": "probe-4", "property": "pressure", "unit": "kPa"}], "index": [0], "seq": [1]}
    for value, gateway in enumerate(("gw-2", "gw-1"), 1):  # under one number, as who pretends to be another would
        city.publish((city.topic(gateway, "batch"), json.dumps(rows | {"value": [value]}).encode()))
    eventually(
        lambda: len([one for one in city.of(UNREGISTERED, UnregisteredReadings) if one.device == "probe-4"]) == 2
    )
    city.register(facility("F4", "probe-4", gateway="gw-1"))
    (refused,) = eventually(lambda: mismatches(city, "probe-4"))
    assert (refused.mqtt_topic, json.loads(refused.payload)["value"]) == (city.topic("gw-2", "batch"), [1])
    (row,) = city.pressures("probe-4", 1)
    assert (row.value, row.quality) == (2000.0, Quality.RELEASED)


def test_every_understood_message_is_kept(city: City) -> None:
    kept = [topic for columns in city.of(ACCEPTED, object) for topic in columns.mqtt_topic]
    assert city.topic("known") in kept
    assert {event.data.device for _, event in city.events(DEVICES)} >= {"stranger", "second", "known"}
