import pytest

from ingest.meaning.camera_events import EVENT_MEANINGS, NOTHING, meaning_of
from schemas.properties import PROPERTIES


def test_flags_are_flags() -> None:
    for meaning in EVENT_MEANINGS.values():
        assert not meaning.flag or PROPERTIES[meaning.flag].is_flag


@pytest.mark.parametrize(
    ("event_type", "seen", "flag"),
    [
        ("RuleEngine/CellMotionDetector/Motion", True, "motion"),
        ("ruleengine/cellmotiondetector/motion", True, "motion"),
        ("RuleEngine/FieldDetector/ObjectsInside", True, ""),
        ("RuleEngine/TamperDetector/Tamper", False, "tamper"),
        ("VideoSource/GlobalSceneChange/AnalyticsService", False, "tamper"),
        ("VideoSource/ImageTooDark/ImagingService", False, ""),
        ("Device/HardwareFailure/FanFailure", False, "fault"),
        ("Device/IO/VirtualPort", False, ""),
        ("Device/Trigger/DigitalInput", False, ""),
        ("PTZController/Move/Channel_1", False, ""),
        ("AudioSource/TriggerLevel", False, ""),
        ("CameraApplicationPlatform/ObjectAnalytics/Device1ScenarioANY", True, ""),
        ("linedetection", True, ""),
        ("shelteralarm", False, "tamper"),
        ("IO", False, ""),
        ("PIR", False, "motion"),
        ("VideoBlind", False, "tamper"),
        ("AlarmLocal", False, ""),
        ("", False, ""),
    ],
)
def test_what_an_event_type_says(event_type: str, seen: int, flag: str) -> None:
    meaning = meaning_of(event_type)
    assert (meaning.seen, meaning.flag) == (seen, flag)


def test_a_known_beginning_counts_only_at_a_slash() -> None:
    assert meaning_of("RuleEngines/Motion") is NOTHING
