"""Manhole covers: a tilt sensor with a magnet switch under the lid."""

from collections.abc import Sequence

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import REACTION_MS, Sampled, holding
from ops.simulate.city.model import Matter, Thing
from ops.simulate.city.sizes import COVER
from ops.simulate.model import MINUTE_MS, SECOND_MS, Value
from schemas.anomaly import AnomalyKind

SHAKE_DEG = 0.08
"""Of a sensor that lies still; wheels give more, which its own filter takes out."""


class Covers(Sampled):
    """Each was installed at an angle of its own; who moves it wakes the sensor, which reports at once and once more."""

    name = "cover"
    menu = COVER
    interval_ms = 15 * MINUTE_MS
    alarm_ms = (REACTION_MS, REACTION_MS + 30 * SECOND_MS)

    def values(self, thing: Thing, at_ms: int, matters: Sequence[Matter], draws: Draws) -> tuple[Value, ...]:
        """Angle, switch, temperature under the lid."""
        matter = holding(matters, at_ms)
        lies = thing.facility.policy.install_angle_deg or 0.0
        angle = lies + draws.normal(SHAKE_DEG)
        if matter is not None:
            angle += matter.size
        return (
            Value("tilt_angle", round(min(abs(angle), 180.0), 1)),
            Value("contact_open", matter is not None and matter.kind is AnomalyKind.COVER_OPEN),
            Value("temperature", round(self.weather.temperature(at_ms) * 0.5 + 9 + draws.normal(0.2), 1)),
        )
