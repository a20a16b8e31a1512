"""How fast decoders are on one core, next to what the mere parsing of the same messages costs.

Messages are made here from the published formats, each with other values, so that nothing is decoded twice.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from ingest.decoders.base import Message
from ingest.decoders.catalogue import Catalogue
from ingest.decoders.sparkplug.wire import Payload as SparkplugPayload
from runtime.errors import FatalError

NOW_MS: Final = 1_764_000_000_000
_EUI: Final = "24e124535b316056"
_DIFFERENT: Final = 2_000
_BATCH_ROWS: Final = 500
_ALIASES: Final = ("Level", "Pressure", "Temperature", "Fault")
_DOUBLE: Final = 10
_BOOLEAN: Final = 11


class Speed(NamedTuple):
    """One format: units (messages, or readings of a batch) a second, and the same of parsing alone."""

    format: str
    unit: str
    per_s: float
    parsed_per_s: float

    @property
    def ratio(self) -> float:
        """How many times as long as parsing alone."""
        return self.parsed_per_s / self.per_s


class Fleet(NamedTuple):
    """What is decoded: messages, those that must come before, and how many units one of them counts."""

    format: str
    unit: str
    topic: str
    payloads: Sequence[bytes]
    before: Sequence[tuple[str, bytes]]
    units: int
    parse: Callable[[bytes], Any]


def bench_decode(seconds: float) -> Iterator[Speed]:
    """Decode each format for about so long, in one thread.

    Raises:
        FatalError: a decoder refuses a message of this benchmark.
    """
    for fleet in (_batches(), _observations(), _chirpstack(), _sparkplug()):
        catalogue = Catalogue()
        for topic, payload in fleet.before:
            catalogue.decode(Message(topic, payload, NOW_MS))
        _check(catalogue, fleet)
        topic = fleet.topic
        decoded = _rate(lambda payload: catalogue.decode(Message(topic, payload, NOW_MS)), fleet, seconds)  # noqa: B023
        yield Speed(fleet.format, fleet.unit, decoded, _rate(fleet.parse, fleet, seconds / 4))


def _check(catalogue: Catalogue, fleet: Fleet) -> None:
    decoded = catalogue.decode(Message(fleet.topic, fleet.payloads[0], NOW_MS))
    if decoded.refusal is not None or not any(report.measurements for report in decoded.reports):
        raise FatalError(f"the benchmark's own {fleet.format} message is not understood: {decoded.refusal}")


def _rate(take: Callable[[bytes], Any], fleet: Fleet, seconds: float) -> float:
    """Units a second of this process's CPU time, whatever else the machine does; whole rounds over all messages."""
    began = time.process_time()
    rounds = 0
    while time.process_time() - began < seconds:
        for payload in fleet.payloads:
            take(payload)
        rounds += 1
    return rounds * len(fleet.payloads) * fleet.units / (time.process_time() - began)


def _batches() -> Fleet:
    series = [{"device": f"p-{n}", "property": "pressure", "unit": "kPa", "boot": "b1"} for n in range(20)]
    payloads = []
    for message in range(_DIFFERENT // 100):
        rows = range(message * _BATCH_ROWS, (message + 1) * _BATCH_ROWS)
        body = {
            "series": series,
            "index": [row % len(series) for row in rows],
            "time": [NOW_MS + row for row in rows],
            "value": [100 + row % 997 / 8 for row in rows],
            "seq": list(rows),
        }
        payloads.append(json.dumps(body).encode())
    return Fleet("eyes batch", "readings", "eyes/v1/bench/gateway/batch", payloads, (), _BATCH_ROWS, json.loads)


def _observations() -> Fleet:
    payloads = [
        json.dumps({"property": "pressure", "value": 100 + n % 997 / 8, "unit": "kPa", "boot": "b1", "seq": n}).encode()
        for n in range(_DIFFERENT)
    ]
    return Fleet("eyes observation", "messages", "eyes/v1/bench/p-1/observations", payloads, (), 1, json.loads)


def _chirpstack() -> Fleet:
    payloads = []
    for number in range(_DIFFERENT):
        uplink = {
            "deduplicationId": f"3ac7e3c4-4401-4b8d-9386-{number:012d}",
            "time": f"2025-11-24T16:{number // 60 % 60:02d}:{number % 60:02d}.125000+00:00",
            "deviceInfo": {
                "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
                "tenantName": "City",
                "applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97",
                "applicationName": "bins",
                "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
                "deviceProfileName": "milesight em400-udl",
                "deviceName": "bin-1",
                "devEui": _EUI,
                "tags": {"site": "north"},
            },
            "devAddr": "00189440",
            "adr": True,
            "dr": 5,
            "fCnt": number,
            "fPort": 85,
            "confirmed": False,
            "data": "AXVcA4JECAQAAQ==",
            "object": {
                "battery": 92,
                "distance": 1000 + number,
                "position": "normal",
                "temperature": 21 + number / 100,
            },
            "rxInfo": [
                {
                    "gatewayId": "0016c001f153a14c",
                    "uplinkId": 4217106255 + number,
                    "rssi": -36,
                    "snr": 10.5,
                    "channel": 2,
                    "location": {"latitude": 34.03, "longitude": 113.85},
                    "context": "E3OWOQ==",
                    "metadata": {"region_name": "cn470", "region_common_name": "CN470"},
                }
            ],
            "txInfo": {
                "frequency": 470300000,
                "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 7, "codeRate": "CR_4_5"}},
            },
        }
        payloads.append(json.dumps(uplink).encode())
    topic = f"application/17c82e96-be03-4f38-aef3-f83d48582d97/device/{_EUI}/event/up"
    return Fleet("chirpstack-v4 uplink", "messages", topic, payloads, (), 1, json.loads)


def _sparkplug() -> Fleet:
    node, device = SparkplugPayload(timestamp=NOW_MS, seq=0), SparkplugPayload(timestamp=NOW_MS, seq=1)
    node.metrics.add(name="bdSeq", datatype=8, long_value=0)
    for alias, name in enumerate(_ALIASES):
        _metric(device, alias, float(alias), name)
    payloads = []
    for number in range(_DIFFERENT - _DIFFERENT % 256):
        data = SparkplugPayload(timestamp=NOW_MS + number, seq=(number + 2) % 256)
        for alias in range(len(_ALIASES)):
            _metric(data, alias, float(number % 97 + alias) / 8)
        payloads.append(data.SerializeToString())
    before = (
        ("spBv1.0/bench/NBIRTH/edge", node.SerializeToString()),
        ("spBv1.0/bench/DBIRTH/edge/tank", device.SerializeToString()),
    )
    parse = SparkplugPayload.FromString
    return Fleet("sparkplug-b DDATA", "messages", "spBv1.0/bench/DDATA/edge/tank", payloads, before, 1, parse)


def _metric(payload: Any, alias: int, value: float, name: str = "") -> None:
    metric = payload.metrics.add(alias=alias, timestamp=payload.timestamp)
    if name:
        metric.name = name
    if _ALIASES[alias] == "Fault":
        metric.datatype, metric.boolean_value = _BOOLEAN, value > 1
    else:
        metric.datatype, metric.double_value = _DOUBLE, value
