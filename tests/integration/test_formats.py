"""One message of each published format, from the real broker to the log: recognised, decoded, in its device's
series; and what a format needs of earlier messages, over a restart.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import cbor2
import pytest
from ingest_kit import City, Ingest, facility

from ingest.decoders.sparkplug.wire import Payload
from ops.devices.store import read_devices
from schemas.camera import CameraEvent
from schemas.facility import FacilityClass
from schemas.quarantine import Reason
from schemas.topics import CONTEXTS, EVENTS
from tests.waiting import eventually

pytestmark = pytest.mark.servers

T: Final = 1_795_000_000_000
EUI: Final = "24e124713c210042"
APPLICATION: Final = "0b8a3c9e-5f4d-4a57-9a63-1f0b8f8f2c11"
ONVIF: Final = """<?xml version="1.0" encoding="UTF-8"?>
<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:Event>
<wsnt:NotificationMessage xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2">
<wsnt:Topic Dialect="http://docs.oasis-open.org/wsn/t-1/TopicExpression/Simple">tns1:RuleEngine/CellMotionDetector/Motion</wsnt:Topic>
<wsnt:Message><tt:Message UtcTime="2026-11-18T11:06:40Z" PropertyOperation="Changed">
<tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="0"/></tt:Source>
<tt:Data><tt:SimpleItem Name="IsMotion" Value="true"/></tt:Data></tt:Message></wsnt:Message>
</wsnt:NotificationMessage></tt:Event></tt:MetadataStream>"""
ISAPI: Final = """<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<macAddress>ac:b9:2f:00:11:22</macAddress><channelID>1</channelID><dateTime>2026-11-18T19:06:40+08:00</dateTime>
<activePostCount>1</activePostCount><eventType>VMD</eventType><eventState>active</eventState>
</EventNotificationAlert>"""


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


class Source(NamedTuple):
    """Messages of one format, the last of which says what is expected of its device."""

    name: str
    device: str
    observed_property: str
    value: float
    messages: tuple[tuple[str, bytes], ...]


def sparkplug(*metrics: tuple[str | None, int | None, Any], seq: int) -> bytes:
    payload = Payload(timestamp=T, seq=seq)
    for name, alias, value in metrics:
        metric = payload.metrics.add(timestamp=T)
        if name is not None:
            metric.name = name
        if alias is not None:
            metric.alias = alias
        if isinstance(value, str):
            metric.datatype, metric.string_value = 12, value
        elif isinstance(value, int):
            metric.datatype, metric.long_value = 8, value
        else:
            metric.datatype, metric.double_value = 10, value
    return bytes(payload.SerializeToString())


BIRTHS: Final = (
    ("spBv1.0/water/NBIRTH/pump-9", sparkplug(("bdSeq", None, 0), seq=0)),
    ("spBv1.0/water/DBIRTH/pump-9/PT-7", sparkplug(("Pressure", 1, 100.0), ("Units", None, "kPa"), seq=1)),
)
DATA: Final = ("spBv1.0/water/DDATA/pump-9/PT-7", sparkplug((None, 1, 352.25), seq=2))
DISCOVERY: Final = body(
    **{"~": "plaza/pit4", "stat_t": "~/state", "dev_cla": "distance", "unit_of_meas": "cm", "uniq_id": "pit4_d"},
    val_tpl="{{ value_json.d }}",
    dev={"ids": ["pit4"], "mf": "Acme"},
)

SOURCES: Final = (
    Source(
        "eyes", "own-1", "flow", 3.5, (("eyes/v1/all/own-1/observations", body(property="flow", value=3.5, seq=1)),)
    ),
    Source(
        "eyes batch",
        "own-2",
        "pressure",
        2000.0,
        (
            (
                "eyes/v1/all/gateway-1/batch",
                body(
                    series=[{"device": "own-2", "property": "pressure", "unit": "kPa"}], index=[0], value=[2], seq=[1]
                ),
            ),
        ),
    ),
    Source(
        "chirpstack-v4",
        EUI,
        "distance",
        1.42,
        (
            (
                f"application/{APPLICATION}/device/{EUI}/event/up",
                body(
                    deduplicationId="3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
                    time="2026-11-18T11:06:40.125+00:00",
                    deviceInfo={
                        "applicationId": APPLICATION,
                        "deviceProfileName": "Milesight EM400-UDL",
                        "deviceName": "bin 42",
                        "devEui": EUI,
                    },
                    devAddr="00189440",
                    fCnt=10,
                    fPort=85,
                    data="AXVcA4JECAQAAQ==",
                    object={"battery": 92, "distance": 1420},
                ),
            ),
        ),
    ),
    Source(
        "ttn-v3",
        "70b3d57ed0051234",
        "temperature",
        21.5,
        (
            (
                "v3/city@ttn/devices/probe-1/up",
                body(
                    end_device_ids={
                        "device_id": "probe-1",
                        "application_ids": {"application_id": "city"},
                        "dev_eui": "70B3D57ED0051234",
                    },
                    received_at="2026-11-18T11:06:40.400Z",
                    uplink_message={
                        "f_port": 2,
                        "f_cnt": 7,
                        "frm_payload": "AQ==",
                        "decoded_payload": {"temperature": 21.5},
                        "received_at": "2026-11-18T11:06:40.200Z",
                    },
                ),
            ),
        ),
    ),
    Source("sparkplug-b", "water/pump-9/PT-7", "pressure", 352_250.0, (*BIRTHS, DATA)),
    Source(
        "senml json",
        "urn:dev:mac:0024befffe804ff1",
        "temperature",
        23.1,
        (
            (
                "city/senml",
                json.dumps(
                    [{"bn": "urn:dev:mac:0024befffe804ff1:", "bt": T / 1000, "n": "temperature", "u": "Cel", "v": 23.1}]
                ).encode(),
            ),
        ),
    ),
    Source(
        "senml cbor",
        "urn:dev:mac:0024befffe804ff2",
        "humidity",
        51.0,
        (
            (
                "senml/2",
                cbor2.dumps([{-2: "urn:dev:mac:0024befffe804ff2:", -3: T / 1000, 0: "humidity", 1: "%RH", 2: 51.0}]),
            ),
        ),
    ),
    Source(
        "sensorthings",
        "Datastreams(42)",
        "water_level",
        1.25,
        (
            (
                "v1.1/Datastreams(42)/Observations",
                body(
                    phenomenonTime="2026-11-18T11:06:40Z",
                    result=125,
                    Datastream={
                        "@iot.id": 42,
                        "name": "level",
                        "unitOfMeasurement": {"name": "centimetre", "symbol": "cm", "definition": "ucum:cm"},
                        "ObservedProperty": {"name": "Water level", "definition": "", "description": ""},
                    },
                ),
            ),
        ),
    ),
    Source("onvif-xml", "gate-3", "motion", 1.0, (("gate-3/onvif", ONVIF.encode()),)),
    Source(
        "axis-mqtt",
        "ACCC8E0A0B0C",
        "motion",
        1.0,
        (
            (
                "axis/ACCC8E0A0B0C/event/tns:onvif/Device/tns:axis/Sensor/PIR/$source/sensor/0",
                body(
                    timestamp=T,
                    topic="onvif:Device/axis:Sensor/PIR",
                    serial="ACCC8E0A0B0C",
                    message={"source": {"sensor": "0"}, "key": {}, "data": {"state": "1"}},
                ),
            ),
        ),
    ),
    Source("hikvision-isapi", "ac:b9:2f:00:11:22", "motion", 1.0, (("gate-4/isapi", ISAPI.encode()),)),
    Source("dahua-events", "gate-5", "motion", 1.0, (("gate-5/dahua", b"Code=VideoMotion;action=Start;index=0"),)),
    Source(
        "zigbee2mqtt",
        "street/lamp_7",
        "switch_on",
        1.0,
        (("zigbee2mqtt/street/lamp_7", body(state="ON", linkquality=80)),),
    ),
    Source(
        "tasmota",
        "lamp-8",
        "power",
        41.0,
        (("tele/lamp-8/SENSOR", body(Time="2026-11-18T19:06:40", ENERGY={"Power": 41})),),
    ),
    Source(
        "shelly-gen1", "shellyplug-s-AABBCC", "power", 12.5, (("shellies/shellyplug-s-AABBCC/relay/0/power", b"12.5"),)
    ),
    Source(
        "shelly-gen2",
        "shellyplus1pm-a0b1c2d3e4f5",
        "voltage",
        231.5,
        (
            (
                "shellyplus1pm-a0b1c2d3e4f5/events/rpc",
                body(
                    src="shellyplus1pm-a0b1c2d3e4f5",
                    dst="shellyplus1pm-a0b1c2d3e4f5/events",
                    method="NotifyStatus",
                    params={"ts": T / 1000, "switch:0": {"id": 0, "output": True, "voltage": 231.5}},
                ),
            ),
        ),
    ),
    Source(
        "openmqttgateway",
        "A4:C1:38:00:11:22",
        "humidity",
        44.0,
        (
            (
                "home/gw/BTtoMQTT/A4C138001122",
                body(id="A4:C1:38:00:11:22", rssi=-60, model_id="T201", type="THB", hum=44),
            ),
        ),
    ),
)
FRIGATE: Final = {
    "id": "1795000000.5-abc123",
    "camera": "street_9",
    "frame_time": T / 1000,
    "label": "car",
    "score": 0.9,
    "top_score": 0.95,
    "false_positive": False,
    "start_time": T / 1000,
    "end_time": None,
    "box": [10, 20, 110, 220],
    "current_zones": ["bus_stop"],
    "entered_zones": ["bus_stop"],
    "stationary": True,
    "active": False,
}


@pytest.fixture(scope="module")
def city(stack: Any) -> City:
    city = City.on(stack)
    city.register(
        *(facility(f"F{number}", one.device, zone=f"dma:{number}") for number, one in enumerate(SOURCES)),
        facility("FC", "street_9", zone="segment:9", facility_class=FacilityClass.CURB_ZONE, camera_zone="bus_stop"),
        facility("FH", "pit4", zone="dma:99"),
    )
    return city


ALL_ROUTES: Final = {"EYES_INGEST__TOPIC_FILTERS": "[]", "EYES_INGEST__TWIN_S": "0.2"}


@pytest.fixture
def ingest(city: City, tmp_path: Path) -> Iterator[Ingest]:
    more = '"gate-3/#", "gate-4/#", "gate-5/#", "city/senml"'  # where no default route leads
    routes = ", ".join(
        f'{{"filter": {one}, "decoder": "{decoder}"}}' for one, decoder in zip(more.split(", "), DECODERS, strict=True)
    )
    with city.ingest(tmp_path, EYES_INGEST__ROUTES=f"[{routes}]", **ALL_ROUTES) as ingest:
        yield ingest


DECODERS: Final = ("onvif-xml", "hikvision-isapi", "dahua-events", "senml")


def test_a_message_of_each_format_reaches_the_series_of_its_device(city: City, ingest: Ingest) -> None:
    city.publish(*(message for source in SOURCES for message in source.messages))
    wanted = {source.name: (source.device, source.observed_property, source.value) for source in SOURCES}

    def found() -> set[tuple[str, str, float]]:
        return {(row.device, row.observed_property, row.value) for row in city.rows()}

    eventually(lambda: set(wanted.values()) <= found())
    assert city.refused() == []
    twins = read_devices(city.kafka)
    assert {source.device for source in SOURCES} <= twins.keys()
    assert all(twins[source.device].registered for source in SOURCES)


def test_what_a_camera_tracks_reaches_its_kerb(city: City, ingest: Ingest) -> None:
    message = {"type": "update", "before": FRIGATE, "after": FRIGATE}
    city.publish(("frigate/events", json.dumps(message).encode()))
    (seen,) = eventually(lambda: [one for one in city.of(EVENTS, CameraEvent) if one.device == "street_9"])
    assert (seen.device, seen.facility, seen.label, seen.present) == ("street_9", "FC", "car", True)


def test_aliases_are_known_after_a_restart(city: City, tmp_path: Path) -> None:
    """The birth was heard by a process that was killed; the data comes to another."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with city.ingest(folders[0], **ALL_ROUTES) as first:
        city.publish(*BIRTHS)
        eventually(lambda: len(city.events(CONTEXTS)) >= 2)
        eventually(lambda: first.settled)
    later = sparkplug((None, 1, 77.0), seq=2)
    with city.ingest(folders[1], **ALL_ROUTES):
        city.publish(("spBv1.0/water/DDATA/pump-9/PT-7", later))
        eventually(lambda: any(row.value == 77_000.0 for row in city.rows()))
    assert not [one for one in city.refused() if one.reason is Reason.UNKNOWN_ALIAS]


