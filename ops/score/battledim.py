"""The rule of BattLeDIM 2020 (Vrachimis et al., JWRPM 2022): what a located alarm finds, and what it is worth.

An alarm is right when a leak is active and its pipe's middle is within 300 m along the network; the nearest leak not
yet found is found. Repeats at leaks that are found are ignored, all else is false. Worth: 0.8 EUR per m3 that leaks
after the alarm, less 500 EUR x distance / 300 m for the crew's search; a false alarm costs 500 EUR.
"""

import heapq
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

REACH_M: Final = 300.0
WATER_EUR: Final = 0.8
CREW_EUR: Final = 500.0
STEPS_PER_HOUR: Final = 12
MONTH_DAYS: Final = 30.4


@dataclass(frozen=True, slots=True)
class Leak:
    """A labelled leak, in steps of five minutes since the first reading."""

    link: str
    start: int
    end: int
    abrupt: bool
    outflow: Floats
    """m3/h per step."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An alarm as it was sent out: a pipe, at a step."""

    step: int
    link: str


@dataclass(slots=True)
class Verdict:
    """What the alarms of a year were worth."""

    eur: float = 0.0
    found: dict[str, int] = field(default_factory=dict)
    """Per leak the step at which it was found."""
    false: list[Sent] = field(default_factory=list)
    repeats: int = 0


class PipeMap:
    """Distances between the middles of pipes, along the network of an EPANET file."""

    def __init__(self, ends: Mapping[str, tuple[str, str, float]]) -> None:
        """``ends``: per link its two nodes and its length in metres."""
        self._ends = ends
        self._roads: dict[str, list[tuple[str, float]]] = {}
        for one, other, length in ends.values():
            if length > 0:
                self._roads.setdefault(one, []).append((other, length))
                self._roads.setdefault(other, []).append((one, length))
        self._from: dict[str, dict[str, float]] = {}

    @classmethod
    def read(cls, inp: Path) -> "PipeMap":
        """Read pipes, pumps and valves; the latter two join nodes but are no way to walk."""
        ends: dict[str, tuple[str, str, float]] = {}
        section = ""
        for line in inp.read_text(errors="replace").splitlines():
            words = line.split(";")[0].split()
            if not words:
                continue
            if words[0].startswith("["):
                section = words[0].upper()
            elif section == "[PIPES]":
                ends[words[0]] = (words[1], words[2], float(words[3]))
            elif section in ("[PUMPS]", "[VALVES]"):
                ends[words[0]] = (words[1], words[2], 0.0)
        if not ends:
            raise ValueError(f"{inp} holds no pipes: is it an EPANET file?")
        return cls(ends)

    def apart(self, one: str, other: str) -> float:
        """Metres from middle to middle; infinite where no way leads. ``KeyError`` for a link that is not there."""
        if one == other:
            return 0.0
        a, b = self._ends[one], self._ends[other]
        ways = (self._reach(start).get(goal, np.inf) for start in a[:2] for goal in b[:2])
        return min(ways) + a[2] / 2 + b[2] / 2

    def to_node(self, link: str, node: str) -> float:
        """Metres from the middle of a link to a node; infinite where no way leads."""
        end = self._ends[link]
        return min(self._reach(start).get(node, np.inf) for start in end[:2]) + end[2] / 2

    def _reach(self, start: str) -> dict[str, float]:
        known = self._from.get(start)
        if known is None:
            known = {}
            queue = [(0.0, start)]
            while queue:
                far, node = heapq.heappop(queue)
                if node not in known:
                    known[node] = far
                    for other, length in self._roads.get(node, ()):
                        heapq.heappush(queue, (far + length, other))
            self._from[start] = known
        return known


def judge(alarms: Sequence[Sent], leaks: Sequence[Leak], pipes: PipeMap) -> Verdict:
    """Apply the rule to alarms in order of time."""
    verdict = Verdict()
    for alarm in sorted(alarms, key=lambda a: a.step):
        near = [
            (apart, leak)
            for leak in leaks
            if leak.start <= alarm.step <= leak.end and (apart := pipes.apart(leak.link, alarm.link)) <= REACH_M
        ]
        new = [one for one in near if one[1].link not in verdict.found]
        if not near:
            verdict.false.append(alarm)
            verdict.eur -= CREW_EUR
        elif not new:
            verdict.repeats += 1
        else:
            apart, leak = min(new, key=lambda one: one[0])
            verdict.found[leak.link] = alarm.step
            saved = float(leak.outflow[max(alarm.step, 1) - 1 :].sum()) / STEPS_PER_HOUR * WATER_EUR
            verdict.eur += saved - apart / REACH_M * CREW_EUR
    return verdict


def figures(alarms: Sequence[Sent], leaks: Sequence[Leak], pipes: PipeMap, steps: int) -> dict[str, float | int | None]:
    """Figures of a year, named as the data set's own scorer names them. A leak active at the start is not new."""
    verdict = judge(alarms, leaks, pipes)
    perfect = judge([Sent(max(leak.start, 1), leak.link) for leak in leaks], leaks, pipes)
    new = [leak for leak in leaks if leak.start >= 0]
    late = {x.link: (verdict.found[x.link] - x.start) / STEPS_PER_HOUR for x in new if x.link in verdict.found}
    abrupt = [late[x.link] for x in new if x.link in late and x.abrupt]
    growing = [late[x.link] for x in new if x.link in late and not x.abrupt]
    false, found = len(verdict.false), len(verdict.found)
    days = (steps - 1) / (24 * STEPS_PER_HOUR)
    return {
        "alarms": len(alarms),
        "new_found": len(late),
        "new_total": len(new),
        "tp_all": found,
        "leaks_all": len(leaks),
        "fp": false,
        "fp_per_month": round(false / days * MONTH_DAYS, 2),
        "precision": round(found / max(found + false, 1), 3),
        "median_delay_h": _median([*abrupt, *growing]),
        "median_delay_abrupt_h": _median(abrupt),
        "median_delay_incipient_h": _median(growing),
        "abrupt_found": len(abrupt),
        "incipient_found": len(growing),
        "eur": round(verdict.eur, 2),
        "eur_perfect": round(perfect.eur, 2),
        "eur_pct": round(100 * verdict.eur / perfect.eur, 1) if perfect.eur else None,
    }


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 2) if values else None
