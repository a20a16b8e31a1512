"""What verdicts say of detectors: precision, and thresholds that would have told real from not real. Pure.

A threshold is suggested by the numbers that findings carry. For each number that all judged findings of a kind have, it
is the value that keeps every real one and drops the most of the others; it stands in the middle between the nearest
real one and the nearest that it drops. It says what would have been right of these findings, not of those that nobody
made.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.anomaly import AnomalyKind
from schemas.rules import RULES

ENOUGH: Final = 3
"""Verdicts of each kind without which no threshold is suggested."""
_Z: Final = 1.959964  # 95 % of a normal distribution
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding as it was raised; ``real`` None where nobody has judged it."""

    detector: str
    kind: str
    zone: str
    numbers: Mapping[str, float]
    real: bool | None
    rule: str | None = None
    """By which it was made; None: by none."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many findings there were, and what was said of them."""

    findings: int
    real: int
    not_real: int

    @property
    def precision(self) -> float | None:
        """The share of the judged ones that were real; None where none was judged."""
        judged = self.real + self.not_real
        return None if judged == 0 else self.real / judged

    @property
    def between(self) -> tuple[float, float] | None:
        """Wilson's interval of 95 % for the precision (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
        judged, precision = self.real + self.not_real, self.precision
        if precision is None:
            return None
        middle = (precision + _Z**2 / (2 * judged)) / (1 + _Z**2 / judged)
        half = _Z / (1 + _Z**2 / judged) * math.sqrt(precision * (1 - precision) / judged + _Z**2 / (4 * judged**2))
        return max(0.0, middle - half), min(1.0, middle + half)

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        between = self.between
        return {
            "findings": self.findings,
            "real": self.real,
            "notReal": self.not_real,
            "precision": None if self.precision is None else round(self.precision, _DIGITS),
            "between": None if between is None else [round(end, _DIGITS) for end in between],
        }


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Of a kind's findings, those whose ``number`` is on the right side of ``threshold``."""

    detector: str
    kind: str
    number: str
    at_least: bool
    """Else at most."""
    threshold: float
    dropped: int
    """Of those that were not real; no real one is."""
    not_real: int
    real: int
    parameters: tuple[str, ...]
    """Of rules, that may be meant by the number."""

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "detector": self.detector,
            "kind": self.kind,
            "number": self.number,
            "keep": ">=" if self.at_least else "<=",
            "threshold": self.threshold,
            "dropped": self.dropped,
            "notReal": self.not_real,
            "real": self.real,
            "parameters": list(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """By detector; by detector and rule; by detector and kind; by detector, rule and zone.

    Each in the order of the names; no rule is an empty one.
    """

    detectors: Mapping[tuple[str, ...], Tally]
    rules: Mapping[tuple[str, ...], Tally]
    kinds: Mapping[tuple[str, ...], Tally]
    zones: Mapping[tuple[str, ...], Tally]
    suggestions: Sequence[Suggestion]

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        tables = {
            "detectors": (("detector",), self.detectors),
            "rules": (("detector", "rule"), self.rules),
            "kinds": (("detector", "kind"), self.kinds),
            "zones": (("detector", "rule", "zone"), self.zones),
        }
        found = {
            title: [
                {name: one or None for name, one in zip(names, key, strict=True)} | tally.figures()
                for key, tally in table.items()
            ]
            for title, (names, table) in tables.items()
        }
        for row in found["kinds"]:
            row["rules"] = [rule.name for rule in RULES.values() if row["kind"] in rule.kinds]
        return found | {"suggestions": [one.figures() for one in self.suggestions]}


def report(findings: Iterable[Judged]) -> Report:
    """Reckon what was said of these findings."""
    found = list(findings)
    by_kind: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in found:
        by_kind[one.detector, one.kind].append(one)
    return Report(
        detectors=_tallied(found, lambda one: (one.detector,)),
        rules=_tallied(found, lambda one: (one.detector, one.rule or "")),
        kinds=_tallied(found, lambda one: (one.detector, one.kind)),
        zones=_tallied(found, lambda one: (one.detector, one.rule or "", one.zone)),
        suggestions=[best for key in sorted(by_kind) if (best := _suggestion(by_kind[key])) is not None],
    )


def _tallied(findings: Sequence[Judged], key: Callable[[Judged], tuple[str, ...]]) -> dict[tuple[str, ...], Tally]:
    groups: defaultdict[tuple[str, ...], list[bool | None]] = defaultdict(list)
    for one in findings:
        groups[key(one)].append(one.real)
    return {name: Tally(len(said), said.count(True), said.count(False)) for name, said in sorted(groups.items())}


def _suggestion(findings: Sequence[Judged]) -> Suggestion | None:
    """The threshold that drops most; of equals the one with the widest gap, then the first by name."""
    real = [one.numbers for one in findings if one.real is True]
    not_real = [one.numbers for one in findings if one.real is False]
    if min(len(real), len(not_real)) < ENOUGH:
        return None
    shared = set.intersection(*(set(numbers) for numbers in (*real, *not_real)))
    best: tuple[int, float] = (0, 0.0)
    found: Suggestion | None = None
    for name in sorted(shared):
        for sign in (1.0, -1.0):
            edge = min(sign * numbers[name] for numbers in real)
            beyond = [sign * numbers[name] for numbers in not_real if sign * numbers[name] < edge]
            if not beyond:
                continue
            nearest = max(beyond)
            gap = (edge - nearest) / max(abs(edge), abs(nearest))
            if (len(beyond), gap) > best:
                best = len(beyond), gap
                threshold = _round(sign * (edge + nearest) / 2, *sorted((sign * edge, sign * nearest)))
                first = findings[0]
                found = Suggestion(
                    *(first.detector, first.kind, name, sign > 0, threshold, len(beyond), len(not_real), len(real)),
                    parameters=tuple(_meant(first.kind, name)),
                )
    return found


def _round(value: float, low: float, high: float) -> float:
    """As few digits as still lie strictly between the two."""
    for digits in range(1, 17):
        short = float(f"{value:.{digits}g}")
        if low < short < high:
            return short
    return value


def _meant(kind: str, number: str) -> Iterable[str]:
    """The parameters of the rules that make a kind whose names have to do with a number's."""
    for rule in RULES.values():
        if AnomalyKind(kind) in rule.kinds:
            for one in rule.parameters:
                if one.name == number or number in one.name.split("_") or one.name in number.split("_"):
                    yield f"{rule.name}.{one.name}"
