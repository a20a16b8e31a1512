"""Whatever of a message enters the log, its bytes do too, and it is not acknowledged before."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_rig import NOW, FakeWriter, Rig, facility

from ingest.accepted import MESSAGES_MAX, WIRE_MAX, Accepted, wire_bytes
from ingest.ledger import AckLedger
from ingest.messages import PAYLOAD_MAX
from runtime.kafka import MAX_RECORD_BYTES
from schemas.columns import AcceptedColumns
from schemas.envelope import CloudEvent, encode
from schemas.facility import DeviceBinding, FacilityClass
from schemas.model import from_ms
from schemas.partitioning import partition_of
from schemas.topics import ACCEPTED
from tests.examples import examples

TOPIC = "eyes/v1/x/dev1/observations"


def body(value: float = 3, **more: Any) -> dict[str, Any]:
    return {"property": "pressure", "value": value, "unit": "kPa", **more}


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device="dev1")))
    return rig


def kept(rig: Rig) -> list[tuple[str, int, bytes]]:
    """Topic, arrival and bytes of everything kept."""
    return [
        message
        for record in rig.writer.of(AcceptedColumns)
        for message in zip(record.mqtt_topic, record.arrival_time, record.payload, strict=True)
    ]


def test_the_bytes_are_kept_as_they_came(rig: Rig) -> None:
    odd = b' {"value" : 3.0,\n"property":"pressure"} '
    rig.take(TOPIC, odd)
    rig.take(TOPIC, json.dumps([body(seq=1), body(seq=2)]).encode(), at=NOW + 5)
    assert kept(rig) == [(TOPIC, NOW, odd), (TOPIC, NOW + 5, json.dumps([body(seq=1), body(seq=2)]).encode())]
    (first, _) = [one for one in rig.writer.written if one.topic is ACCEPTED]
    assert (first.data.shard, first.key, first.partition) == ("shard", "shard", partition_of("shard", 4))


def test_a_message_waits_for_its_bytes(rig: Rig) -> None:
    mid = rig.take(TOPIC, json.dumps(body(seq=1)).encode())
    for one in rig.writer.written:
        if one.topic is not ACCEPTED:
            for ticket in one.tickets:
                rig.ledger.confirm(ticket)
    assert rig.ledger.release().mids == []
    (record,) = [one for one in rig.writer.written if one.topic is ACCEPTED]
    for ticket in record.tickets:
        rig.ledger.confirm(ticket)
    assert rig.ledger.release().mids == [mid]


def test_a_camera_and_a_copy_are_kept_too(rig: Rig) -> None:
    lens = facility("F2", DeviceBinding(device="cam"), facility_class=FacilityClass.CURB_ZONE, zone="segment:1")
    rig.register(lens)
    seen = b'{"phase":"new","track":"t","label":"car","zones":["a"],"seq":1}'
    for dup in (False, True):
        rig.take("eyes/v1/x/cam/camera", seen, dup=dup)
    assert [payload for _, _, payload in kept(rig)] == [seen, seen]


def test_what_is_set_aside_has_its_bytes_there(rig: Rig) -> None:
    for topic, payload in (
        (TOPIC, b"{"),
        ("eyes/v1/x/stranger/observations", json.dumps(body(seq=1)).encode()),
        ("eyes/v1/_probe/other", b"{}"),
        (TOPIC, b"[]"),
    ):
        rig.take(topic, payload)
    assert kept(rig) == []


def test_a_message_of_which_only_some_is_taken_is_kept_whole(rig: Rig) -> None:
    mixed = json.dumps([body(seq=1), {"property": "mood", "value": 1}]).encode()
    rig.take(TOPIC, mixed)
    assert [payload for _, _, payload in kept(rig)] == [mixed]


def test_poison_keeps_what_was_taken_before_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = rig.registry.targets

    def breaks(device: str, name: str, channel: str) -> Any:
        if name == "flow":
            raise ZeroDivisionError
        return targets(device, name, channel)

    monkeypatch.setattr(rig.registry, "targets", breaks)
    both = json.dumps([body(seq=1), {"property": "flow", "value": 1}]).encode()
    rig.take(TOPIC, both)
    assert len(rig.writer.rows()) == 1
    assert [payload for _, _, payload in kept(rig)] == [both]


@settings(max_examples=examples(50))
@given(
    st.lists(
        st.tuples(st.sampled_from(["dev1", "dev2", "stranger"]), st.lists(st.sampled_from(["pressure", "mood"]))),
        max_size=12,
    )
)
def test_every_reading_in_the_log_has_its_message(said: list[tuple[str, list[str]]]) -> None:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device="dev1")), facility("F2", DeviceBinding(device="dev2"), zone="z:2"))
    for number, (device, names) in enumerate(said):
        parts = [{"property": name, "value": 1, "seq": 100 * number + n} for n, name in enumerate(names)]
        rig.take(f"eyes/v1/x/{device}/observations", json.dumps(parts).encode(), at=NOW + number)
    messages = {
        (topic.split("/")[3], f"a::{part['seq']}")
        for topic, _, payload in kept(rig)
        for part in json.loads(payload)
        if part["property"] == "pressure"
    }
    assert {(row[0], row[2]) for row in rig.writer.rows()} == messages


def box() -> tuple[Accepted, FakeWriter, AckLedger]:
    ledger = AckLedger()
    writer = FakeWriter(ledger)
    anything: Any = writer
    return Accepted(anything, ledger, "shard", 20), writer, ledger


def test_a_full_record_is_written_and_fits_whatever_comes_last() -> None:
    accepted, writer, ledger = box()
    topic = "eyes/v1/x/" + "\x01" * 1024 + "/observations"
    size = 0
    while size + wire_bytes(topic, b"xyz") < WIRE_MAX and len(accepted) < MESSAGES_MAX - 1:
        accepted.add(ledger.received(1, 3, 0.0), topic, b"xyz", NOW)
        size += wire_bytes(topic, b"xyz")
    assert not writer.written
    accepted.add(ledger.received(1, 3, 0.0), topic, bytes(PAYLOAD_MAX), NOW)
    (record,) = writer.written
    assert (len(accepted), accepted.next_due_s()) == (0, None)
    event = CloudEvent(id="x" * 80, source="/test/shard", time=from_ms(NOW), data=record.data, partitionkey="shard")
    assert WIRE_MAX < len(encode(event)) < MAX_RECORD_BYTES - 4_096


def test_many_small_messages_fill_a_record_too() -> None:
    accepted, writer, ledger = box()
    for _ in range(MESSAGES_MAX):
        accepted.add(ledger.received(1, 1, 0.0), "t", b"x", NOW)
    assert [len(one.tickets) for one in writer.written] == [MESSAGES_MAX]


@given(st.text(max_size=30), st.binary(max_size=60))
def test_a_message_is_never_larger_than_reckoned(topic: str, payload: bytes) -> None:
    empty = CloudEvent(id="x", source="s", time=from_ms(NOW), data=AcceptedColumns("s", [], [], []))
    one = CloudEvent(id="x", source="s", time=from_ms(NOW), data=AcceptedColumns("s", [topic], [NOW], [payload]))
    assert len(encode(one)) - len(encode(empty)) <= wire_bytes(topic, payload)


def test_it_is_written_when_it_has_waited_for_company() -> None:
    accepted, writer, ledger = box()
    assert accepted.next_due_s() is None
    accepted.flush_due(1e9)
    assert not writer.written
    accepted.add(ledger.received(1, 1, 0.0), "t", b"x", NOW)
    due_s = accepted.next_due_s()
    assert due_s is not None
    accepted.flush_due(due_s - 0.001)
    assert not writer.written
    accepted.add(ledger.received(2, 1, 0.0), "t", b"y", NOW)
    accepted.flush_due(due_s)
    assert [one.data.payload for one in writer.written] == [[b"x", b"y"]]
    accepted.add(ledger.received(3, 1, 0.0), "t", b"z", NOW)
    accepted.discard()
    accepted.flush()
    assert len(writer.written) == 1
