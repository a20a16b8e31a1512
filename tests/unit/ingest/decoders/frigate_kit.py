"""Frigate's messages, written after its documentation."""

from copy import deepcopy
from typing import Any

from ingest.decoders.frigate import Frigate

FRIGATE = Frigate()

THING = {
    "id": "1731571200.25-k3rb01",
    "camera": "kerb_qiyi",
    "frame_time": 1731571210.5,
    "snapshot": {"frame_time": 1731571205.25, "box": [10, 20, 30, 40], "area": 400, "region": [0, 0, 320, 320]},
    "label": "car",
    "sub_label": ["Li Wei's car", 0.9],
    "top_score": 0.93,
    "false_positive": False,
    "start_time": 1731571200.25,
    "end_time": None,
    "score": 0.81,
    "box": [100, 220, 340, 460],
    "area": 57600,
    "ratio": 1.0,
    "region": [0, 100, 480, 580],
    "current_zones": ["no_stopping"],
    "entered_zones": ["street", "no_stopping"],
    "has_snapshot": True,
    "has_clip": False,
    "active": False,
    "stationary": True,
    "motionless_count": 90,
    "position_changes": 1,
    "attributes": {},
    "current_attributes": [],
    "recognized_license_plate": "K12345",
    "recognized_license_plate_score": 0.88,
}
EVENT = {"type": "update", "before": THING | {"frame_time": 1731571209.0}, "after": THING}
REVIEW = {
    "type": "new",
    "before": {"id": "r1"},
    "after": {
        "id": "1731571200.5-rev001",
        "camera": "kerb_qiyi",
        "start_time": 1731571200.5,
        "end_time": None,
        "severity": "detection",
        "thumb_path": "/media/x.webp",
        "data": {"detections": ["a"], "objects": ["car", "person"], "sub_labels": [], "zones": ["street"], "audio": []},
    },
}
STATS = {
    "cameras": {
        "kerb_qiyi": {"camera_fps": 5.1, "process_fps": 5.0, "detection_enabled": True, "pid": 100},
        "gate": {"camera_fps": 0.0, "process_fps": 0.0, "detection_enabled": True, "pid": 101},
        "spare": {"camera_fps": 0.0, "enabled": False},
    },
    "detectors": {"ov": {"inference_speed": 9.8}},
    "service": {"uptime": 3600, "version": "0.15.1-abc", "last_updated": 1731571200},
}
LPR = {
    "type": "lpr",
    "id": THING["id"],
    "camera": "kerb_qiyi",
    "timestamp": 1731571211.75,
    "plate": "K12345",
    "score": 0.9,
    "name": "Li Wei",
}


def event(**after: Any) -> dict[str, Any]:
    changed = deepcopy(EVENT)
    changed["after"] |= after
    return changed
