"""From what a camera publishes in its own format to whether something stands in a zone."""

import json

import pytest
from ingest_rig import NOW, Rig, facility

from schemas.camera import CameraEvent
from schemas.facility import DeviceBinding, FacilityClass

SECONDS = NOW // 1000


def frigate(kind: str, zones: list[str]) -> str:
    after = {
        "id": "1.5-abc",
        "camera": "cam",
        "label": "truck",
        "frame_time": SECONDS,
        "current_zones": zones,
        "stationary": True,
        "score": 0.75,
        "end_time": SECONDS + 60 if kind == "end" else None,
    }
    return json.dumps({"type": kind, "before": None, "after": after})


def axis(active: str) -> str:
    data = {"active": active, "classTypes": "truck"}
    topic = "axis:CameraApplicationPlatform/ObjectAnalytics/kerb"
    return json.dumps({"topic": topic, "timestamp": NOW, "serial": "B8A44F1234AB", "message": {"data": data}})


def hikvision(state: str) -> str:
    region = "<R><regionID>kerb</regionID><detectionTarget>truck</detectionTarget></R>"
    return (
        "<EventNotificationAlert><macAddress>c0:56:e3:12:ab:cd</macAddress><channelID>1</channelID>"
        f"<eventType>parking</eventType><eventState>{state}</eventState>{region}</EventNotificationAlert>"
    )


def dahua(action: str) -> str:
    data = {"Name": "kerb", "Object": {"ObjectType": "Truck"}, "RealUTC": SECONDS}
    return f"Code=ParkingDetection;action={action};index=0;data={json.dumps(data)}"


def onvif(inside: str) -> str:
    return (
        "<NotificationMessage><Topic>tns1:RuleEngine/FieldDetector/ObjectsInside</Topic><Message><Message"
        ' UtcTime="2026-11-18T16:26:40Z"><Source><SimpleItem Name="Rule" Value="kerb"/></Source><Data>'
        f'<SimpleItem Name="IsInside" Value="{inside}"/><SimpleItem Name="ClassTypes" Value="truck"/>'
        "</Data></Message></Message></NotificationMessage>"
    )


@pytest.mark.parametrize(
    ("device", "topic", "begin", "end", "stationary"),
    [
        ("cam", "frigate/events", frigate("new", ["kerb"]), frigate("end", ["kerb"]), True),
        ("cam", "frigate/events", frigate("update", ["kerb"]), frigate("end", []), True),
        ("B8A44F1234AB", "axis/B8A44F1234AB/event/tns:axis/X", axis("1"), axis("0"), False),
        ("c0:56:e3:12:ab:cd", "isapi/alerts", hikvision("active"), hikvision("inactive"), True),
        ("gate", "dahua/gate", dahua("Start"), dahua("Stop"), True),
        ("gate", "onvif/gate", onvif("true"), onvif("false"), False),
    ],
)
def test_a_vehicle_comes_into_a_zone_and_goes(device: str, topic: str, begin: str, end: str, stationary: bool) -> None:
    rig = Rig()
    kerb = DeviceBinding(device=device, camera_zone="kerb")
    rig.register(facility("K", kerb, zone="segment:1", facility_class=FacilityClass.CURB_ZONE))
    rig.take(topic, begin.encode())
    rig.take(topic, end.encode())
    came, went = rig.writer.of(CameraEvent)
    assert (came.facility, came.label, came.present, came.stationary) == ("K", "truck", True, stationary)
    assert (went.facility, went.label, went.present, went.track) == ("K", "truck", False, came.track)
