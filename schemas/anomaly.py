"""Findings: the closed table of kinds, and the event that raises, updates or clears one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from schemas.facility import FacilityClass, Place
from schemas.model import Model, Timestamp, ZoneId


class Severity(StrEnum):
    """As ThingsBoard and X.733 name them."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"


class AnomalyKind(StrEnum):
    """Everything a detector may find."""

    WATER_BURST = "water_burst"
    WATER_LEAK = "water_leak"
    PARKING_OVERSTAY = "parking_overstay"
    NO_STOPPING = "no_stopping"
    COVER_TILTED = "cover_tilted"
    COVER_OPEN = "cover_open"
    DEVICE_SILENT = "device_silent"
    DEVICE_CLOCK = "device_clock"
    NOVELTY = "novelty"


@dataclass(frozen=True, slots=True)
class KindInfo:
    """What is said of every finding of a kind; ``matter`` is the 2013 class code cases are filed under, if any."""

    label: str
    label_zh: str
    severity: Severity
    matter: str | None


KINDS: Final[dict[AnomalyKind, KindInfo]] = {
    AnomalyKind.WATER_BURST: KindInfo("burst water main", "供水管道破裂", Severity.CRITICAL, "0501"),
    AnomalyKind.WATER_LEAK: KindInfo("growing leak in a water main", "供水管道渗漏", Severity.MAJOR, "0501"),
    AnomalyKind.PARKING_OVERSTAY: KindInfo("parking overstay", "超时停车", Severity.MINOR, "0409"),
    AnomalyKind.NO_STOPPING: KindInfo("vehicle in a no-stopping zone", "违章停车", Severity.MAJOR, "0409"),
    AnomalyKind.COVER_TILTED: KindInfo("manhole cover tilted", "井盖移位", Severity.MAJOR, "0101"),
    AnomalyKind.COVER_OPEN: KindInfo("manhole cover open", "井盖缺失", Severity.CRITICAL, "0101"),
    AnomalyKind.DEVICE_SILENT: KindInfo("silent device", "设备离线", Severity.WARNING, None),
    AnomalyKind.DEVICE_CLOCK: KindInfo("device clock wrong", "设备时钟异常", Severity.WARNING, None),
    AnomalyKind.NOVELTY: KindInfo("unusual reading", "读数异常", Severity.WARNING, None),
}


class Transition(StrEnum):
    """What happened to a finding."""

    RAISED = "raised"
    UPDATED = "updated"
    CLEARED = "cleared"


class Anomaly(Model):
    """One step in the life of a finding.

    ``since`` is when the matter began, ``at`` the event time of this step, ``arrival_time`` the wall time at which
    the newest evidence reached us (None when time alone decided, as with a silent device).
    """

    id: UUID
    transition: Transition
    kind: AnomalyKind
    severity: Severity
    zone: ZoneId
    subject: Annotated[str, Field(min_length=1, max_length=160)]
    facility: str | None = None
    facility_class: FacilityClass | None = None
    place: Place
    since: Timestamp
    at: Timestamp
    arrival_time: Timestamp | None = None
    summary: Annotated[str, Field(min_length=1, max_length=512)]
    numbers: Annotated[dict[str, float], Field(default_factory=dict)]
    score: Annotated[float, Field(ge=0, le=1)] = 1.0
    evidence: tuple[UUID, ...] = ()
    reason: Annotated[str | None, Field(max_length=256)] = None
    detector: str
    detector_version: Annotated[int, Field(ge=1)]
