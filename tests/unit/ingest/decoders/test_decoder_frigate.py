"""Frigate's messages, written after its documentation."""

from copy import deepcopy
from typing import Any

import pytest
from camera_kit import altered, chosen, message_of, ms, one, run, values
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.frigate import Frigate
from ingest.messages import Kind
from schemas.camera import TrackPhase
from schemas.quarantine import Reason

FRIGATE = Frigate()

THING = {
    "id": "1731571200.25-k3rb01",
    "camera": "kerb_qiyi",
    "frame_time": 1731571210.5,
    "snapshot": {"frame_time": 1731571205.25, "box": [10, 20, 30, 40], "area": 400, "region": [0, 0, 320, 320]},
    "label": "car",
    "sub_label": ["Li Wei's car", 0.9],
    "top_score": 0.93,
    "false_positive": False,
    "start_time": 1731571200.25,
    "end_time": None,
    "score": 0.81,
    "box": [100, 220, 340, 460],
    "area": 57600,
    "ratio": 1.0,
    "region": [0, 100, 480, 580],
    "current_zones": ["no_stopping"],
    "entered_zones": ["street", "no_stopping"],
    "has_snapshot": True,
    "has_clip": False,
    "active": False,
    "stationary": True,
    "motionless_count": 90,
    "position_changes": 1,
    "attributes": {},
    "current_attributes": [],
    "recognized_license_plate": "K12345",
    "recognized_license_plate_score": 0.88,
}
EVENT = {"type": "update", "before": THING | {"frame_time": 1731571209.0}, "after": THING}
REVIEW = {
    "type": "new",
    "before": {"id": "r1"},
    "after": {
        "id": "1731571200.5-rev001",
        "camera": "kerb_qiyi",
        "start_time": 1731571200.5,
        "end_time": None,
        "severity": "detection",
        "thumb_path": "/media/x.webp",
        "data": {"detections": ["a"], "objects": ["car", "person"], "sub_labels": [], "zones": ["street"], "audio": []},
    },
}
STATS = {
    "cameras": {
        "kerb_qiyi": {"camera_fps": 5.1, "process_fps": 5.0, "detection_enabled": True, "pid": 100},
        "gate": {"camera_fps": 0.0, "process_fps": 0.0, "detection_enabled": True, "pid": 101},
        "spare": {"camera_fps": 0.0, "enabled": False},
    },
    "detectors": {"ov": {"inference_speed": 9.8}},
    "service": {"uptime": 3600, "version": "0.15.1-abc", "last_updated": 1731571200},
}
LPR = {
    "type": "lpr",
    "id": THING["id"],
    "camera": "kerb_qiyi",
    "timestamp": 1731571211.75,
    "plate": "K12345",
    "score": 0.9,
    "name": "Li Wei",
}


def event(**after: Any) -> dict[str, Any]:
    changed = deepcopy(EVENT)
    changed["after"] |= after
    return changed


def test_an_update_of_a_tracked_object() -> None:
    report = one(FRIGATE, "frigate/events", EVENT)
    assert (report.device, report.kind, report.time_ms) == ("kerb_qiyi", Kind.EVENT, 1731571210500)
    happening = report.happening
    assert (happening.event_type, happening.active, happening.event_id) == ("events.update", True, THING["id"])
    assert happening.region == "no_stopping"
    assert happening.objects == (
        {
            "label": "car",
            "score": 0.81,
            "box_xyxy_px": [100, 220, 340, 460],
            "zones": ["no_stopping"],
            "stationary": True,
            "plate": "K12345",
        },
    )
    (seen,) = report.sightings
    assert (seen.phase, seen.track, seen.label) == (TrackPhase.UPDATE, THING["id"], "car")
    assert (seen.zones, seen.stationary, seen.confidence) == (("no_stopping",), True, 0.81)
    assert seen.time.timestamp() == 1731571210.5
    assert report.unmapped == []


def test_a_sighting_names_nobody() -> None:
    (seen,) = one(FRIGATE, "frigate/events", EVENT).sightings
    assert seen.plate == "K12345"  # of which ingest makes a keyed hash
    text = str(seen.model_copy(update={"plate": None}))
    assert "K12345" not in text
    assert "Li Wei" not in text


