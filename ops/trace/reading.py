"""From a record to the readings in it, and from a message's bytes to the readings it leads to."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ingest.decoders.base import Message
from ingest.decoders.catalogue import Catalogue
from ingest.normalise import measurement_identity, sighting_identity
from ingest.unregistered import CAMERA
from ops.trace.chain import Place, Row
from schemas.camera import CameraEvent
from schemas.columns import BatchColumns
from schemas.envelope import CloudEvent, Data, UnknownEventError, decode
from schemas.identity import payload_hash, tier
from schemas.observation import Quality


class Said(NamedTuple):
    """A reading as its message says it, the value in the canonical unit; None where a camera speaks."""

    device: str
    observed_property: str
    identity: str
    value: float | None


def event_of(record: Any) -> CloudEvent | None:
    """The event in a record; None where it is none of this version."""
    try:
        return None if record.value is None else decode(record.value)
    except UnknownEventError:
        return None


def data_of(record: Any) -> Data | None:
    """The same, without its envelope."""
    event = event_of(record)
    return None if event is None else event.data


def needle(text: str) -> bytes:
    """How this text stands within a JSON document: to pass over records that do not hold it without decoding them."""
    return msgspec.json.encode(text)[1:-1]


def rows_of(data: Any, place: Place) -> Iterator[Row]:
    """The readings in a record of ``city.events``."""
    if isinstance(data, BatchColumns):
        for number, index in enumerate(data.series_index):
            series = data.series[index]
            yield Row(
                place=place,
                device=series.device,
                observed_property=series.observed_property,
                identity=data.identity[number],
                value=data.result[number],
                unit=series.unit,
                time_ms=data.phenomenon_time[number],
                arrival_ms=data.arrival_time[number],
                quality=Quality(data.result_quality[number]),
                shard=data.shard,
                facility=series.facility,
                zone=series.zone,
            )
    elif isinstance(data, CameraEvent):
        yield Row(
            place=place,
            device=data.device,
            observed_property=CAMERA,
            identity=data.identity,
            value=None,
            unit="",
            time_ms=data.time_ms,
            arrival_ms=data.arrival_ms,
            quality=Quality(data.result_quality),
            shard=data.shard,
            facility=data.facility,
            zone=data.zone,
        )


def devices_in(catalogue: Catalogue, mqtt_topic: str, payload: bytes, arrival_ms: int) -> set[str]:
    """Whom the message speaks of."""
    return {report.device for report in catalogue.decode(Message(mqtt_topic, payload, arrival_ms)).reports}


def readings_in(mqtt_topic: str, payload: bytes, arrival_ms: int, catalogue: Catalogue | None = None) -> Iterator[Said]:
    """Everything the message says; ``arrival_ms`` identifies what nothing else does.

    ``catalogue`` has learned what is needed to read it; None: nothing is.
    """
    key = payload_hash(mqtt_topic, payload)
    for report in (catalogue or Catalogue()).decode(Message(mqtt_topic, payload, arrival_ms)).reports:
        for index, part in enumerate(report.measurements):
            identity = measurement_identity(part, arrival_ms, key, index)
            yield Said(report.device, part.observed_property, identity, part.value)
        for index, seen in enumerate(report.sightings):
            yield Said(report.device, CAMERA, sighting_identity(seen, arrival_ms, key, index), None)


def leads_to(mqtt_topic: str, payload: bytes, row: Row, catalogue: Catalogue | None = None) -> bool:
    """Whether the message, decoded again, gives this very reading.

    A copy that was recognised has the arrival of the first one in its identity, not its own.
    """
    given_ms = int(row.identity.split(":")[1]) if tier(row.identity) == "c" else 0
    wanted = Said(row.device, row.observed_property, row.identity, row.value)
    return wanted in readings_in(mqtt_topic, payload, given_ms, catalogue)
