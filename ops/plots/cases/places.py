"""Covers, kerbs and the ground."""

from datetime import timedelta
from typing import Any

from ops.plots.chart import Chart, Panel
from ops.plots.scene import MIDNIGHT, Scene, ripple
from processors.detectors.cover import CoverDetector
from processors.detectors.parking import ParkingDetector
from processors.detectors.surface import SurfaceDetector
from schemas.camera import SURFACE_CLEAR, TrackPhase
from schemas.facility import FacilityClass

HERE = (100.0, 300.0, 240.0, 390.0)


def cover() -> Chart:
    """A lorry shifts a cover; hours later somebody sets it right. Before, one shock that is none."""
    scene = Scene(CoverDetector(), tick_s=10.0)
    scene.stands("cover-1", FacilityClass.MANHOLE_COVER, install_angle_deg=2.0)
    for number in range(72):
        at_s = number * 600.0
        angle = 2.0 if at_s < 6 * 3600 or at_s > 9.5 * 3600 else 17.0
        scene.until(at_s).says("cover-1", "tilt_angle", angle + ripple(number, 0.4))
        if number == 15:  # it speaks when it is moved, and again when it lies still
            scene.until(at_s + 200).says("cover-1", "tilt_angle", 31.0)
            scene.until(at_s + 230).says("cover-1", "tilt_angle", 2.1)
    tilt = Panel("tilt_angle, deg", [scene.curve("cover-1", "tilt_angle", dots=True)], [("2 + cover.tilt_deg", 12.0)])
    return scene.chart("A cover is shifted and set right again; one shock is none", [tilt])


def parking() -> Chart:
    """A car stands where none may stop, and its camera loses it and finds it again under another id."""
    scene = Scene(ParkingDetector(), start=MIDNIGHT + timedelta(hours=8), tick_s=1.0)
    scene.stands("kerb-1", FacilityClass.CURB_ZONE, "cam-1", activity="no_stopping")

    def stands(track: str, begin_s: float, end_s: float, *, lost: bool) -> None:
        said: dict[str, Any] = {"box": HERE}
        scene.until(begin_s).driver.see("cam-1", "kerb-1", track, phase=TrackPhase.NEW, stationary=False, **said)
        scene.note("cam-1", track, 1.0)
        at_s = begin_s + 10
        while at_s < end_s:
            still = 10.0 if at_s == begin_s + 10 else 30.0
            scene.until(at_s).driver.see("cam-1", "kerb-1", track, still_s=still, **said)
            scene.note("cam-1", track, 1.0)
            at_s += 30
        scene.until(end_s).driver.see(
            "cam-1", "kerb-1", track, phase=TrackPhase.END, present=False, stationary=False, lost=lost, **said
        )
        scene.note("cam-1", track, 0.0)

    stands("a", 60, 150, lost=False)
    stands("b", 300, 420, lost=True)
    stands("c", 432, 700, lost=False)
    scene.until(840)
    tracks = [scene.curve("cam-1", track, f"track {track}", stepped=True) for track in ("a", "b", "c")]
    stopped = Panel("a camera says that it stands", tracks, span=(0.0, 1.0))
    return scene.chart("Track a goes on in time; b and c are one vehicle, which stands for more than 180 s", [stopped])


def surface() -> Chart:
    """A pothole is seen in three passes; after it is mended, three passes do not show it."""
    scene = Scene(SurfaceDetector(), tick_s=60.0)
    scene.stands("road-1", FacilityClass.ROAD_SECTION, "cam-1")
    for number in range(16):
        scene.until(3_600.0 + number * 1_800)
        there = 3 <= number < 11 and number != 5  # the passes in which it is seen
        label = "pothole" if there else SURFACE_CLEAR
        for frame in range(2):
            scene.until(3_600.0 + number * 1_800 + frame * 20)
            scene.driver.see("cam-1", "road-1", f"p{number}-{frame}", label=label, area_m2=0.8 if there else None)
            scene.note("cam-1", "area", 0.8 if there else 0.0)
    scene.until(3_600.0 * 10)
    area = Panel("damage in a picture, m2", [scene.curve("cam-1", "area", dots=True)], [("surface.area_m2", 0.5)])
    return scene.chart("A pothole, seen in several passes, and mended", [area])
