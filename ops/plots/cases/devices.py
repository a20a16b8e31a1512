"""Devices that fall silent, lie, or do not know the time."""

from ops.plots.chart import Chart, Curve, Panel, Point
from ops.plots.scene import PLACE, Scene, ripple
from processors import correlators
from processors.detectors.clock import ClockDetector
from processors.detectors.health import HealthDetector
from processors.detectors.silence import SilenceDetector
from processors.engine.composed import PartitionFold
from schemas.anomaly import Anomaly, AnomalyKind, Transition
from schemas.carrier import DeviceCarried, GatewaySite
from schemas.clock import Tick
from schemas.facility import FacilityClass
from schemas.model import from_ms
from schemas.observation import Quality

MINUTE = 60.0


def silence() -> Chart:
    """A device that speaks every five minutes says nothing for an hour."""
    scene = Scene(SilenceDetector(), tick_s=10.0)
    scene.stands("cover-1", FacilityClass.MANHOLE_COVER, every_s=300.0)
    for number in range(40):
        if not 14 <= number < 26:  # what is not said
            scene.until(number * 300.0 + 100).says("cover-1", "tilt_angle", 2.0 + ripple(number, 0.3))
    scene.until(40 * 300.0)
    panel = Panel("tilt_angle, deg", [scene.curve("cover-1", "tilt_angle", dots=True)])
    return scene.chart("Expected every 300 s: silent after three intervals, until it is heard again", [panel])


def clock() -> Chart:
    """The clock of a device jumps two hours ahead, and is set right."""
    scene = Scene(ClockDetector(), tick_s=10.0)
    scene.stands("bay-1", FacilityClass.PARKING_BAY)
    for number in range(36):
        wrong = 10 <= number < 24
        scene.until(number * 300.0)
        ahead_s = 7_200.0 if wrong else ripple(number, 20.0)
        quality = Quality.FUTURE if wrong else Quality.GOOD
        at_ms = scene.driver.now_ms + round(ahead_s * 1000)
        scene.driver.read("bay-1", "occupied", number % 2, at_ms=min(at_ms, scene.driver.now_ms), quality=quality)
        scene.note("bay-1", "ahead", ahead_s / 60)
    panel = Panel("its time ahead of ours, min", [scene.curve("bay-1", "ahead", dots=True)])
    return scene.chart("Three wrong times make a finding, three right ones end it", [panel])


def health() -> Chart:
    """Fine dust goes up and down with the hours, stands still for a day, and moves again."""
    scene = Scene(HealthDetector(), tick_s=300.0)
    scene.stands("air-1", FacilityClass.AIR_STATION, every_s=600.0)
    for number in range(6 * 24 * 6):
        at_s = number * 600.0
        stuck = 3.2 * 86_400 <= at_s < 4.4 * 86_400
        value = 41.0 if stuck else 42.0 + 9.0 * _hump(at_s) + ripple(number, 3.0)
        scene.until(at_s).says("air-1", "pm10", round(value, 1))
    panel = Panel("pm10, ug/m3", [scene.curve("air-1", "pm10")])
    return scene.chart("A sensor freezes: it stands still for longer than its own record allows", [panel])


def gateway() -> Chart:
    """A gateway of twenty devices fails for an hour: twenty silences, one finding that explains them."""
    scene = Scene(SilenceDetector(), tick_s=10.0)
    names = [f"lamp-{number:02d}" for number in range(20)]
    for name in names:
        scene.stands(name, FacilityClass.STREET_LAMP, every_s=300.0)
    second = PartitionFold(correlators.ALL, correlators.LATENESS_MS)
    site = GatewaySite(facility="GW-1", facility_class=FacilityClass.GATEWAY, zone="grid:gw", place=PLACE)
    second.fold(
        DeviceCarried(
            device=name,
            gateway="gw-1",
            district="411002",
            interval_s=300.0,
            site=site,
            time=from_ms(scene.driver.now_ms),
        )
        for name in names
    )
    silent: set[str] = set()
    steps: list[Anomaly] = []
    heard: list[Point] = []
    seen = seen_log = 0
    for number in range(24 * 60):
        at_s = number * 10.0
        scene.until(at_s)
        for index, name in enumerate(names):
            if (number - index) % 30 == 0 and not 90 * MINUTE <= at_s < 150 * MINUTE:
                scene.driver.read(name, "power", 118.0)
        new = scene.driver.findings[seen:]
        seen += len(new)
        for one in new:
            (silent.discard if one.transition is Transition.CLEARED else silent.add)(one.subject)
        ticks = [event for event in scene.driver.log[seen_log:] if isinstance(event, Tick)]
        seen_log = len(scene.driver.log)
        steps += [said for said in second.fold([*new, *ticks]) if isinstance(said, Anomaly)]
        heard.append((at_s, float(len(silent))))
    scene.driver.outputs[:] = [one for one in steps if one.kind is AnomalyKind.GATEWAY_DOWN]
    panel = Panel("devices that are silent", [Curve("silent", heard, stepped=True)])
    return scene.chart("Twenty devices fall silent: one finding, on their gateway", [panel], from_s=3_600.0)


def _hump(at_s: float) -> float:
    """A day's rise and fall, between -1 and 1."""
    part = at_s % 86_400 / 86_400
    return 1.0 - 4.0 * abs(part - 0.5)
