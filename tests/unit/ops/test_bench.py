"""The benchmark's load is what the pipeline takes, and what it writes down is what ingest will make of it."""

import json
from collections.abc import Iterator
from io import BytesIO

from ingest.decoders.own_json import decode_observations
from ingest.normalise import measurement_identity
from ops.bench import publisher
from ops.bench.fleet import KINDS, SENSORS_A_ZONE, facilities, fleet, zones

DEVICES = fleet(20)
SPEAKERS = [publisher._Speaker("xuchang", device) for device in DEVICES]


def packets(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Topic, packet id and payload of each PUBLISH, read as MQTT 3.1.1 says (section 3.3)."""
    while data:
        assert data[0] == 0x32  # PUBLISH, QoS 1
        length, shift, at = 0, 0, 1
        while True:
            byte = data[at]
            length |= (byte & 127) << shift
            shift, at = shift + 7, at + 1
            if byte < 128:
                break
        body, data = data[at : at + length], data[at + length :]
        end = 2 + int.from_bytes(body[:2], "big")
        yield body[2:end].decode(), int.from_bytes(body[end : end + 2], "big"), body[end + 2 :]


def test_every_packet_is_a_reading_that_was_written_down() -> None:
    sent = BytesIO()
    told = list(packets(publisher._burst(SPEAKERS, 0, 100, sent)))
    lines = [json.loads(line) for line in sent.getvalue().splitlines()]
    assert len(told) == len(lines) == 100
    for number, ((topic, packet_id, payload), line) in enumerate(zip(told, lines, strict=True)):
        decoded = decode_observations(payload)
        assert decoded.refusal is None
        (reading,) = decoded.measurements
        assert topic == f"eyes/v1/xuchang/{line['device']}/observations"
        assert (reading.observed_property, reading.value) == (line["property"], line["value"])
        assert measurement_identity(reading, 0, "", 0) == line["identity"]
        assert (packet_id, line["n"]) == (number + 1, number)


def test_numbers_go_on_from_burst_to_burst() -> None:
    one, other = BytesIO(), BytesIO()
    publisher._burst(SPEAKERS, 0, 37, one)
    publisher._burst(SPEAKERS, 37, 90, one)
    publisher._burst(SPEAKERS, 0, 90, other)
    assert one.getvalue() == other.getvalue()
    identities = {(line["device"], line["identity"]) for line in map(json.loads, one.getvalue().splitlines())}
    assert len(identities) == 90


def test_packet_ids_stay_within_sixteen_bits_and_above_zero() -> None:
    ids = [mid for _, mid, _ in packets(publisher._burst(SPEAKERS, 59_990, 60_010, BytesIO()))]
    assert min(ids) == 1
    assert max(ids) == publisher.PACKET_IDS


def test_the_fleet_has_the_shares_it_says_and_every_zone_is_configured() -> None:
    devices = fleet(1_000)
    assert len(devices) == 1_000
    for kind in KINDS:
        assert sum(device.kind is kind for device in devices) == round(1_000 * kind.share)
    registered = list(facilities(devices))
    assert {facility.zone for facility in registered} == {zone.zone for zone in zones(devices)}
    assert max(sum(f.zone == z for f in registered) for z in {f.zone for f in registered}) == SENSORS_A_ZONE
