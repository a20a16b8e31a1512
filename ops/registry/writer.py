"""Puts registrations into the log: how they are wrapped, and sent until all are acknowledged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kafka import KafkaProducer

from runtime.settings import Settings
from schemas.envelope import KAFKA_HEADERS, CloudEvent, encode
from schemas.identity import event_id
from schemas.model import Model
from schemas.registry import CityWide, FacilityLeft, FacilityRegistered
from schemas.works import MaintenancePlanned

ACK_S: Final = 30.0


def send(producer: KafkaProducer, topic: str, records: Sequence[tuple[str, bytes | None, int]]) -> list[int]:
    """Write keys and values (None: a tombstone) to partitions; returns their offsets when all are acknowledged.

    Raises:
        kafka.errors.KafkaError: one was not taken, or not in time.
    """
    sent = [
        producer.send(
            topic, key=key.encode(), value=value, partition=partition, headers=list(KAFKA_HEADERS) if value else []
        )
        for key, value, partition in records
    ]
    producer.flush(timeout=ACK_S)
    return [int(future.get(timeout=ACK_S).offset) for future in sent]


def encoded(settings: Settings, subject: str, data: Model | None, now: datetime) -> bytes | None:
    """What is said of ``subject`` as an event; None stays None.

    Args:
        settings: whose site it is.
        subject: what it is about, where ``data`` is not of a facility; of what is known of the city, where it goes.
        data: a registration, a departure, or what is known of a zone, its water network or the city.
        now: wall time.
    """
    if data is None:
        return None
    if isinstance(data, FacilityRegistered):
        subject, partitionkey = data.facility.facility, data.facility.zone
    elif isinstance(data, FacilityLeft):
        subject, partitionkey = data.facility, data.zone
    elif isinstance(data, MaintenancePlanned):
        subject, partitionkey = data.works, data.zone
    elif isinstance(data, CityWide):
        subject, partitionkey = data.key, subject
    else:
        partitionkey = subject
    return encode(
        CloudEvent(
            id=str(event_id("registry", type(data).__name__, subject, partitionkey, now.isoformat())),
            source=f"/{settings.site}/registry",
            time=now,
            data=data,
            subject=subject,
            partitionkey=partitionkey,
        )
    )
