"""What the event types of camera vendors mean to us, as one table.

Only what an event type says by itself stands here: whether it is about something seen in the picture (then it becomes
a sighting), which of our flags it sets while it is active, and what was seen where its name says so. Event types are
compared without case. ONVIF's (and those of Axis) are paths, of which the longest known beginning counts; Hikvision's
and Dahua's are single words. An event type that is not listed is still an event; it just measures nothing.

Sources: ONVIF Analytics, Imaging and Device IO service specifications (21.06); Axis VAPIX event declarations;
Hikvision ISAPI ``EventNotificationAlert``; Dahua HTTP API, list of event codes.
"""

from functools import lru_cache
from typing import Final, NamedTuple


class EventMeaning(NamedTuple):
    """What an event type says by itself."""

    seen: bool = False
    """About something in the picture, for as long as it is active."""
    flag: str = ""
    """The property that is true while it is active."""
    label: str = ""
    """What is seen, where the type names it."""
    stationary: bool = False
    """What is seen stands still, or there would be no such event."""


NOTHING: Final = EventMeaning()
_SEEN: Final = EventMeaning(seen=True)
_MOTION: Final = EventMeaning(seen=True, flag="motion")
_PIR: Final = EventMeaning(flag="motion")  # a sensor beside the picture
_TAMPER: Final = EventMeaning(flag="tamper")
_FAULT: Final = EventMeaning(flag="fault")
_FIRE: Final = EventMeaning(flag="fire_alarm")
_SMOKE: Final = EventMeaning(flag="smoke_alarm")
_PERSON: Final = EventMeaning(seen=True, label="person")
_VEHICLE: Final = EventMeaning(seen=True, label="vehicle")
_FACE: Final = EventMeaning(seen=True, label="face")
_ANIMAL: Final = EventMeaning(seen=True, label="animal")
_PARKED: Final = EventMeaning(seen=True, label="vehicle", stationary=True)
_LEFT_BEHIND: Final = EventMeaning(seen=True, label="baggage", stationary=True)

_PATHS: Final = {
    # ONVIF: rules see the picture, unless named otherwise
    "RuleEngine": _SEEN,
    "RuleEngine/CellMotionDetector/Motion": _MOTION,
    "RuleEngine/MotionRegionDetector/Motion": _MOTION,
    "RuleEngine/VMD3": _MOTION,
    "RuleEngine/TamperDetector": _TAMPER,
    "RuleEngine/GlobalSceneChange": _TAMPER,
    "RuleEngine/FireDetector": _FIRE,
    "RuleEngine/SmokeDetector": _SMOKE,
    "RuleEngine/AudioDetector": NOTHING,
    "RuleEngine/Audio": NOTHING,
    "RuleEngine/Counter": NOTHING,
    "RuleEngine/CountAggregation": NOTHING,
    "RuleEngine/Radiometry": NOTHING,
    "RuleEngine/PeopleDetector": _PERSON,
    "RuleEngine/VehicleDetector": _VEHICLE,
    "RuleEngine/MyRuleDetector/PeopleDetect": _PERSON,
    "RuleEngine/MyRuleDetector/VehicleDetect": _VEHICLE,
    "RuleEngine/MyRuleDetector/DogCatDetect": _ANIMAL,
    "RuleEngine/MyRuleDetector/FaceDetect": _FACE,
    "RuleEngine/MyRuleDetector/Visitor": NOTHING,  # the button of a door bell
    "RuleEngine/FaceDetector": _FACE,
    "RuleEngine/IllegalParking": _PARKED,
    "RuleEngine/ParkingDetector": _PARKED,
    "RuleEngine/StoppedVehicle": _PARKED,
    "RuleEngine/LeftObjectDetector": _LEFT_BEHIND,
    "VideoSource/MotionAlarm": _MOTION,
    "VideoSource/GlobalSceneChange": _TAMPER,
    "VideoSource/Tampering": _TAMPER,
    "VideoSource/ImageTooBlurry": _FAULT,  # a dark or bright image is no fault: every night has one
    "VideoSource/SignalLoss": _FAULT,
    "VideoSource/VideoLoss": _FAULT,
    "VideoAnalytics/MotionDetection": _MOTION,
    "UserAlarm/IVA/HumanShapeDetect": _PERSON,
    "UserAlarm/IVA/VehicleDetect": _VEHICLE,
    "Device/HardwareFailure": _FAULT,
    "Device/Trigger/Tamper": _TAMPER,
    # Axis
    "CameraApplicationPlatform/VMD": _MOTION,
    "CameraApplicationPlatform/MotionGuard": _MOTION,
    "CameraApplicationPlatform/FenceGuard": _SEEN,
    "CameraApplicationPlatform/LoiteringGuard": _SEEN,
    "CameraApplicationPlatform/ObjectAnalytics": _SEEN,
    "CameraApplicationPlatform/PerimeterDefender": _SEEN,
    "CameraApplicationPlatform/CrossLineDetection": _SEEN,
    "Device/Sensor/PIR": _PIR,
    "Device/Casing/Open": _TAMPER,
    "Device/Tampering": _TAMPER,
    "Storage/Disruption": _FAULT,
}

