"""Findings: the closed table of kinds, and the event that raises, updates or clears one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from schemas.facility import FacilityClass, Place
from schemas.model import Model, Timestamp, ZoneId

UNSEEN: Final = "nobody sees it"
"""The reason of a finding that ended by time alone while its facility was silent: that is no all-clear."""


class Severity(StrEnum):
    """As ThingsBoard and X.733 name them."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"


class AnomalyKind(StrEnum):
    """Everything a detector may find."""

    # water
    WATER_BURST = "water_burst"
    WATER_LEAK = "water_leak"
    # parking
    PARKING_OVERSTAY = "parking_overstay"
    NO_STOPPING = "no_stopping"
    FIRE_LANE_BLOCKED = "fire_lane_blocked"
    BUS_STOP_BLOCKED = "bus_stop_blocked"
    BICYCLE_LANE_BLOCKED = "bicycle_lane_blocked"
    DOUBLE_PARKING = "double_parking"
    BAY_BLOCKED = "bay_blocked"
    PRIVATE_LOCK = "private_lock"
    ENTRANCE_BLOCKED = "entrance_blocked"
    SEGMENT_CONGESTED = "segment_congested"
    SENSOR_CAMERA_CONFLICT = "sensor_camera_conflict"
    # covers
    COVER_TILTED = "cover_tilted"
    COVER_OPEN = "cover_open"
    COVER_STOLEN = "cover_stolen"
    COVER_LIFTED = "cover_lifted"
    # levels
    BIN_FULL = "bin_full"
    BIN_OVERFLOWING = "bin_overflowing"
    BIN_FIRE = "bin_fire"
    DRAIN_HIGH = "drain_high"
    ROAD_FLOODED = "road_flooded"
    ROAD_WATER = "road_water"
    TANK_HIGH = "tank_high"
    TANK_LOW = "tank_low"
    # lamps
    LAMP_DARK = "lamp_dark"
    LAMP_ON_BY_DAY = "lamp_on_by_day"
    LAMP_CYCLING = "lamp_cycling"
    LAMP_POWER = "lamp_power"
    FEEDER_DARK = "feeder_dark"
    # surfaces
    PAVEMENT_DAMAGED = "pavement_damaged"
    SIDEWALK_DAMAGED = "sidewalk_damaged"
    GARBAGE_EXPOSED = "garbage_exposed"
    COVER_MISSING = "cover_missing"
    # limits
    GAS_LIMIT = "gas_limit"
    AIR_LIMIT = "air_limit"
    NOISE_LIMIT = "noise_limit"
    LIMIT_EXCEEDED = "limit_exceeded"
    # what no rule names
    NOVELTY = "novelty"
    # devices
    DEVICE_SILENT = "device_silent"
    PROPERTY_SILENT = "property_silent"
    DEVICE_CLOCK = "device_clock"
    DEVICE_STUCK = "device_stuck"
    DEVICE_JUMP = "device_jump"
    DEVICE_DRIFT = "device_drift"
    DEVICE_BATTERY = "device_battery"
    DEVICE_RESTARTS = "device_restarts"
    DEVICE_DUPLICATE = "device_duplicate"
    DEVICE_SIGNAL = "device_signal"
    GATEWAY_DOWN = "gateway_down"


@dataclass(frozen=True, slots=True)
class KindInfo:
    """What is said of every finding of a kind; ``matter`` is the 2013 class code cases are filed under, if any.

    GB/T 30428.2-2013 as one city fills it in: 0192, 0196, 0284 and 0496 are its own, counted down from 99. None: no
    class of the code fits, or it is a matter of the network and none of the street.
    """

    label: str
    label_zh: str
    severity: Severity
    matter: str | None


