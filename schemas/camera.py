"""What a camera saw, one event per curb zone it touches (after Frigate's events and CDS curb events)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

import msgspec
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from schemas.anomaly import AnomalyKind
from schemas.model import DeviceId, Model, Moment, Timestamp, ZoneId, from_ms

VEHICLES: Final = frozenset({"car", "truck", "bus", "motorcycle", "van", "vehicle", "suv", "pickup", "taxi", "trailer"})
"""Labels of what may be parked, in lower case."""
LIVING: Final = frozenset({"person", "human", "face", "dog", "cat", "bird", "animal", "horse"})
"""Labels of what is neither a vehicle nor an object that somebody has left."""
DEFECTS: Final[dict[str, AnomalyKind]] = {
    "pothole": AnomalyKind.PAVEMENT_DAMAGED,
    "pavement_damaged": AnomalyKind.PAVEMENT_DAMAGED,
    "road_damage": AnomalyKind.PAVEMENT_DAMAGED,
    "sidewalk_damaged": AnomalyKind.SIDEWALK_DAMAGED,
    "broken_tile": AnomalyKind.SIDEWALK_DAMAGED,
    "garbage_exposed": AnomalyKind.GARBAGE_EXPOSED,
    "garbage": AnomalyKind.GARBAGE_EXPOSED,
    "cover_missing": AnomalyKind.COVER_MISSING,
    "manhole_missing": AnomalyKind.COVER_MISSING,
}
"""Labels of what is wrong with a surface, in lower case, and what it is."""
SURFACE_CLEAR: Final = "surface_clear"
"""Label of a look at a surface that found nothing wrong."""


class TrackPhase(StrEnum):
    """Where a tracked object is in its life."""

    NEW = "new"
    UPDATE = "update"
    END = "end"


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Box = Annotated[tuple[float, float, float, float], BeforeValidator(_as_tuple)]
"""Left, top, right, bottom: of the picture's width and height, or in pixels, always the same of one camera."""


def _check(box: tuple[float, float, float, float] | None, lon: float | None, lat: float | None) -> None:
    if (lon is None) != (lat is None):
        raise ValueError("lon and lat come together")
    if box is not None and not (box[0] <= box[2] and box[1] <= box[3]):
        raise ValueError("box: right of left and bottom below top, please: left, top, right, bottom")


class Measured(Model):
    """What a camera, or what reads its pictures, may say of an object beside where it is."""

    box: Box | None = None
    still_s: Annotated[float | None, Field(ge=0, le=86_400 * 31)] = None
    """Seconds for which it has not moved; None: not told."""
    area_m2: Annotated[float | None, Field(ge=0, le=1e6)] = None
    """Of what is damaged or littered."""
    step_m: Annotated[float | None, Field(ge=0, le=10)] = None
    """The height of an edge."""
    lon: Annotated[float | None, Field(ge=-180, le=180)] = None
    lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    """Where it is, WGS 84."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _check(self.box, self.lon, self.lat)
        return self


class CameraObservation(Measured):
    """One message of a camera, as our own MQTT format carries it (topic ``.../camera``)."""

    phase: TrackPhase
    track: Annotated[str, Field(min_length=1, max_length=128)]
    label: Annotated[str, Field(min_length=1, max_length=64)]
    time: Timestamp | None = None
    zones: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    """Names of zones in the camera's own configuration the object stands in now; empty: in none."""
    stationary: bool = False
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    plate: Annotated[str | None, Field(min_length=1, max_length=32)] = None
    """As it was read; goes no further than ingest, which makes a keyed hash of it."""
    boot: Annotated[str, Field(max_length=64, pattern=r"^[^\s:|]*$")] = ""
    seq: Annotated[int | None, Field(ge=0, le=2**63 - 1)] = None


class DefinedCameraEvent(Measured):
    """What one camera message says about one curb zone; ``present`` false: the object is not (any more) in it."""

    model_config = ConfigDict(title="CameraEvent")

    device: DeviceId
    facility: str
    zone: ZoneId
    phase: TrackPhase
    track: str
    label: str
    present: bool
    stationary: bool
    confidence: Annotated[float, Field(ge=0, le=1)]
    lost: bool = False
    """Its track ended while it was still in the zone: it may be found again under another id."""
    plate: Annotated[str | None, Field(pattern=r"^[0-9a-f]{32}$")] = None
    """A keyed hash: equal for equal plates while the key is the same, and nobody reads the plate from it."""
    view: Annotated[str | None, Field(max_length=64)] = None
    """The version of the camera's homography by whose polygon ``present`` was decided; None: the camera's own zones."""
    phenomenon_time: Timestamp
    arrival_time: Timestamp
    identity: str
    result_quality: Annotated[int, Field(ge=0, le=4)] = 0
    shard: str


class CameraEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """:class:`DefinedCameraEvent` as programs hold it: the same JSON, cheaper to make and to read.

    Raises:
        ValueError: half a place, or a box whose right is left of its left.
    """

    box: tuple[float, float, float, float] | None = None
    still_s: Annotated[float, msgspec.Meta(ge=0, le=86_400 * 31)] | None = None
    area_m2: Annotated[float, msgspec.Meta(ge=0, le=1e6)] | None = None
    step_m: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    device: str
    facility: str
    zone: str
    phase: TrackPhase
    track: str
    label: str
    present: bool
    stationary: bool
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)]
    lost: bool = False
    plate: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")] | None = None
    view: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    seen: Moment = msgspec.field(name="phenomenonTime")
    came: Moment = msgspec.field(name="arrivalTime")
    identity: str
    result_quality: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0
    shard: str

    def __post_init__(self) -> None:
        _check(self.box, self.lon, self.lat)

    @property
    def time_ms(self) -> int:
        """Event time."""
        return int(self.seen)

    @property
    def arrival_ms(self) -> int:
        """When its message came."""
        return int(self.came)

    @property
    def arrival_time(self) -> datetime:
        """The same."""
        return from_ms(self.came)
