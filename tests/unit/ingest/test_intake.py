import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_rig import NOW, Rig, facility

from ingest.cameras import Plates
from ingest.messages import OVERSIZE_KEPT, PAYLOAD_MAX
from runtime.kafka import MAX_RECORD_BYTES
from schemas.camera import CameraEvent
from schemas.clock import Tick
from schemas.columns import BatchColumns
from schemas.envelope import CloudEvent, encode
from schemas.facility import DeviceBinding, FacilityClass
from schemas.identity import arrived
from schemas.model import from_ms, to_ms
from schemas.observation import Quality
from schemas.partitioning import partition_of
from schemas.quarantine import Quarantined, Reason, UnregisteredReadings
from schemas.topics import ACCEPTED, EVENTS, QUARANTINE, UNREGISTERED
from tests.examples import examples

TOPIC = "eyes/v1/x/dev1/observations"
COVER = b'{"property":"contact_open","value":true}'


def body(**more: Any) -> bytes:
    return json.dumps({"property": "pressure", "value": 3, "unit": "kPa", **more}).encode()


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device="dev1")))
    return rig


def test_a_message_is_acknowledged_only_after_everything_it_led_to(rig: Rig) -> None:
    rig.register(facility("F2", DeviceBinding(device="dev1", properties=("flow",)), zone="dma:2"))
    mid = rig.take(TOPIC, b'[{"property":"flow","value":1,"seq":1},{"property":"mood","value":1}]')
    assert {one.topic for one in rig.writer.written} == {EVENTS, QUARANTINE, ACCEPTED}
    assert len(rig.writer.written) == 4  # two partitions, the quarantine, and the message itself
    for one in rig.writer.written:
        assert rig.ledger.release().mids == []
        for ticket in one.tickets:
            rig.ledger.confirm(ticket)
    assert rig.ledger.release().mids == [mid]


def test_tiers_and_times(rig: Rig) -> None:
    rig.take(TOPIC, body(seq=5, boot="b"))
    rig.take(TOPIC, body(time="2026-11-18T08:26:40+00:00"))
    rig.take(TOPIC, body())
    rig.take(TOPIC, body(time="2100-01-01T00:00:00Z"))
    rows = rig.writer.rows()
    assert [(row[2].split(":")[0], Quality(row[5])) for row in rows] == [
        ("a", Quality.UNTIMED),
        ("b", Quality.GOOD),
        ("c", Quality.UNTIMED),
        ("b", Quality.FUTURE),
    ]
    assert rows[0][2] == "a:b:5"
    assert rows[1][2] == f"b:{rows[1][4]}:3000.0"
    assert rows[3][2].startswith("b:4102444800000:")  # the device's own time, though the reading stands on ours
    assert rows[3][4] == NOW
    assert all(row[3] == 3000.0 for row in rows)


def test_a_redelivery_without_number_or_time_is_the_same_reading(rig: Rig) -> None:
    mid = rig.take(TOPIC, COVER, at=NOW)
    rig.take(TOPIC, COVER, at=NOW + 5)  # a genuine second one
    rig.take(TOPIC, COVER, at=NOW + 9_000, dup=True, mid=mid)
    first, second, again = rig.writer.rows()
    assert first == again
    assert first[2] != second[2]


def test_an_untimed_redelivery_keeps_the_time_we_gave_it(rig: Rig) -> None:
    mid = rig.take(TOPIC, body(seq=1), at=NOW)
    rig.take(TOPIC, body(seq=1), at=NOW + 9_000, dup=True, mid=mid)
    first, again = rig.writer.rows()
    assert first == again


@pytest.mark.parametrize(
    ("topic", "payload", "reason", "field"),
    [
        (TOPIC, b"{", Reason.MALFORMED_JSON, None),
        (TOPIC, b"\xff\xfe", Reason.INVALID_UTF8, None),
        (b"eyes/v1/x/\xff/observations", b"{}", Reason.INVALID_UTF8, "topic"),
        (TOPIC, body(unit="furlong"), Reason.SCHEMA, "unit"),
        ("eyes/v1/x/dev1/pictures", b"{}", Reason.UNKNOWN_TOPIC, "topic"),
        ("eyes/v1/dev1/observations", b"{}", Reason.UNKNOWN_TOPIC, "topic"),
        ("eyes/v1/x/ dev1/observations", b"{}", Reason.UNKNOWN_TOPIC, "topic"),
        ("other/" + "x" * 5_000, b"{}", Reason.UNKNOWN_TOPIC, "topic"),
        ("eyes/v1/_probe/shard", b"{}", Reason.SCHEMA, None),
    ],
)
def test_refusals_give_one_record_with_the_bytes(
    rig: Rig, topic: str | bytes, payload: bytes, reason: Reason, field: str | None
) -> None:
    rig.take(topic, payload)
    (record,) = rig.writer.of(Quarantined)
    assert (record.reason, record.field, record.payload) == (reason, field, payload)
    assert len(rig.writer.written) == 1


