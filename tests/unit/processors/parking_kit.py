"""A camera over a stretch of kerb, which speaks as Frigate does."""

from typing import Any

from street_kit import at_s, kerb, said

from processors.detectors.parking import ParkingDetector
from processors.engine.driver import PipelineTestDriver
from schemas.camera import TrackPhase
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy

HERE = (100.0, 300.0, 240.0, 390.0)
BESIDE = (300.0, 300.0, 440.0, 390.0)
BOX = (0.0, 0.0, 50.0, 50.0)
RAISED, CLEARED = "raised no_stopping kerb-1", "cleared no_stopping kerb-1"


def street(*facilities: Facility, tick_s: float = 10.0) -> PipelineTestDriver:
    """With parking watched."""
    driver = PipelineTestDriver(ParkingDetector(), tick_s=tick_s)
    driver.register(*facilities)
    return driver


def watched_bay(*, interval_s: float | None = None, **policy: Any) -> Facility:
    """With a sensor, and in a zone of a camera."""
    return Facility(
        facility="bay-1",
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.PARKING_BAY,
        zone="segment:1",
        place=Place(lon=113.85, lat=34.03),
        devices=(
            DeviceBinding(device="mag", interval_s=interval_s),
            DeviceBinding(device="cam-1", properties=(), camera_zone="bay"),
        ),
        policy=Policy(**policy),
    )


class Camera:
    """A camera over a stretch of kerb; times are seconds from the first tick on."""

    def __init__(self, *facilities: Facility, behind_s: float = 0.0) -> None:
        self.driver = PipelineTestDriver(ParkingDetector())
        self.driver.register(*facilities or (kerb(),))
        self._start_ms = self.driver.now_ms
        self._behind_ms = round(behind_s * 1000)

    def at(self, seconds: float) -> "Camera":
        self.driver.advance_to(self._start_ms + round(seconds * 1000))
        return self

    def now_ms(self, seconds: float) -> int:
        """That time as messages carry it."""
        return self._start_ms + round(seconds * 1000) - self._behind_ms

    def sees(self, track: str, *, box: Any = HERE, still_s: float | None = None, **more: Any) -> None:
        at_ms = self.driver.now_ms - self._behind_ms
        self.driver.see("cam-1", more.pop("at", "kerb-1"), track, box=box, still_s=still_s, at_ms=at_ms, **more)

    def stands(self, track: str, first_s: float, last_s: float, **more: Any) -> None:
        """As Frigate says it: still after ten seconds, and once a minute from there on."""
        self.at(first_s).sees(track, phase=TrackPhase.NEW, stationary=False, **more)
        at_s = first_s + 10
        while at_s < last_s:
            self.at(at_s).sees(track, still_s=10.0 if at_s == first_s + 10 else 60.0, **more)
            at_s += 60
        self.at(last_s)

    def leaves(self, track: str, **more: Any) -> None:
        self.sees(track, present=False, stationary=False, **more)
        self.at((self.driver.now_ms - self._start_ms) / 1000 + 4).sees(
            track, phase=TrackPhase.END, present=False, **more
        )

    def loses(self, track: str, **more: Any) -> None:
        self.sees(track, phase=TrackPhase.END, present=False, stationary=False, lost=True, **more)

    @property
    def said(self) -> list[str]:
        return said(self.driver)

    @property
    def times_s(self) -> list[float]:
        return [at_s(self.driver, finding) for finding in self.driver.findings]