KINDS: Final[dict[AnomalyKind, KindInfo]] = {
    # water
    AnomalyKind.WATER_BURST: KindInfo("burst water main", "供水管道破裂", Severity.CRITICAL, "0501"),
    AnomalyKind.WATER_LEAK: KindInfo("growing leak in a water main", "供水管道渗漏", Severity.MAJOR, "0501"),
    # parking
    AnomalyKind.PARKING_OVERSTAY: KindInfo("parking overstay", "超时停车", Severity.MINOR, "0409"),
    AnomalyKind.NO_STOPPING: KindInfo("vehicle in a no-stopping zone", "违章停车", Severity.MAJOR, "0409"),
    AnomalyKind.FIRE_LANE_BLOCKED: KindInfo("fire lane blocked", "占用消防通道", Severity.CRITICAL, "0496"),
    AnomalyKind.BUS_STOP_BLOCKED: KindInfo("bus stop blocked", "占用公交站停车", Severity.MAJOR, "0409"),
    AnomalyKind.BICYCLE_LANE_BLOCKED: KindInfo(
        "vehicle in a bicycle lane", "占用非机动车道停车", Severity.MAJOR, "0409"
    ),
    AnomalyKind.DOUBLE_PARKING: KindInfo("double parking", "并排停车", Severity.MAJOR, "0409"),
    AnomalyKind.BAY_BLOCKED: KindInfo("bay blocked by an object", "泊位被物品占用", Severity.MINOR, None),
    AnomalyKind.PRIVATE_LOCK: KindInfo("private lock on a bay", "私装地锁", Severity.MINOR, "0196"),
    AnomalyKind.ENTRANCE_BLOCKED: KindInfo("entrance blocked by a vehicle", "出入口被车辆堵塞", Severity.MAJOR, "0409"),
    AnomalyKind.SEGMENT_CONGESTED: KindInfo("street segment congested", "路段拥堵", Severity.MINOR, None),
    AnomalyKind.SENSOR_CAMERA_CONFLICT: KindInfo(
        "sensor and camera disagree", "传感器与摄像头不一致", Severity.WARNING, None
    ),
    # covers
    AnomalyKind.COVER_TILTED: KindInfo("manhole cover tilted", "井盖移位", Severity.MAJOR, "0101"),
    AnomalyKind.COVER_OPEN: KindInfo("manhole cover open", "井盖缺失", Severity.CRITICAL, "0101"),
    AnomalyKind.COVER_STOLEN: KindInfo("manhole cover stolen", "井盖被盗", Severity.CRITICAL, "0101"),
    AnomalyKind.COVER_LIFTED: KindInfo("manhole cover lifted by overflow", "井盖被溢水顶起", Severity.CRITICAL, "0503"),
    # levels
    AnomalyKind.BIN_FULL: KindInfo("waste bin nearly full", "垃圾箱将满", Severity.WARNING, None),
    AnomalyKind.BIN_OVERFLOWING: KindInfo("waste bin overflowing", "垃圾满溢", Severity.MINOR, "0192"),
    AnomalyKind.BIN_FIRE: KindInfo("fire in a waste bin", "垃圾箱起火", Severity.CRITICAL, None),
    AnomalyKind.DRAIN_HIGH: KindInfo("drain nearly full", "排水管道水位过高", Severity.MAJOR, "0503"),
    AnomalyKind.ROAD_FLOODED: KindInfo("road flooded", "道路积水", Severity.CRITICAL, "0506"),
    AnomalyKind.ROAD_WATER: KindInfo("water gathers on a road", "道路积水预警", Severity.WARNING, None),
    AnomalyKind.TANK_HIGH: KindInfo("tank level high", "水池水位过高", Severity.MAJOR, None),
    AnomalyKind.TANK_LOW: KindInfo("tank level low", "水池水位过低", Severity.MAJOR, None),
    # lamps
    AnomalyKind.LAMP_DARK: KindInfo("street lamp dark", "路灯不亮", Severity.MINOR, "0137"),
    AnomalyKind.LAMP_ON_BY_DAY: KindInfo("street lamp on by day", "路灯白天亮灯", Severity.WARNING, "0137"),
    AnomalyKind.LAMP_CYCLING: KindInfo("street lamp cycling", "路灯闪灭", Severity.MINOR, "0137"),
    AnomalyKind.LAMP_POWER: KindInfo("street lamp at wrong power", "路灯功率异常", Severity.WARNING, "0137"),
    AnomalyKind.FEEDER_DARK: KindInfo("lamps of a feeder dark", "路灯线路断电", Severity.MAJOR, "0137"),
    # surfaces
    AnomalyKind.PAVEMENT_DAMAGED: KindInfo("pavement damaged", "道路破损", Severity.MAJOR, "0113"),
    AnomalyKind.SIDEWALK_DAMAGED: KindInfo("sidewalk damaged", "人行道破损", Severity.MINOR, "0284"),
    AnomalyKind.GARBAGE_EXPOSED: KindInfo("exposed garbage", "暴露垃圾", Severity.MINOR, "0110"),
    AnomalyKind.COVER_MISSING: KindInfo(
        "manhole cover missing, seen by a camera", "摄像头发现井盖缺失", Severity.CRITICAL, "0101"
    ),
    # limits
    AnomalyKind.GAS_LIMIT: KindInfo("gas beyond its limit", "燃气浓度超限", Severity.CRITICAL, None),
    AnomalyKind.AIR_LIMIT: KindInfo("air quality beyond its limit", "空气质量超限", Severity.MINOR, None),
    AnomalyKind.NOISE_LIMIT: KindInfo("noise beyond its limit", "噪声超限", Severity.MINOR, None),
    AnomalyKind.LIMIT_EXCEEDED: KindInfo("beyond a limit", "监测值超限", Severity.MINOR, None),
    # what no rule names
    AnomalyKind.NOVELTY: KindInfo("unusual readings", "数据异常", Severity.WARNING, None),
    # devices
    AnomalyKind.DEVICE_SILENT: KindInfo("silent device", "设备离线", Severity.WARNING, None),
    AnomalyKind.PROPERTY_SILENT: KindInfo(
        "silent sensor of a device that speaks", "设备部分数据缺失", Severity.WARNING, None
    ),
    AnomalyKind.DEVICE_CLOCK: KindInfo("device clock wrong", "设备时钟异常", Severity.WARNING, None),
    AnomalyKind.DEVICE_STUCK: KindInfo("reading stuck", "读数卡死", Severity.WARNING, None),
    AnomalyKind.DEVICE_JUMP: KindInfo("impossible jump of a reading", "读数突变", Severity.WARNING, None),
    AnomalyKind.DEVICE_DRIFT: KindInfo("reading drifts away from its neighbours", "读数漂移", Severity.WARNING, None),
    AnomalyKind.DEVICE_BATTERY: KindInfo("battery nearly empty", "设备电量不足", Severity.WARNING, None),
    AnomalyKind.DEVICE_RESTARTS: KindInfo("device restarts again and again", "设备反复重启", Severity.WARNING, None),
    AnomalyKind.DEVICE_DUPLICATE: KindInfo("two devices of one id", "设备编号重复", Severity.WARNING, None),
    AnomalyKind.DEVICE_SIGNAL: KindInfo("device at the end of its radio range", "设备信号弱", Severity.WARNING, None),
    AnomalyKind.GATEWAY_DOWN: KindInfo("gateway down", "网关离线", Severity.MAJOR, None),
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
    expected: Annotated[str | None, Field(max_length=64)] = None
    """The planned works (:mod:`schemas.works`) that explain it; None from the step on that says that they are over."""
    verify: bool = False
    """It is not sure enough to send anybody: a person should look first."""
    caused_by: UUID | None = None
    """The finding that explains it, such as the gateway through which a silent device is heard: one matter, not two."""
    detector: str
    detector_version: Annotated[int, Field(ge=1)]
    rule: Annotated[str | None, Field(max_length=64)] = None
    """The rule (:mod:`schemas.rules`) by which it was made; None: by none, or before findings said so."""