def test_a_sighting_tells_the_box_and_for_how_long_it_has_stood() -> None:
    (seen,) = one(FRIGATE, "frigate/events", EVENT).sightings
    assert seen.box == (100.0, 220.0, 340.0, 460.0)
    assert seen.still_s == 18.0  # 90 frames, five a second


@pytest.mark.parametrize(("frames", "still_s"), [(15, 3.0), (0, None)])
def test_what_has_just_stopped_tells_for_how_long_too(frames: int, still_s: float | None) -> None:
    (seen,) = one(FRIGATE, "frigate/events", event(stationary=False, motionless_count=frames)).sightings
    assert (seen.stationary, seen.still_s) == (False, still_s)


def test_a_new_and_an_ended_object() -> None:
    started = one(FRIGATE, "frigate/events", event() | {"type": "new"})
    assert started.sightings[0].phase is TrackPhase.NEW
    ended = one(FRIGATE, "frigate/events", event(end_time=1731571300.125) | {"type": "end"})
    assert ended.sightings[0].phase is TrackPhase.END
    assert ended.time_ms == 1731571300125
    assert ended.happening.active is False


def test_a_false_positive_was_never_seen() -> None:
    assert one(FRIGATE, "frigate/events", event(false_positive=True)).sightings == ()


def test_the_old_state_does_not_count_and_no_plate_is_none() -> None:
    report = one(FRIGATE, "frigate/events", event(recognized_license_plate=None, current_zones=[], stationary=False))
    assert report.happening.objects[0]["plate"] is None
    assert report.sightings[0].zones == ()


def test_fields_nobody_knows_are_kept_aside() -> None:
    report = one(FRIGATE, "frigate/events", event(mood="calm", more={"a": 1}) | {"x": 1})
    assert {one.name: one.value for one in report.unmapped} == {
        "after.mood": "calm",
        "after.more": "object of 1",
        "x": 1.0,
    }


def test_an_event_about_two_cameras_is_refused() -> None:
    assert run(FRIGATE, "frigate/events", event(camera="other")).refusal.reason is Reason.IDENTITY_MISMATCH


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"type": "update"}, "after"),
        ({"type": "gone", "after": THING}, "type"),
        ({"type": "new", "after": THING | {"camera": "a+b"}, "before": None}, "after.camera"),
        ({"type": "new", "after": THING | {"id": ""}, "before": None}, "after.id"),
        ({"type": "new", "after": THING | {"label": 7.5}, "before": None}, "after.label"),
        ([], None),
    ],
)
def test_events_of_another_outline_are_refused(
    payload: str | bytes | dict[str, Any] | list[Any], field: str | None
) -> None:
    refusal = run(FRIGATE, "frigate/events", payload).refusal
    assert (refusal.reason, refusal.field) == (Reason.SCHEMA, field)


def test_a_clock_that_was_never_set_gives_no_time() -> None:
    report = one(FRIGATE, "frigate/events", event(frame_time=120.5))
    assert report.time_ms is None
    assert report.sightings[0].time is None


def test_a_track_that_is_no_name_is_kept_aside() -> None:
    report = one(FRIGATE, "frigate/events", event(id="x" * 200))
    assert report.sightings == ()
    assert report.unmapped[0].name == "track"


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


TOPICS = st.sampled_from(
    [
        *("events", "reviews", "tracked_object_update", "triggers", "stats", "available", "camera_activity"),
        *("gate/car", "gate/car/active", "gate/motion", "gate/audio/dBFS", "gate/status/detect", "gate/audio/bark"),
    ]
).map("frigate/".__add__)


@settings(deadline=None)
@given(TOPICS, st.binary(max_size=64))
def test_any_bytes(topic: str, payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    FRIGATE.recognise(message_of(topic, payload))
    run(FRIGATE, topic, payload)


@settings(deadline=None)
@given(TOPICS, altered([EVENT, REVIEW, STATS, LPR, STATS["cameras"]]))
def test_any_json_of_the_right_outline(topic: str, payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    FRIGATE.recognise(message_of("x/events", payload))
    run(FRIGATE, topic, payload)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=5), st.binary(max_size=8))
def test_any_topic(levels: list[str], payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    for prefix in ("frigate", "a/frigate", ""):
        topic = "/".join((prefix, *levels))
        FRIGATE.recognise(message_of(topic, payload))
        run(FRIGATE, topic, payload)