def test_data_without_a_birth_is_kept_and_a_rebirth_is_asked_for(city: City, ingest: Ingest) -> None:
    asked: list[str] = []
    with city.publisher("ingest") as client:
        client.on_message = lambda _client, _data, message: asked.append(message.topic)
        client.subscribe("spBv1.0/+/NCMD/#", qos=1)
        city.publish(("spBv1.0/water/DDATA/pump-10/PT-1", sparkplug((None, 5, 1.0), seq=3)))
        eventually(lambda: asked == ["spBv1.0/water/NCMD/pump-10"])
    (refused,) = [one for one in city.refused() if one.reason is Reason.UNKNOWN_ALIAS]
    assert refused.payload == sparkplug((None, 5, 1.0), seq=3)


def test_what_discovery_announces_is_heard_and_read(city: City, ingest: Ingest) -> None:
    city.publish(("homeassistant/sensor/pit4/config", DISCOVERY))
    eventually(lambda: any(event.data.mqtt_topic.endswith("pit4/config") for _, event in city.events(CONTEXTS)))

    def said() -> bool:
        city.publish(("plaza/pit4/state", b'{"d": 42.5}'))  # until ingest has subscribed to it
        return any(row.device == "pit4" and row.value == 0.425 for row in city.rows())

    eventually(said, every_s=0.5)


def test_the_bytes_that_are_no_message_are_kept(city: City, ingest: Ingest) -> None:
    garbage = struct.pack(">I", 0xFFFFFFFF) * 8
    city.publish(("spBv1.0/water/DDATA/pump-9/PT-7", garbage), ("v3/a@b/devices/x/up", b"{"), ("senml/x", b"\x9f"))
    refused = eventually(
        lambda: (
            found
            if len(found := [one for one in city.refused() if one.payload in {garbage, b"{", b"\x9f"}]) >= 3
            else None
        )
    )
    assert all(one.reason in {Reason.MALFORMED, Reason.MALFORMED_JSON, Reason.SCHEMA} for one in refused)
