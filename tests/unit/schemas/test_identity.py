from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_murmur2

from schemas import identity
from schemas.partitioning import murmur2, partition_of


@given(st.binary(max_size=64))
def test_partitions_are_those_of_every_other_kafka_client(data: bytes) -> None:
    assert murmur2(data) == kafka_murmur2(data) & 0xFFFFFFFF


@given(st.text(max_size=40), st.integers(1, 100))
def test_a_partition_is_one_of_them(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions


def test_golden_ids_never_change() -> None:
    reading = identity.reading_id("d1", "pressure", identity.numbered("b7", 42))
    assert str(reading) == "b3383510-d50a-57bf-a670-79c91b511f1a"
    opened = identity.finding_id("cover_open", "grid:1", "f1", str(reading))
    assert str(opened) == "ad2de8ed-d118-55ab-98b9-c78a2f4dfc5f"
    assert partition_of("dma:ltown", 12) == 10


@given(st.text(), st.text(), st.text())
def test_ids_are_those_of_rfc_4122(device: str, name: str, word: str) -> None:
    assert identity.reading_id(device, name, word) == uuid5(identity.NAMESPACE, f"reading|{device}|{name}|{word}")


def test_tiers() -> None:
    assert identity.numbered("b7", 42) == "a:b7:42"
    assert identity.timed(1_700_000_000_000, 12.5) == "b:1700000000000:12.5"
    assert identity.arrived(1_700_000_000_000, "00ff", 2) == "c:1700000000000:00ff:2"
    assert identity.arrived(1_700_000_000_000, "00ff", 2, "input:0") == "c:1700000000000:00ff:2@input:0"
    assert [identity.tier(i) for i in ("a:b:1", "b:1:2.0", "c:1:x:0")] == ["a", "b", "c"]


@given(st.text(max_size=20), st.binary(max_size=20), st.text(max_size=20), st.binary(max_size=20))
def test_a_payload_hash_stands_for_topic_and_bytes(t1: str, p1: bytes, t2: str, p2: bytes) -> None:
    same = identity.payload_hash(t1, p1) == identity.payload_hash(t2, p2)
    assert same == ((t1.encode() + b"\0" + p1) == (t2.encode() + b"\0" + p2))


NAMES = st.sampled_from(["pulse_count", "meter_reading"])
TIMES = st.integers(0, 253_402_300_799_999)


@given(TIMES, TIMES, NAMES, st.sampled_from(["", "2", "input:0", "a@b"]))
def test_a_derived_identity_says_what_it_was_made_of(end: int, begin: int, name: str, channel: str) -> None:
    made = identity.Derivation(end, begin, name, channel)
    assert identity.derivation(identity.derived(made)) == made
    assert identity.tier(identity.derived(made)) == "d"


def test_what_a_device_sent_was_derived_from_nothing() -> None:
    assert identity.derivation(identity.timed(1, 2.0)) is None
    assert identity.derived(identity.Derivation(5, 3, "pulse_count", "2")) == "d:5:3:pulse_count@2"
    assert identity.derived(identity.Derivation(5, 3, "pulse_count", "")) == "d:5:3:pulse_count"


@given(st.sampled_from(["", "b7"]), st.integers(0, 9), st.sampled_from(["", "2", "input:0"]))
def test_an_identity_says_of_which_boot_and_channel_it_is(boot: str, number: int, channel: str) -> None:
    assert identity.boot_and_channel(identity.numbered(boot, number, channel)) == (boot, channel)
    assert identity.boot_and_channel(identity.timed(number, -1.5e-7, channel)) == ("", channel)
    assert identity.boot_and_channel(identity.arrived(number, "00ff", 0, channel)) == ("", channel)
    assert identity.boot_and_channel(identity.derived(identity.Derivation(2, 1, "x", channel))) == ("", channel)
