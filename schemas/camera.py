"""What a camera saw, one event per curb zone it touches (after Frigate's events and CDS curb events)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.model import DeviceId, Model, Timestamp, ZoneId


class TrackPhase(StrEnum):
    """Where a tracked object is in its life."""

    NEW = "new"
    UPDATE = "update"
    END = "end"


class CameraObservation(Model):
    """One message of a camera, as our own MQTT format carries it (topic ``.../camera``)."""

    phase: TrackPhase
    track: Annotated[str, Field(min_length=1, max_length=128)]
    label: Annotated[str, Field(min_length=1, max_length=64)]
    time: Timestamp | None = None
    zones: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    """Names of zones in the camera's own configuration the object stands in now; empty: in none."""
    stationary: bool = False
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    boot: Annotated[str, Field(max_length=64, pattern=r"^[^\s:|]*$")] = ""
    seq: Annotated[int | None, Field(ge=0, le=2**63 - 1)] = None


class CameraEvent(Model):
    """What one camera message says about one curb zone; ``present`` false: the object is not (any more) in it."""

    device: DeviceId
    facility: str
    zone: ZoneId
    phase: TrackPhase
    track: str
    label: str
    present: bool
    stationary: bool
    confidence: Annotated[float, Field(ge=0, le=1)]
    phenomenon_time: Timestamp
    arrival_time: Timestamp
    identity: str
    result_quality: Annotated[int, Field(ge=0, le=4)] = 0
    shard: str
