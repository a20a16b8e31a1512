"""A case that is played to a detector, and drawn: what devices said, and what was found."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from ops.plots.chart import Bar, Chart, Curve, Panel, Point
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import Anomaly, Transition
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.model import to_ms

MIDNIGHT: Final = datetime.fromisoformat("2026-03-02T00:00:00+08:00")
"""A Monday in Xuchang."""
PLACE: Final = Place(lon=113.85, lat=34.03, grid="411002001003011", district="411002")


class Scene:
    """Time counts in seconds from ``start``."""

    def __init__(self, *detectors: Detector[Any], start: datetime = MIDNIGHT, tick_s: float = 10.0) -> None:
        """Begin with an empty street; long cases want a coarser ``tick_s``."""
        self.driver = PipelineTestDriver(*detectors, start=start, tick_s=tick_s)
        self._start_ms = self.driver.now_ms
        self._clock_s = (to_ms(start) - to_ms(MIDNIGHT)) / 1000 % 86_400
        self._said: defaultdict[tuple[str, str], list[Point]] = defaultdict(list)

    def stands(
        self,
        name: str,
        kind: FacilityClass,
        *devices: str,
        zone: str = "segment:1",
        every_s: float | None = None,
        **policy: Any,
    ) -> None:
        """Register a facility; without devices it has one named like itself."""
        bindings = tuple(DeviceBinding(device=device, interval_s=every_s) for device in devices or (name,))
        self.driver.register(
            Facility(
                facility=name,
                scheme=CodeScheme.LOCAL,
                facility_class=kind,
                zone=zone,
                place=PLACE,
                devices=bindings,
                policy=Policy(**policy),
            )
        )

    @property
    def now_s(self) -> float:
        """Where the case is."""
        return (self.driver.now_ms - self._start_ms) / 1000

    def until(self, at_s: float) -> "Scene":
        """Let time pass until then."""
        self.driver.advance_to(self._start_ms + round(at_s * 1000))
        return self

    def says(self, device: str, observed_property: str, value: float, **more: Any) -> None:
        """A device reports a value now."""
        self.driver.read(device, observed_property, value, **more)
        self.note(device, observed_property, value)

    def note(self, device: str, what: str, value: float) -> None:
        """Draw a value now that no detector hears as such."""
        self._said[device, what].append((self.now_s, value))

    def curve(
        self, device: str, what: str, name: str = "", *, scale: float = 1.0, stepped: bool = False, dots: bool = False
    ) -> Curve:
        """What a device said, as a line."""
        points = [(at_s, value * scale) for at_s, value in self._said[device, what]]
        return Curve(name or device, points, stepped, dots)

    def chart(
        self,
        title: str,
        panels: Sequence[Panel],
        *,
        from_s: float = 0.0,
        shades: Iterable[tuple[float, float]] = (),
    ) -> Chart:
        """The picture of what has happened so far."""
        return Chart(title, panels, self._bars(), from_s, self.now_s, tuple(shades), self._clock_s)

    def _bars(self) -> list[Bar]:
        lives: dict[Any, list[Anomaly]] = {}
        for step in self.driver.findings:
            lives.setdefault(step.id, []).append(step)
        return [self._bar(steps) for steps in lives.values()]

    def _bar(self, steps: Sequence[Anomaly]) -> Bar:
        first, last = steps[0], steps[-1]
        end_s = self._at(last) if last.transition is Transition.CLEARED else None
        return Bar(f"{first.kind.value}", self._at(first), end_s, first.summary)

    def _at(self, step: Anomaly) -> float:
        return (to_ms(step.at) - self._start_ms) / 1000


def ripple(number: int, size: float) -> float:
    """A little noise that is the same everywhere: the fractional parts of multiples of the golden ratio."""
    return size * (number * 0.618_033_988_749_895 % 1.0 * 2.0 - 1.0)
