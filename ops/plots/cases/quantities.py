"""Levels, lamps and limits."""

from datetime import timedelta

from ops.plots.chart import Chart, Panel
from ops.plots.scene import MIDNIGHT, Scene, ripple
from processors.detectors.lamp import LampDetector
from processors.detectors.level import LevelDetector
from processors.detectors.limit import LimitDetector
from schemas.facility import FacilityClass

HOUR = 3_600.0


def level() -> Chart:
    """A bin fills up over two days, overflows and is emptied; a lid is opened before."""
    scene = Scene(LevelDetector(), tick_s=60.0)
    scene.stands("bin-1", FacilityClass.WASTE_BIN)
    for number in range(108):
        at_s = number * HOUR / 2
        fill = min(12.0 + at_s / HOUR * 1.95, 98.0) if at_s < 46 * HOUR else 4.0 + number * 0.1
        scene.until(at_s).says("bin-1", "fill_level", 96.0 if number == 30 else fill + ripple(number, 0.8))
    fill_level = scene.curve("bin-1", "fill_level", dots=True)
    limits = [("bin.full_share", 85.0), ("bin.overflow_share", 95.0), ("bin.clear_share", 30.0)]
    panel = Panel("fill_level, %", [fill_level], limits)
    return scene.chart("A bin becomes full, overflows and is emptied; a hand or a lid is one reading", [panel])


def lamp() -> Chart:
    """Three nights of a lamp: well, dark for an evening, and burning into the day."""
    scene = Scene(LampDetector(), start=MIDNIGHT + timedelta(hours=12), tick_s=60.0)
    scene.stands("lamp-1", FacilityClass.STREET_LAMP, zone="feeder:1", rules={"lamp.rated_w": 120.0})
    nights = []
    for night in range(3):
        dusk, dawn = (6.5 + 24 * night) * HOUR, (18.7 + 24 * night) * HOUR
        nights.append((dusk, dawn))
    for number in range(6 * 72):
        at_s = number * 600.0
        burns = any(dusk < at_s < dawn for dusk, dawn in nights)
        if nights[1][0] < at_s < nights[1][0] + 3 * HOUR:
            burns = False
        if nights[2][1] <= at_s < nights[2][1] + 2.5 * HOUR:
            burns = True
        scene.until(at_s).says("lamp-1", "power", 118.0 + ripple(number, 2.0) if burns else 0.6)
    power = Panel("power, W (nights are shaded)", [scene.curve("lamp-1", "power")], [("lamp.dark_share", 24.0)])
    return scene.chart(
        "A lamp: a good night, a dark evening, a morning on which it is forgotten", [power], shades=nights
    )


def limit() -> Chart:
    """A building site: too loud for some minutes by day, and for longer after ten in the evening."""
    scene = Scene(LimitDetector(), start=MIDNIGHT + timedelta(hours=14), tick_s=60.0)
    scene.stands("noise-1", FacilityClass.NOISE_METER)
    for number in range(5 * 60):
        at_s = number * 120.0
        level_db = 52.0 if at_s < 8 * HOUR else 44.0
        if 2 * HOUR < at_s < 2 * HOUR + 300:
            level_db = 72.0
        if 7.5 * HOUR < at_s < 9 * HOUR:
            level_db = 56.0
        scene.until(at_s).says("noise-1", "sound_level", level_db + ripple(number, 1.2))
    curve = scene.curve("noise-1", "sound_level")
    panel = Panel(
        "sound_level, dB (quiet hours are shaded)", [curve], [("limit_sound_level.high", 60.0), ("... at night", 50.0)]
    )
    return scene.chart("What is allowed until ten is too loud after", [panel], shades=[(8 * HOUR, 10 * HOUR)])
