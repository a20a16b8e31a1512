"""Counts that become flows, and a burst in an area of which no model is known."""

from ops.plots.chart import Chart, Curve, Panel
from ops.plots.scene import Scene, ripple
from processors.detectors.counters import CountersDetector
from processors.detectors.leak import LeakDetector
from schemas.facility import FacilityClass

DAY = 86_400.0


def counters() -> Chart:
    """A meter counts pulses of ten litres and begins again at nought; what flows is made of it."""
    scene = Scene(CountersDetector(), tick_s=60.0)
    scene.stands("meter-1", FacilityClass.FLOW_METER, m3_per_pulse=0.01, rolls_over_at=65_536.0)
    total = 64_000
    for number in range(4 * 24):
        at_s = number * 900.0
        total += round(250 * (0.3 + max(0.0, 1.0 - abs(at_s / DAY - 0.4) * 3)) / 10) * 10
        scene.until(at_s).says("meter-1", "pulse_count", total % 65_536)
    begin_ms = scene.driver.now_ms - round(scene.now_s * 1000)
    flow = [((reading.time_ms - begin_ms) / 1000, reading.value) for reading in scene.driver.derived]
    panels = [
        Panel("pulse_count", [scene.curve("meter-1", "pulse_count", dots=True)]),
        Panel("flow made of it, m3/h", [Curve("flow", flow, stepped=True)]),
    ]
    return scene.chart("A counter that rolls over, and the flow that is made of it", panels)


def leak() -> Chart:
    """A main bursts in an area with three pressures and one inlet, and is mended."""
    scene = Scene(LeakDetector(), tick_s=300.0)
    zone = "dma:1"
    for name in ("p1", "p2", "p3"):
        scene.stands(name, FacilityClass.PRESSURE_METER, zone=zone)
    scene.stands("inlet", FacilityClass.FLOW_METER, zone=zone)
    for number in range(5 * 288):
        at_s = number * 300.0
        used = 60.0 + 35.0 * max(0.0, 1.0 - abs(at_s % DAY / DAY - 0.5) * 3) + ripple(number, 2.0)
        bursts = 3.5 * DAY <= at_s < 4.4 * DAY
        flow = used + (16.0 if bursts else 0.0)
        scene.until(at_s)
        scene.says("inlet", "flow", round(flow, 2))
        for place, name in enumerate(("p1", "p2", "p3")):
            head = 48.0 - 4.0 * place - 0.000_9 * flow**1.85 * (1 + place * 0.3)
            head -= (0.0, 1.1, 2.6)[place] if bursts else 0.0
            scene.says(name, "pressure", round((head + ripple(number * 7 + place, 0.06)) * 9_806.65))
    curves = [scene.curve(name, "pressure", scale=0.001) for name in ("p1", "p2", "p3")]
    panels = [Panel("pressure, kPa", curves), Panel("flow, m3/h", [scene.curve("inlet", "flow")])]
    return scene.chart(
        "A burst in an area without a model: more flows in, and pressures fall", panels, from_s=2.5 * DAY
    )
