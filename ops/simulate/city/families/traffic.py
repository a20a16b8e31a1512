"""Traffic: a radar over the carriageway."""

from collections.abc import Sequence

from ops.simulate.city.draws import Draws
from ops.simulate.city.families.sampled import Sampled, holding
from ops.simulate.city.kerb_sizes import TRAFFIC
from ops.simulate.city.model import Matter, Thing
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS, Value

RUSH_H = ((7, 9), (17, 19))


class Traffic(Sampled):
    """Says the mean speed of every two minutes; slower in the rush hours, and a crawl now and then."""

    name = "traffic"
    menu = TRAFFIC
    interval_ms = 2 * MINUTE_MS

    def values(
        self,
        thing: Thing,  # noqa: ARG002 - all are alike
        at_ms: int,
        matters: Sequence[Matter],
        draws: Draws,
    ) -> tuple[Value, ...]:
        """Kilometres an hour, and the share of the time in which something stands below the radar."""
        hour = (at_ms - self.start_ms) % DAY_MS / HOUR_MS
        rush = any(first <= hour < last for first, last in RUSH_H)
        matter = holding(matters, at_ms)
        speed = (27.0 if rush else 38.0) + draws.normal(2.0) if matter is None else matter.size + draws.normal(0.2)
        taken = min(95.0, 300.0 / max(speed, 1.0))
        return Value("traffic_speed", round(max(0.0, speed), 1), "km/h"), Value("road_occupancy", round(taken, 1))
