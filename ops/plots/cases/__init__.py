"""The typical case of each processor; :data:`CASES` by the name of the page that it is drawn for."""

from collections.abc import Callable
from typing import Final

from ops.plots.cases import devices, places, quantities, water
from ops.plots.chart import Chart

CASES: Final[dict[str, Callable[[], Chart]]] = {
    "cover": places.cover,
    "parking": places.parking,
    "surface": places.surface,
    "level": quantities.level,
    "lamp": quantities.lamp,
    "limit": quantities.limit,
    "counters": water.counters,
    "leak": water.leak,
    "silence": devices.silence,
    "clock": devices.clock,
    "health": devices.health,
    "gateway": devices.gateway,
}
