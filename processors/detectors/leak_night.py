"""Growing leaks without a model, night by night: from a single flow meter upwards (docs/processors/leak.md).

While the town sleeps little is used, so what flows in is mostly what leaks. Where customers' meters are known as well,
what they take is taken off, and what is left is lost (mass balance).
"""

from collections.abc import Callable
from statistics import median
from typing import Final, NamedTuple

import msgspec

from processors.detectors.leak_steps import Sample, Step
from schemas.water import WaterRole

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
BEGINS_MS: Final = 2 * HOUR_MS
ENDS_MS: Final = 4 * HOUR_MS
NIGHTS: Final = 7
RATIO: Final = 1.5
DEVIATIONS: Final = 3.0
IN_A_ROW: Final = 2
"""Domain reference, 4.3: above 1.5 x the median of 7 nights + 3 MAD for 2 nights."""
LEAST_SHARE: Final = 0.02
"""Of the inflow that a loss must rise by: meters are no better."""
THERE: Final = 0.6
"""Share of a night's steps that a flow meter must have spoken in."""
MOST_UPDATES: Final = 4
GROWN: Final = 1.5
SIGN: Final = {WaterRole.INLET: 1.0, WaterRole.OUTLET: -1.0, WaterRole.CONSUMPTION: -1.0}


class Tally(msgspec.Struct):
    """What a meter said in this night."""

    total: float
    count: int
    newest: Sample


class Night(NamedTuple):
    """A night that is over: m3/h, and which meters it was drawn from."""

    number: int
    value: float
    inflow: float
    balanced: bool
    newest: dict[str, Sample]


class OpenNight(msgspec.Struct):
    """A growing leak that is open."""

    cause: int
    """The first night of those that raised it."""
    usual: float
    limit: float
    """What was usual, and what was too much, when it was raised: m3/h."""
    value: float
    published: float
    balanced: bool
    updates: int = 0


class Nights(msgspec.Struct):
    """Memory of one zone: this night's sums and the last nights' flows."""

    number: int = -1
    tallies: dict[str, Tally] = {}
    steps: int = 0
    known: list[float] = []
    meters: tuple[str, ...] = ()
    high: int = 0
    low: int = 0
    opened: OpenNight | None = None


class Verdict(NamedTuple):
    """What a night changes: ``raised``, ``updated`` or ``cleared``."""

    what: str
    leak: OpenNight
    night: Night


def take(nights: Nights, step: Step, lon: float, roles: dict[str, WaterRole]) -> Night | None:
    """Take a closed step in; the night before, if this is the first step behind it and its flow meters spoke.

    Args:
        nights: is changed.
        step: of the zone's flows; ``roles`` says by key which counts how, others are left out.
        lon: of the zone, whose sun says when it is night.
        roles: inlets, outlets and consumption.
    """
    local_ms = step.time_ms + round(lon / 15) * HOUR_MS
    number, at_ms = divmod(local_ms - 1, DAY_MS)  # a reading on the hour is of the hour before
    night = None
    if nights.number >= 0 and (number != nights.number or at_ms >= ENDS_MS):
        night = _over(nights, roles)
        nights.number, nights.tallies, nights.steps = -1, {}, 0
    if BEGINS_MS <= at_ms < ENDS_MS:
        nights.number = number
        nights.steps += 1
        for key in sorted(step.values.keys() & roles.keys()):
            value, sample = step.values[key]
            before = nights.tallies.get(key)
            total, count = (0.0, 0) if before is None else (before.total, before.count)
            nights.tallies[key] = Tally(total + value, count + 1, sample)
    return night


def _over(nights: Nights, roles: dict[str, WaterRole]) -> Night | None:
    """The night's flow; None where a flow meter is missing. Consumption counts when all of its meters spoke."""
    flows = sorted(key for key, role in roles.items() if role in (WaterRole.INLET, WaterRole.OUTLET))
    used = sorted(key for key, role in roles.items() if role is WaterRole.CONSUMPTION)
    if not flows or any(key not in nights.tallies for key in flows):
        return None
    if any(nights.tallies[key].count < THERE * nights.steps for key in flows):
        return None
    balanced = bool(used) and all(key in nights.tallies for key in used)
    counted = [*flows, *(used if balanced else ())]
    if nights.meters != tuple(counted):  # another sum: what was usual is not any more
        nights.meters, nights.known, nights.high = tuple(counted), [], 0
    mean = {key: nights.tallies[key].total / nights.tallies[key].count for key in counted}
    inflow = sum(SIGN[roles[key]] * mean[key] for key in flows)
    value = inflow - sum(mean[key] for key in counted[len(flows) :])
    newest = {key: nights.tallies[key].newest for key in counted}
    return Night(nights.number, value, inflow, balanced, newest)


def is_plain(nights: Nights, night: Night) -> bool:
    """Whether a night is nearer to the usual than to what would be too high."""
    if len(nights.known) < NIGHTS:
        return True
    usual, limit = _limit(nights, night)
    return night.value <= (usual + limit) / 2


def _limit(nights: Nights, night: Night) -> tuple[float, float]:
    usual = median(nights.known)
    apart = median(abs(value - usual) for value in nights.known)
    least = usual + LEAST_SHARE * abs(night.inflow)
    return usual, max(RATIO * usual, least) + DEVIATIONS * apart


def judge(nights: Nights, night: Night, is_credible: Callable[[], bool]) -> Verdict | None:
    """What a night changes.

    Args:
        nights: is changed.
        night: that is over.
        is_credible: asked of a night that would raise a leak; one that is not waits for the next night.
    """
    leak = nights.opened
    if leak is not None:
        return _go_on(nights, leak, night)
    if len(nights.known) < NIGHTS:
        nights.known.append(night.value)
        return None
    usual, limit = _limit(nights, night)
    if night.value <= limit:
        nights.known = [*nights.known[1:], night.value]
        nights.high = 0
        return None
    nights.high += 1
    if nights.high < IN_A_ROW or not is_credible():
        return None
    nights.opened = OpenNight(
        night.number - IN_A_ROW + 1, usual, limit, night.value, night.value - usual, night.balanced
    )
    nights.high = nights.low = 0
    return Verdict("raised", nights.opened, night)


def learn_anew(nights: Nights) -> None:
    """What was usual is not comparable any more."""
    nights.known, nights.high, nights.low = [], 0, 0


def _go_on(nights: Nights, leak: OpenNight, night: Night) -> Verdict | None:
    """An open leak: over after two usual nights, said again when it has grown by half."""
    nights.low = nights.low + 1 if night.value <= leak.limit else 0
    if nights.low >= IN_A_ROW:
        nights.opened, nights.low = None, 0
        return Verdict("cleared", leak, night)
    leak.value = night.value
    if nights.low == 0 and leak.updates < MOST_UPDATES and night.value - leak.usual >= GROWN * leak.published:
        leak.published, leak.updates = night.value - leak.usual, leak.updates + 1
        return Verdict("updated", leak, night)
    return None
