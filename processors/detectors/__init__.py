"""The detectors: pure folds that turn what probes saw into findings, and counts into flows.

:data:`ALL` is the one place where they are listed, in the order in which they are asked; :data:`CANDIDATES` are further
versions that are in the code to be judged on the past, and publish nothing.
"""

from typing import Any, Final

from processors.detectors.clock import ClockDetector
from processors.detectors.counters import CountersDetector
from processors.detectors.cover import CoverDetector
from processors.detectors.health import HealthDetector
from processors.detectors.lamp import LampDetector
from processors.detectors.leak import LeakDetector
from processors.detectors.level import LevelDetector
from processors.detectors.limit import LimitDetector
from processors.detectors.novelty import NoveltyDetector
from processors.detectors.parking import ParkingDetector
from processors.detectors.pipe_leak import PipeLeakDetector
from processors.detectors.silence import SilenceDetector
from processors.detectors.surface import SurfaceDetector
from processors.engine.contract import Detector

GROUP: Final = "detectors"
"""The consumer group in which they are folded together."""

DERIVERS: Final[tuple[Detector[Any], ...]] = (CountersDetector(),)
"""Those that make readings for the others, which are not themselves without them."""

TELLERS: Final[tuple[Detector[Any], ...]] = (SilenceDetector(),)
"""Those that tell the others whom nobody hears of."""

ALL: Final[tuple[Detector[Any], ...]] = (
    *DERIVERS,
    CoverDetector(),
    ParkingDetector(),
    SurfaceDetector(),
    *TELLERS,
    ClockDetector(),
    HealthDetector(),
    LeakDetector(),
    PipeLeakDetector(),
    LevelDetector(),
    LampDetector(),
    LimitDetector(),
    NoveltyDetector(),
)

CANDIDATES: Final[tuple[Detector[Any], ...]] = ()
