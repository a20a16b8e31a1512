"""Observed properties: one closed table of what a probe may measure, in which unit, within which bounds.

A value outside the physical bounds cannot be understood as this property and is refused; whether a possible value
is alarming is a detector's business, never this table's.
"""

from dataclasses import dataclass
from typing import Final

from schemas.units import UNITS


@dataclass(frozen=True, slots=True)
class Property:
    """An observed property; ``unit`` is canonical, ``low`` and ``high`` are inclusive and in that unit."""

    name: str
    unit: str
    low: float
    high: float
    is_flag: bool = False  # true/false, stored as 1.0/0.0
    also: tuple[str, ...] = ()  # units that mean the same here and have another quantity elsewhere

    def accepts(self, unit: str) -> bool:
        """Whether a value in this UCUM unit can be converted to ours."""
        known = UNITS.get(unit)
        return known is not None and (known.canonical == self.unit or known.canonical in self.also)


def _flag(name: str) -> Property:
    return Property(name, "1", 0.0, 1.0, is_flag=True)


_PROPERTIES: Final = (
    # water
    Property("pressure", "Pa", -100_000.0, 10_000_000.0),
    Property("flow", "m3/h", -1_000_000.0, 1_000_000.0),
    Property("water_level", "m", -100.0, 1_000.0),
    Property("meter_reading", "m3", 0.0, 1e12),
    Property("pulse_count", "1", 0.0, 1e18),
    Property("volume_delta", "m3", 0.0, 1e9),  # since the report before
    Property("pulse_delta", "1", 0.0, 1e15),
    Property("conductivity", "uS/cm", 0.0, 1e6),
    Property("ph", "[pH]", -2.0, 16.0),
    _flag("water_leak"),
    _flag("valve_open"),
    # covers, bins, bays, doors
    Property("tilt_angle", "deg", 0.0, 180.0),
    Property("tilt_x", "deg", -360.0, 360.0),
    Property("tilt_y", "deg", -360.0, 360.0),
    Property("tilt_z", "deg", -360.0, 360.0),
    Property("acceleration", "m/s2", -1e5, 1e5),
    Property("fill_level", "%", 0.0, 100.0),
    Property("distance", "m", 0.0, 10_000.0),
    Property("object_count", "1", 0.0, 1e9),
    Property("active_object_count", "1", 0.0, 1e9),
    _flag("tilted"),
    _flag("contact_open"),
    _flag("occupied"),
    _flag("motion"),
    _flag("vibration"),
    Property("surface_area", "m2", 0.0, 1e6),  # of what is damaged, littered or under water
    Property("step_height", "m", 0.0, 10.0),
    _flag("obstruction"),  # something lies on a bay that is no vehicle
    _flag("lock_raised"),  # of a bay
    _flag("full_alarm"),
    _flag("empty_alarm"),
    _flag("fire_alarm"),
    _flag("smoke_alarm"),
    _flag("gas_alarm"),
    # electricity and light
    Property("power", "W", -1e9, 1e9),
    Property("apparent_power", "V.A", -1e9, 1e9),
    Property("reactive_power", "var", -1e9, 1e9),
    Property("power_factor", "1", -1.0, 1.0),
    Property("energy", "Wh", -1e15, 1e15),
    Property("voltage", "V", -1e6, 1e6),
    Property("current", "A", -1e6, 1e6),
    Property("frequency", "Hz", 0.0, 1e9),
    Property("dim_level", "%", 0.0, 100.0),
    Property("illuminance", "lx", 0.0, 1e6),
    _flag("switch_on"),
    # air, weather, sound
    Property("temperature", "Cel", -273.15, 2_000.0),
    Property("humidity", "%RH", 0.0, 100.0, also=("%",)),
    Property("soil_moisture", "%", 0.0, 100.0),
    Property("sound_level", "dB", -200.0, 300.0),
    Property("sound_level_peak", "dB", -200.0, 300.0),
    Property("audio_dbfs", "dBFS", -400.0, 100.0),
    Property("co2", "ppm", 0.0, 1e6),
    Property("co", "ppm", 0.0, 1e6),
    Property("tvoc", "ppm", 0.0, 1e6),
    Property("pm2_5", "ug/m3", 0.0, 1e6),
    Property("pm10", "ug/m3", 0.0, 1e6),
    Property("no2", "ppm", 0.0, 1e6),
    Property("so2", "ppm", 0.0, 1e6),
    Property("o3", "ppm", 0.0, 1e6),
    Property("gas_h2s", "ppm", 0.0, 1e6),
    Property("gas_nh3", "ppm", 0.0, 1e6),
    Property("gas_ch4", "ppm", 0.0, 1e6),
    Property("gas_lel", "%", 0.0, 1_000.0),  # of the lower explosive limit
    Property("wind_speed", "m/s", 0.0, 200.0),
    Property("wind_direction", "deg", 0.0, 360.0),
    Property("traffic_speed", "m/s", 0.0, 200.0),
    Property("road_occupancy", "%", 0.0, 100.0),  # share of the time in which something stands over the detector
    Property("rain_rate", "mm/h", 0.0, 10_000.0),
    Property("solar_irradiance", "W/m2", 0.0, 10_000.0),
    # the device itself
    _flag("fault"),
    _flag("tamper"),
    _flag("online"),
    _flag("low_battery"),
    Property("battery_percent", "%", 0.0, 100.0),
    Property("battery_voltage", "V", 0.0, 1_000.0),
    Property("uptime", "s", 0.0, 1e10),
    Property("restart_count", "1", 0.0, 1e9),
    Property("link_quality", "1", 0.0, 255.0),
    Property("rssi", "dBm", -200.0, 50.0),
    Property("snr", "dB", -100.0, 100.0),
    Property("latitude", "deg", -90.0, 90.0),
    Property("longitude", "deg", -180.0, 180.0),
)

PROPERTIES: Final[dict[str, Property]] = {prop.name: prop for prop in _PROPERTIES}

OF_DEVICE: Final = frozenset(
    {
        "fault",
        "tamper",
        "online",
        "low_battery",
        "battery_percent",
        "battery_voltage",
        "uptime",
        "restart_count",
        "link_quality",
        "rssi",
        "snr",
    }
)
"""What a device says of itself, whatever it measures: where no facility asks for one of these, the first that it speaks
for has it, so that the health of a device is known although nobody thought of it."""
