"""What Frigate says on its other topics: reviews, plates, states, statistics."""

from copy import deepcopy
from typing import Any

import pytest
from camera_kit import chosen, message_of, ms, one, run, values
from frigate_kit import EVENT, FRIGATE, LPR, REVIEW, STATS, THING

from ingest.messages import Kind
from schemas.quarantine import Reason


def test_reviews() -> None:
    report = one(FRIGATE, "frigate/reviews", REVIEW)
    assert (report.device, report.time_ms) == ("kerb_qiyi", 1731571200500)
    assert (report.happening.event_type, report.happening.severity) == ("reviews.new", "detection")
    assert report.happening.objects == [{"label": "car"}, {"label": "person"}]
    ended = deepcopy(REVIEW) | {"type": "end"}
    ended["after"]["end_time"] = 1731571260
    report = one(FRIGATE, "frigate/reviews", ended)
    assert (report.time_ms, report.happening.active) == (1731571260000, False)


def test_updates_of_tracked_objects() -> None:
    plate = one(FRIGATE, "frigate/tracked_object_update", LPR)
    assert (plate.device, plate.time_ms) == ("kerb_qiyi", ms("2024-11-14T08:00:11.750+00:00"))
    assert plate.happening.event_type == "tracked_object_update.lpr"
    assert plate.happening.objects == ({"plate": "K12345", "score": 0.9},)
    assert plate.sightings == ()
    face = LPR | {"type": "face", "plate": None, "name": "Li Wei"}
    assert one(FRIGATE, "frigate/tracked_object_update", face).happening.objects == ({"label": "face", "score": 0.9},)
    described = {"type": "description", "id": THING["id"], "description": "A car stands at the kerb."}
    report = one(FRIGATE, "frigate/tracked_object_update", described)
    assert (report.device, report.happening.event_id, report.time_ms) == ("frigate", THING["id"], None)
    classified = {
        "type": "classification",
        "id": "a",
        "camera": "gate",
        "model": "m",
        "sub_label": "taxi",
        "score": 0.7,
    }
    report = one(FRIGATE, "frigate/tracked_object_update", classified)
    assert report.happening.objects == ({"label": "taxi", "score": 0.7},)


def test_triggers() -> None:
    said = {"name": "red_van", "camera": "gate", "event_id": "e1", "type": "description", "score": 0.7}
    report = one(FRIGATE, "frigate/triggers", said)
    assert (report.device, report.happening.event_type) == ("gate", "triggers.description")
    assert (report.happening.event_id, report.happening.region) == ("e1", "red_van")


def test_stats_say_which_camera_gives_no_pictures() -> None:
    own, kerb, gate, spare = run(FRIGATE, "frigate/stats", STATS).reports
    assert (own.device, own.kind, own.about.firmware, own.about.uptime_s) == (
        "frigate",
        Kind.DIAGNOSTIC,
        "0.15.1-abc",
        3600,
    )
    assert (kerb.device, kerb.kind, values(kerb)) == ("kerb_qiyi", Kind.STATUS, {"fault": 0.0})
    assert (gate.device, values(gate)) == ("gate", {"fault": 1.0})
    assert (spare.device, values(spare)) == ("spare", {})
    assert gate.time_ms == 1731571200000


@pytest.mark.parametrize(
    ("topic", "payload", "device", "kind", "measured", "happened"),
    [
        ("frigate/gate/car", "3", "gate", Kind.TELEMETRY, {"object_count/car": 3.0}, None),
        ("frigate/gate/all", "0", "gate", Kind.TELEMETRY, {"object_count/all": 0.0}, None),
        ("frigate/no_stopping/truck", "1", "no_stopping", Kind.TELEMETRY, {"object_count/truck": 1.0}, None),
        ("frigate/gate/car/active", "2", "gate", Kind.TELEMETRY, {"active_object_count/car": 2.0}, None),
        ("frigate/gate/motion", "ON", "gate", Kind.EVENT, {"motion": 1.0}, ("motion", True)),
        ("frigate/gate/motion", "OFF", "gate", Kind.EVENT, {"motion": 0.0}, ("motion", False)),
        ("frigate/gate/audio/dBFS", "-42.25", "gate", Kind.TELEMETRY, {"audio_dbfs": -42.25}, None),
        ("frigate/gate/audio/rms", "310.5", "gate", Kind.TELEMETRY, {}, None),
        ("frigate/gate/audio/scream", "ON", "gate", Kind.EVENT, {}, ("audio.scream", True)),
        ("frigate/gate/audio/all", "OFF", "gate", Kind.EVENT, {}, ("audio.all", False)),
        ("frigate/gate/review_status", "ALERT", "gate", Kind.EVENT, {}, ("review_status", True)),
        ("frigate/gate/review_status", "NONE", "gate", Kind.EVENT, {}, ("review_status", False)),
        ("frigate/gate/audio/state", "ON", "gate", Kind.ATTRIBUTE, {}, None),
        ("frigate/gate/audio/transcription", "what was said", "gate", Kind.ATTRIBUTE, {}, None),
        ("frigate/gate/detect/state", "OFF", "gate", Kind.ATTRIBUTE, {}, None),
        ("frigate/gate/motion_threshold/state", "30", "gate", Kind.ATTRIBUTE, {}, None),
        ("frigate/gate/notifications/suspended", "1731571200", "gate", Kind.ATTRIBUTE, {}, None),
        ("frigate/gate/ptz_autotracker/active", "ON", "gate", Kind.ATTRIBUTE, {}, None),
        ("frigate/gate/classification/weather", "rain", "gate", Kind.ATTRIBUTE, {}, None),
        ("frigate/notifications/state", "ON", "frigate", Kind.ATTRIBUTE, {}, None),
        ("frigate/profiles/available", "[]", "frigate", Kind.ATTRIBUTE, {}, None),
        ("frigate/gate/detect/set", "ON", "gate", Kind.IGNORED, {}, None),
        ("frigate/gate/ptz", "left", "gate", Kind.IGNORED, {}, None),
        ("frigate/restart", "", "frigate", Kind.IGNORED, {}, None),
        ("frigate/gate/car", "", "gate", Kind.IGNORED, {}, None),
        ("frigate/gate/car/snapshot", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "gate", Kind.IGNORED, {}, None),
        ("frigate/model_state", '{"a":"downloaded"}', "frigate", Kind.IGNORED, {}, None),
    ],
)
def test_topics_of_cameras_and_zones(
    topic: str,
    payload: str | bytes | dict[str, Any] | list[Any],
    device: str,
    kind: Kind,
    measured: dict[str, float],
    happened: tuple[str, bool] | None,
) -> None:
    report = one(FRIGATE, topic, payload)
    assert (report.device, report.kind, values(report)) == (device, kind, measured)
    assert report.time_ms is None
    said = report.happening
    assert (None if said is None else (said.event_type, said.active)) == happened


