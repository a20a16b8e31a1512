"""Planned works: at one facility, or in a street for some kinds; what goes wrong meanwhile was to be expected."""

from collections.abc import Iterator, Sequence
from typing import Final

from ops.simulate.city.draws import Draws
from ops.simulate.city.layout import Street
from ops.simulate.model import DAY_MS, HOUR_MS
from schemas.anomaly import AnomalyKind
from schemas.model import from_ms
from schemas.works import MaintenancePlanned

STREET_SHARE: Final = 0.3
"""Of streets, a day, in which there are works of one sort."""
SINGLE: Final = 3
"""Facilities of a street, a day, at which somebody works."""
BEGINS_H: Final = (6.0, 10.0)
LASTS_H: Final = (6.0, 10.0)
SORTS: Final[Sequence[tuple[AnomalyKind, ...]]] = (
    (AnomalyKind.COVER_TILTED, AnomalyKind.COVER_OPEN),
    (AnomalyKind.DRAIN_HIGH, AnomalyKind.ROAD_WATER, AnomalyKind.ROAD_FLOODED),
    (AnomalyKind.PARKING_OVERSTAY, AnomalyKind.BAY_BLOCKED, AnomalyKind.NO_STOPPING, AnomalyKind.DOUBLE_PARKING),
    (AnomalyKind.NOISE_LIMIT, AnomalyKind.AIR_LIMIT),
    (),
)
"""What works in a whole street bring with them; the last ones: anything."""


def works_of(seed: int, street: Street, begin_ms: int, day: int) -> Iterator[MaintenancePlanned]:
    """What is planned in a street on a day, counted from the start of the city, which began at ``begin_ms``."""
    draws = Draws(seed, "works", street.number, day)
    name = f"w-{street.number:04d}-{day}"
    if draws.chance(STREET_SHARE):
        yield _planned(draws, f"{name}-0", street.zone, begin_ms + day * DAY_MS, kinds=draws.one_of(SORTS))
    things = [thing.facility for thing in street.things]
    for number in range(1, SINGLE + 1):
        one = draws.one_of(things)
        yield _planned(draws, f"{name}-{number}", one.zone, begin_ms + day * DAY_MS, facility=one.facility)


def _planned(
    draws: Draws,
    name: str,
    zone: str,
    midnight_ms: int,
    facility: str | None = None,
    kinds: tuple[AnomalyKind, ...] = (),
) -> MaintenancePlanned:
    begins = midnight_ms + int(draws.uniform(*BEGINS_H) * HOUR_MS)
    ends = begins + int(draws.uniform(*LASTS_H) * HOUR_MS)
    return MaintenancePlanned(
        works=name, zone=zone, facility=facility, kinds=kinds, begins=from_ms(begins), ends=from_ms(ends)
    )