_WORDS: Final = {
    # Hikvision
    "VMD": _MOTION,
    "motionDetection": _MOTION,
    "linedetection": _SEEN,
    "fielddetection": _SEEN,
    "regionEntrance": _SEEN,
    "regionExiting": _SEEN,
    "loitering": _SEEN,
    "group": _PERSON,
    "peopleDetection": _PERSON,
    "rapidMove": _SEEN,
    "parking": _PARKED,
    "illegalParking": _PARKED,
    "unattendedBaggage": _LEFT_BEHIND,
    "facedetection": _FACE,
    "faceSnap": _FACE,
    "vehicleDetection": _VEHICLE,
    "PIR": _PIR,
    "shelteralarm": _TAMPER,
    "tamperdetection": _TAMPER,
    "scenechangedetection": _TAMPER,
    "defocus": _FAULT,
    "videoloss": _FAULT,
    "diskfull": _FAULT,
    "diskerror": _FAULT,
    "diskUnformat": _FAULT,
    "nicbroken": _FAULT,
    "badvideo": _FAULT,
    "fireDetection": _FIRE,
    "smokeDetection": _SMOKE,
    "smokeAndFireDetection": _FIRE,
    # Dahua
    "VideoMotion": _MOTION,
    "SmartMotionHuman": EventMeaning(seen=True, flag="motion", label="human"),
    "SmartMotionVehicle": EventMeaning(seen=True, flag="motion", label="vehicle"),
    "CrossLineDetection": _SEEN,
    "CrossRegionDetection": _SEEN,
    "CrossFenceDetection": _SEEN,
    "LeftDetection": _LEFT_BEHIND,
    "TakenAwayDetection": _SEEN,
    "WanderDetection": _SEEN,
    "StayDetection": _SEEN,
    "RioterDetection": _PERSON,
    "CrowdDetection": _PERSON,
    "MoveDetection": _SEEN,
    "ParkingDetection": _PARKED,
    "TrafficParking": _PARKED,
    "TrafficStay": _PARKED,
    "PedestrianDetection": _PERSON,
    "HumanDetection": _PERSON,
    "AlarmPIR": _PIR,
    "PIRAlarm": _PIR,
    "VideoBlind": _TAMPER,
    "VideoAbnormalDetection": _TAMPER,
    "SceneChange": _TAMPER,
    "ChassisIntruded": _TAMPER,
    "VideoLoss": _FAULT,
    "VideoUnFocus": _FAULT,
    "StorageNotExist": _FAULT,
    "StorageFailure": _FAULT,
    "FireDetection": _FIRE,
    "FireWarning": _FIRE,
    "SmokeDetection": _SMOKE,
}

EVENT_MEANINGS: Final = {name.lower(): meaning for name, meaning in {**_PATHS, **_WORDS}.items()}


@lru_cache(maxsize=4096)
def meaning_of(event_type: str) -> EventMeaning:
    """What an event type says by itself; :data:`NOTHING` where it is not listed."""
    name = event_type.lower()
    while name:
        found = EVENT_MEANINGS.get(name)
        if found is not None:
            return found
        name = name.rpartition("/")[0]
    return NOTHING
