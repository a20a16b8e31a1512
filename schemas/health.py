"""What is physically possible of a property, and how long it may stand still: the defaults behind the rules of health.

Wide on purpose. They say when a sensor lies, never when a street is in trouble: what an incident may do (a bin on fire,
water in a street, a cover thrown open) must stay possible. Physical bounds beyond which a value is refused stand in
:mod:`schemas.properties`; most sensors can show less than that.

Sources: ranges of common sensors (SHT4x, SDS011, Senseair, ultrasonic and hydrostatic gauges) and records of weather;
all are proposals, configuration of a city.
"""

import math
from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one property, in its canonical unit.

    A change is possible while it is at most ``step`` and ``per_s`` for every second since the reading before.
    """

    low: float = -math.inf
    high: float = math.inf
    step: float = math.inf
    per_s: float = 0.0


LIMITS: Final[dict[str, Limits]] = {
    "temperature": Limits(low=-50.0, high=85.0, step=10.0, per_s=0.05),
    "humidity": Limits(step=35.0, per_s=0.1),
    "pressure": Limits(low=-100_000.0, high=2_500_000.0),
    "water_level": Limits(step=2.0, per_s=0.02),
    "ph": Limits(low=0.0, high=14.0, step=3.0, per_s=0.01),
    "sound_level": Limits(low=0.0, high=160.0),
    "illuminance": Limits(high=200_000.0),
    "solar_irradiance": Limits(high=1_800.0),
    "wind_speed": Limits(high=115.0),
    "rain_rate": Limits(high=2_000.0),
    "co2": Limits(high=50_000.0),
    "pm2_5": Limits(high=2_000.0),
    "pm10": Limits(high=10_000.0),
    "latitude": Limits(step=0.01, per_s=0.0005),
    "longitude": Limits(step=0.01, per_s=0.0005),
}
"""What is not named here may do anything that :mod:`schemas.properties` lets through."""

STILL_S: Final[dict[str, float]] = {
    "temperature": 3 * DAY_S,
    "pressure": 12 * HOUR_S,
    "sound_level": 12 * HOUR_S,
    "voltage": DAY_S,
    "frequency": DAY_S,
    "co2": DAY_S,
    "pm2_5": DAY_S,
    "pm10": DAY_S,
    "humidity": math.inf,
    "traffic_speed": math.inf,
    "flow": math.inf,
    "water_level": math.inf,
    "fill_level": math.inf,
    "distance": math.inf,
    "soil_moisture": math.inf,
    "conductivity": math.inf,
    "ph": math.inf,
    "illuminance": math.inf,
    "solar_irradiance": math.inf,
    "wind_speed": math.inf,
    "power": math.inf,
    "current": math.inf,
    "no2": math.inf,
    "o3": math.inf,
    "co": math.inf,
    "tvoc": math.inf,
}
"""Properties that do not stand still for ever, and for how long they may until their own record is known.

Infinite: any time, until it is known. What is not named may stand still for ever: flags, a bay, an angle, a count.
"""
DRIFT_FLOOR: Final[dict[str, float]] = {
    "temperature": 3.0,
    "humidity": 15.0,
    "pressure": 20_000.0,
    "water_level": 0.3,
    "sound_level": 8.0,
    "co2": 200.0,
    "pm2_5": 30.0,
    "pm10": 50.0,
    "no2": 0.05,
    "o3": 0.05,
    "illuminance": 5_000.0,
    "soil_moisture": 20.0,
}
"""Properties that neighbours share, and the deviation from what is usual among them below which none drifts."""