def test_oversize_is_kept_whole_as_far_as_a_record_holds_it(rig: Rig) -> None:
    rig.take(TOPIC, b"x" * 300_000)
    rig.take(TOPIC, b"y" * 5_000, size=10_000_000)  # the reader had cut it already
    rig.take(TOPIC, b"z" * (OVERSIZE_KEPT + 1))
    one, two, three = rig.writer.of(Quarantined)
    assert (one.reason, one.payload, one.payload_bytes) == (Reason.OVERSIZE, b"x" * 300_000, 300_000)
    assert (two.reason, two.payload, two.payload_bytes) == (Reason.OVERSIZE, b"y" * 5_000, 10_000_000)
    assert (three.payload, three.payload_bytes) == (b"z" * OVERSIZE_KEPT, OVERSIZE_KEPT + 1)
    record = encode(CloudEvent(id="1", source="/s/i", time=from_ms(0), data=three))
    assert len(record) < MAX_RECORD_BYTES


def test_the_largest_message_of_an_unknown_device_fits_into_a_record(rig: Rig) -> None:
    shortest = b'{"property":"co2","value":1}'
    payload = b"[" + b",".join([shortest] * ((PAYLOAD_MAX - 2) // (len(shortest) + 1))) + b"]"
    message = UnregisteredReadings(
        id=UUID(int=1),
        device="d" * 128,
        mqtt_topic="t" * 1024,
        payload=payload,
        arrival_time=from_ms(NOW),
        identities=tuple(("co2", arrived(NOW, "0" * 16, n)) for n in range(payload.count(b"{"))),
    )
    assert len(encode(CloudEvent(id="1", source="/s/i", time=from_ms(0), data=message))) < MAX_RECORD_BYTES


def test_word_of_an_earlier_subscription_goes_to_the_bridge(rig: Rig) -> None:
    rig.take("eyes/_session/shard", b'["eyes/v1/#"]')
    assert rig.recalled == [b'["eyes/v1/#"]']
    assert rig.writer.written == []


def test_a_reading_keeps_the_time_an_earlier_process_gave_it_however_often_it_comes_again(rig: Rig) -> None:
    rig.recent.read_back({}, {"dev1|pressure|a::1": NOW}, last_sign_ms=NOW)
    for minute in (1, 2):  # the connection is cut, and it comes once more
        rig.take(TOPIC, body(seq=1), dup=True, mid=5, at=NOW + minute * 60_000)
    rig.take(TOPIC, body(seq=1), at=NOW + 180_000)  # not again: the device says it a second time
    assert [time_ms for *_, time_ms, _ in rig.writer.rows()] == [NOW, NOW, NOW + 180_000]


def test_a_quarantine_record_delivered_again_is_the_same(rig: Rig) -> None:
    mid = rig.take(TOPIC, b"{")
    rig.take(TOPIC, b"{", at=NOW + 10)
    rig.take(TOPIC, b"{", at=NOW + 999, dup=True, mid=mid)
    first, second, again = rig.writer.of(Quarantined)
    assert first == again
    assert first.id != second.id


def test_an_error_of_ours_sets_the_message_aside_and_goes_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.registry, "targets", lambda *_: 1 / 0)
    mid = rig.take(TOPIC, body(seq=1))
    (record,) = rig.writer.of(Quarantined)
    assert (record.reason, record.payload) == (Reason.POISON, body(seq=1))
    rig.writer.confirm_all()
    assert rig.ledger.release().mids == [mid]


def test_unknown_devices_wait_up_to_their_quota() -> None:
    rig = Rig(unregistered_quota=2)
    for seq in (1, 2, 3, 1):
        rig.take(TOPIC, body(seq=seq))
    waiting = rig.writer.of(UnregisteredReadings)
    assert [one.identities for one in waiting] == [
        (("pressure", "a::1"),),
        (("pressure", "a::2"),),
        (("pressure", "a::1"),),  # not read back yet, so it may not exist: written again, counted once
    ]
    (refused,) = rig.writer.of(Quarantined)
    assert refused.reason is Reason.UNREGISTERED_QUOTA
    assert refused.payload == body(seq=3)
    rig.unregistered.apply(0, 7, waiting[0])
    rig.take(TOPIC, body(seq=1))
    assert len(rig.writer.of(UnregisteredReadings)) == 3  # now it is known to stand in the log
    assert {one.partition for one in rig.writer.written if one.topic is UNREGISTERED} == {partition_of("dev1", 4)}


def test_what_no_facility_claims_of_a_known_device_waits_too() -> None:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device="dev1", properties=("flow",))))
    rig.take(TOPIC, b'[{"property":"flow","value":1,"seq":1},{"property":"temperature","value":1,"seq":1}]')
    assert [row[1] for row in rig.writer.rows()] == ["flow"]
    (waiting,) = rig.writer.of(UnregisteredReadings)
    assert waiting.identities == (("temperature", "a::1"),)


