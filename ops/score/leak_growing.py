"""Growing leaks on labelled years: which were found, by an alarm that names a meter near them.

- An alarm is *right* when some leak grew then, and the meter it names is among the three pressures that are nearest to
  the leak along the pipes. A leak grows from its start until a week behind its peak; an abrupt one has its peak at its
  start. Where no network lies beside the year, and where an alarm names no meter, nearness is not asked for.
- The first right alarm finds the nearest leak that is not found yet; what is right and finds none repeats another.
- All else is false. *By chance* is how many would be right if each named any of the pressures.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ops.score.battledim import MONTH_DAYS, PipeMap

DAY_MS: Final = 24 * 3_600_000
BEHIND_MS: Final = 7 * DAY_MS
NEAREST: Final = 3


class Labelled(Protocol):
    """A labelled leak."""

    @property
    def link(self) -> str:
        """The pipe."""

    @property
    def start_ms(self) -> int:
        """When it began."""

    @property
    def peak_ms(self) -> int:
        """When it grew no more."""

    @property
    def abrupt(self) -> bool:
        """Whether both are the same."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A growing leak that was raised; ``meter`` is empty where none was named."""

    at_ms: int
    meter: str


@dataclass(frozen=True, slots=True)
class Growing:
    """What one year gave."""

    incipient: int = 0
    found: int = 0
    median_delay_days: float | None = None
    abrupt: int = 0
    """Leaks that were found as well, though they did not grow slowly."""
    alarms: int = 0
    repeats: int = 0
    false: int = 0
    by_chance: float = 0.0


Near = Callable[[str, str], int]
"""Of a pipe and a meter: how many of the meters are nearer to the pipe; beyond all where no way leads."""


def nearness(network: Path, meters: Sequence[str]) -> Near:
    """By the pipes of an EPANET file; meters are named ``P_<node>``."""
    pipes = PipeMap.read(network)

    def near(link: str, meter: str) -> int:
        metres = {one: pipes.to_node(link, one.split("_", 1)[-1]) for one in meters}
        own = metres[meter]
        return sum(other < own for other in metres.values()) if own < float("inf") else len(meters)

    return near


def judge(alarms: Sequence[Alarm], leaks: Sequence[Labelled], meters: Sequence[str], near: Near | None) -> Growing:
    """Apply the rule to alarms in order of time."""
    found: dict[str, int] = {}
    repeats = false = 0
    chance = 0.0
    for alarm in sorted(alarms, key=lambda one: one.at_ms):
        then = [leak for leak in leaks if leak.start_ms <= alarm.at_ms <= leak.peak_ms + BEHIND_MS]
        asked = near if alarm.meter else None
        right = sorted(
            (rank, leak.link, leak)
            for leak in then
            if (rank := 0 if asked is None else asked(leak.link, alarm.meter)) < NEAREST
        )
        new = [leak for _, _, leak in right if leak.link not in found]
        if new:
            found[new[0].link] = alarm.at_ms - new[0].start_ms
        repeats += bool(right) and not new
        false += not right
        chance += _by_chance(then, meters, asked)
    slow = [leak.link for leak in leaks if not leak.abrupt]
    delays = [found[link] / DAY_MS for link in slow if link in found]
    return Growing(
        incipient=len(slow),
        found=len(delays),
        median_delay_days=round(statistics.median(delays), 1) if delays else None,
        abrupt=len(found) - len(delays),
        alarms=len(alarms),
        repeats=repeats,
        false=false,
        by_chance=round(chance, 1),
    )


def _by_chance(then: Sequence[Labelled], meters: Sequence[str], near: Near | None) -> float:
    if near is None or not meters:
        return float(bool(then))
    return sum(any(near(leak.link, meter) < NEAREST for leak in then) for meter in meters) / len(meters)


def table(years: Sequence[tuple[str, Growing, int, float]]) -> str:
    """For people: name, result, false bursts and days of each year."""
    heads = f"{'found':>7} {'delay d':>8} {'abrupt':>7} {'alarms':>7} {'again':>6} {'false':>6} {'chance':>7}"
    lines = ["", f"{'growing':12} {heads} {'false a month, with bursts':>27}"]

    def line(name: str, all_of: Sequence[Growing], bursts: int, days: float) -> str:
        delays = [one.median_delay_days for one in all_of if one.median_delay_days is not None]
        found, of, abrupt, alarms, again, false = (
            sum(getattr(one, field) for one in all_of)
            for field in ("found", "incipient", "abrupt", "alarms", "repeats", "false")
        )
        delay = f"{statistics.median(delays):.1f}" if delays else "-"
        chance = sum(one.by_chance for one in all_of)
        return (
            f"{name:12} {f'{found}/{of}':>7} {delay:>8} {abrupt:>7} {alarms:>7} {again:>6} {false:>6} {chance:>7.1f} "
            f"{(false + bursts) / days * MONTH_DAYS:>27.2f}"
        )

    lines += [line(name, [one], bursts, days) for name, one, bursts, days in years]
    lines.append(
        line("all", [one for _, one, _, _ in years], sum(y[2] for y in years), sum(days for *_, days in years))
    )
    return "\n".join(lines)