@pytest.mark.parametrize(
    ("topic", "payload", "device", "online", "measured"),
    [
        ("frigate/available", "online", "frigate", True, {"online": 1.0}),
        ("frigate/available", "stopped", "frigate", False, {"online": 0.0}),
        ("city/north/frigate/available", "offline", "city/north/frigate", False, {"online": 0.0}),
        ("frigate/gate/status/detect", "online", "gate", True, {"online": 1.0}),
        ("frigate/gate/status/record", "offline", "gate", False, {"online/record": 0.0}),
        ("frigate/gate/status/detect", "disabled", "gate", None, {}),
    ],
)
def test_what_is_there(
    topic: str,
    payload: str | bytes | dict[str, Any] | list[Any],
    device: str,
    online: bool | None,
    measured: dict[str, float],
) -> None:
    report = one(FRIGATE, topic, payload)
    assert (report.device, report.kind, report.online) == (device, Kind.STATUS, online)
    assert values(report) == measured


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("frigate/available", "perhaps", Reason.SCHEMA),
        ("frigate/gate/car", "many", Reason.SCHEMA),
        ("frigate/gate/car", "-1", Reason.SCHEMA),
        ("frigate/gate/car", "9" * 5000, Reason.SCHEMA),
        ("frigate/gate/car", b"\xff", Reason.INVALID_UTF8),
        ("frigate/gate/motion", "7", Reason.SCHEMA),
        ("frigate/gate/status/detect", "broken", Reason.SCHEMA),
        ("frigate/gate/review_status", "maybe", Reason.SCHEMA),
        ("frigate/triggers", "{}", Reason.SCHEMA),
        ("frigate/events", "{", Reason.MALFORMED_JSON),
        ("frigate/events", "[" * 100_000, Reason.MALFORMED_JSON),
        ("frigate/nothing_known", "1", Reason.UNKNOWN_TOPIC),
        ("frigate/gate/a/b/c", "1", Reason.UNKNOWN_TOPIC),
        ("frigate/a+b/car", "1", Reason.SCHEMA),
    ],
)
def test_bad_input(topic: str, payload: str | bytes | dict[str, Any] | list[Any], reason: Reason) -> None:
    assert run(FRIGATE, topic, payload).refusal.reason is reason


def test_loudness_that_cannot_be_is_kept_aside() -> None:
    report = one(FRIGATE, "frigate/gate/audio/dBFS", "1e9")
    assert values(report) == {}
    assert report.unmapped[0].name == "audio.dBFS"


def test_activity_of_all_cameras() -> None:
    said = {"gate": {"motion": True, "objects": []}, "kerb": {"motion": False}, "x": 1}
    assert [(one.device, values(one)) for one in run(FRIGATE, "frigate/camera_activity", said).reports] == [
        ("gate", {"motion": 1.0}),
        ("kerb", {"motion": 0.0}),
    ]


@pytest.mark.parametrize(
    ("topic", "device", "measured"),
    [
        ("site-1/nvr/gate/car", "gate", {"object_count/car": 1.0}),
        ("nvr/gate/car/active", "gate", {"active_object_count/car": 1.0}),
        ("site-1/nvr/gate/motion", "gate", {"motion": 1.0}),
        ("nvr/gate/audio/dBFS", "gate", {"audio_dbfs": 1.0}),
    ],
)
def test_a_prefix_of_another_name_under_a_route(topic: str, device: str, measured: dict[str, float]) -> None:
    report = one(FRIGATE, topic, "1")
    assert (report.device, values(report)) == (device, measured)


def test_who_recognises_what() -> None:
    assert chosen("frigate/events", EVENT) == "frigate"
    assert chosen("city/frigate/gate/car", "1") == "frigate"
    assert chosen("nvr-2/events", EVENT) == "frigate"
    assert chosen("nvr-2/tracked_object_update", LPR) == "frigate"
    for topic, payload in (
        ("zigbee2mqtt/frigate/availability", "online"),
        ("homeassistant/binary_sensor/frigate/gate/motion", "ON"),
        ("robots/frigate/tank/level", "full"),
        ("shelly/events/rpc", '{"type":"update"}'),
        ("device/events", {"type": "update", "after": {}}),
    ):
        assert FRIGATE.recognise(message_of(topic, payload)) is None