def facilities(rig: Rig) -> list[tuple[str, str]]:
    return [
        (batch.series[i].observed_property, batch.series[i].facility)
        for batch in rig.writer.of(BatchColumns)
        for i in batch.series_index
    ]


def test_what_a_device_says_of_itself_goes_to_the_first_facility_if_none_asks_for_it() -> None:
    rig = Rig()
    rig.register(facility("F2", DeviceBinding(device="dev1", properties=("flow",))))
    rig.register(facility("F1", DeviceBinding(device="dev1", properties=("pressure",))))
    rig.take(TOPIC, b'[{"property":"battery_percent","value":80,"seq":1},{"property":"rssi","value":-90,"seq":1}]')
    assert facilities(rig) == [("battery_percent", "F1"), ("rssi", "F1")]
    assert rig.writer.of(UnregisteredReadings) == []
    rig.register(facility("F2", DeviceBinding(device="dev1", properties=("flow", "rssi"))))
    rig.take(TOPIC, b'{"property":"rssi","value":-91,"seq":2}')
    assert facilities(rig)[-1] == ("rssi", "F2")


def camera(rig: Rig, **more: Any) -> list[tuple[str, bool]]:
    before = len(rig.writer.of(CameraEvent))
    payload = {"phase": "update", "track": "7", "label": "car", **more}
    rig.take("eyes/v1/x/cam/camera", json.dumps(payload).encode())
    return [(one.facility, one.present) for one in rig.writer.of(CameraEvent)[before:]]


def test_a_camera_message_is_split_by_zone() -> None:
    rig = Rig()
    for name in ("north", "south"):
        rig.register(
            facility(
                f"C-{name}",
                DeviceBinding(device="cam", camera_zone=name),
                zone=f"segment:{name}",
                facility_class=FacilityClass.CURB_ZONE,
            )
        )
    assert camera(rig, phase="new", zones=[]) == []
    assert camera(rig, zones=["north"]) == [("C-north", True)]
    assert camera(rig, zones=["north", "south"]) == [("C-north", True), ("C-south", True)]
    assert camera(rig, zones=["south", "elsewhere"]) == [("C-north", False), ("C-south", True)]
    assert camera(rig, phase="end", zones=["south"]) == [("C-south", False)]
    # of a track we never heard of, its end closes every zone
    assert camera(rig, phase="end", track="8") == [("C-north", False), ("C-south", False)]
    assert camera(rig, track="9", zones=["north"]) == [("C-north", True), ("C-south", False)]
    lost = [(one.track, one.facility) for one in rig.writer.of(CameraEvent) if one.lost]
    assert lost == [("7", "C-south")]  # it was still there when its track ended
    zones = {one.key: one.partition for one in rig.writer.events}
    assert zones == {zone: partition_of(zone, 12) for zone in ("segment:north", "segment:south")}


def test_a_polygon_holds_what_stands_with_the_bottom_centre_of_its_box_in_it() -> None:
    rig = Rig()
    square = ((10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0))
    binding = DeviceBinding(device="cam", polygon=square, homography="h2")
    rig.register(facility("C", binding, zone="segment:1", facility_class=FacilityClass.CURB_ZONE))
    assert camera(rig, phase="new", box=[0, 0, 18, 20]) == []  # its middle is still outside
    assert camera(rig, box=[2, 0, 22, 20]) == [("C", True)]
    assert camera(rig) == [("C", True)]  # no box: where it was
    assert camera(rig, box=[12, 12, 22, 32]) == [("C", False)]  # its wheels have left
    assert camera(rig, box=[12, 2, 22, 12]) == [("C", True)]
    assert camera(rig, phase="end") == [("C", False)]
    events = rig.writer.of(CameraEvent)
    assert {one.view for one in events} == {"h2"}
    assert events[0].box == (2.0, 0.0, 22.0, 20.0)


