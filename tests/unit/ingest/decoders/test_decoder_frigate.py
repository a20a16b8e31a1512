"""Frigate's events, and what none of its messages may do."""

from typing import Any

import pytest
from camera_kit import altered, message_of, one, run
from frigate_kit import EVENT, FRIGATE, LPR, REVIEW, STATS, THING, event
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.messages import Kind
from schemas.camera import TrackPhase
from schemas.quarantine import Reason


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
