"""What a rule and its parameters are; the tables of them stand beside, one module for each processor."""

import math
from dataclasses import dataclass
from typing import Final

from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass

SECONDS_MAX: Final = 86_400.0 * 366


@dataclass(frozen=True, slots=True)
class Parameter:
    """One threshold; ``low`` and ``high`` are inclusive and, as ``default``, in ``unit`` (UCUM)."""

    name: str
    """Within its rule, ending in its unit where it has one."""
    unit: str
    default: float
    """Infinite: no limit unless somebody sets one."""
    low: float
    high: float
    meaning: str
    field: str | None = None
    """The field of a policy that says the same."""
    unlimited: bool = False
    """It is a limit that may be absent: infinite."""

    def within(self, value: float) -> float:
        """The value, or the end of the range that is nearest to it."""
        return min(max(value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one processor decides by these parameters."""

    name: str
    processor: str
    about: str
    classes: frozenset[FacilityClass]
    """Of facilities it is for; empty: all."""
    kinds: tuple[AnomalyKind, ...]
    parameters: tuple[Parameter, ...]
    family: str | None = None
    """Rules of one family have the same parameters, each for another property, and are shown as one."""

    @property
    def in_force(self) -> bool:
        """Whether it decides anything before somebody sets a parameter; only those of families may not."""
        return self.family is None or any(
            parameter.unlimited and not math.isinf(parameter.default) for parameter in self.parameters
        )

    def applies(self, facility_class: FacilityClass) -> bool:
        """Whether it decides about facilities of this class."""
        return not self.classes or facility_class in self.classes


def seconds(name: str, default: float, meaning: str, *, low: float = 0.0, field: str | None = None) -> Parameter:
    """A parameter that is a span of time (s)."""
    return Parameter(name, "s", default, low, SECONDS_MAX, meaning, field)


def count(name: str, default: int, high: int, meaning: str) -> Parameter:
    """A parameter that counts something, from 1."""
    return Parameter(name, "1", default, 1, high, meaning)


def share(name: str, default: float, meaning: str) -> Parameter:
    """A parameter that is a part of something, from 0 to 1."""
    return Parameter(name, "1", default, 0.0, 1.0, meaning)


def metres(name: str, default: float, meaning: str, *, low: float = 0.0, high: float = 100.0) -> Parameter:
    """A parameter that is a length (m)."""
    return Parameter(name, "m", default, low, high, meaning)