def test_another_polygon_is_asked_anew_about_the_same_box() -> None:
    rig = Rig()
    for corner, present in ((10.0, True), (50.0, False), (10.0, True)):
        polygon = ((corner, 0.0), (corner + 20, 0.0), (corner + 20, 20.0), (corner, 20.0))
        binding = DeviceBinding(device="cam", polygon=polygon)
        rig.register(facility("C", binding, zone="segment:1", facility_class=FacilityClass.CURB_ZONE))
        assert camera(rig, box=[10, 0, 30, 10]) == [("C", present)]


def test_plates_become_keyed_hashes() -> None:
    rig = Rig()
    binding = DeviceBinding(device="cam")
    rig.register(facility("C", binding, zone="segment:1", facility_class=FacilityClass.CURB_ZONE))
    for plate in ("豫K·12345", "豫k 12345", "豫K54321"):
        camera(rig, plate=plate)
    first, same, other = (one.plate for one in rig.writer.of(CameraEvent))
    assert first == same != other
    assert Plates(b"another").hashed("豫K12345") != first == Plates(b"key").hashed("豫K12345")
    assert Plates(None).hashed("豫K12345") is None
    assert Plates(b"key").hashed(" - ") is None


def test_an_unknown_camera_waits() -> None:
    rig = Rig()
    assert camera(rig, zones=["north"], seq=3) == []
    (waiting,) = rig.writer.of(UnregisteredReadings)
    assert waiting.identities == (("camera", "a::3"),)


def test_the_feed_clock_decides_and_ticks_in_order() -> None:
    rig = Rig(feed=True)
    rig.register(facility("F1", DeviceBinding(device="dev1")))
    rig.ticker.own(frozenset({partition_of("dma:1", 12)}))
    rig.take(TOPIC, body(seq=0, time="2013-01-01T00:00:00Z"))  # no clock yet: the device's own counts
    rig.take("eyes/v1/_clock", b'{"time":"2013-01-01T00:10:00Z"}')
    rig.take(TOPIC, body(seq=1))
    rig.take(TOPIC, body(seq=2, time="2013-01-01T00:16:00Z"))
    clock = rig.take("eyes/v1/_clock", b'{"time":"2013-01-01T00:20:00Z"}')
    rig.take("eyes/v1/_clock", b'{"time":"2013-01-01T00:15:00Z"}')  # backwards: ignored
    rig.take("eyes/v1/_clock", b'{"time":"soon"}')
    kinds = [type(one.data) for one in rig.writer.written if one.topic is not ACCEPTED]
    assert kinds == [BatchColumns, Tick, BatchColumns, BatchColumns, Tick, Quarantined]
    rows = rig.writer.rows()
    assert [Quality(row[5]) for row in rows] == [Quality.GOOD, Quality.UNTIMED, Quality.FUTURE]
    assert rows[1][4] == rows[2][4] == to_ms(rig.writer.of(Tick)[0].time) == 1_356_999_000_000
    assert [tick.received_to["shard"] for tick in rig.writer.of(Tick)] == [1_356_999_000_000, 1_356_999_600_000]
    rig.writer.confirm_all()
    released = rig.ledger.release()
    assert clock in released.mids
    assert released.frontier == 1_356_999_600_000


@settings(max_examples=examples(300), deadline=None)
@given(
    topic=st.binary(max_size=40) | st.sampled_from([TOPIC.encode(), b"eyes/v1/x/cam/camera", b"eyes/v1/_clock"]),
    payload=st.binary(max_size=60) | st.just(COVER) | st.just(body(seq=1)),
    dup=st.booleans(),
)
def test_whatever_comes_is_kept_somewhere_and_acknowledged(topic: bytes, payload: bytes, dup: bool) -> None:
    rig = Rig()
    mid = rig.take(topic, payload, dup=dup)
    assert len(rig.writer.written) == 1 or topic == b"eyes/v1/_clock" or payload == b"[]"
    rig.writer.confirm_all()
    assert rig.ledger.release().mids == [mid]
