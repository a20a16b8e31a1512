"""What a partition has seen, for metrics."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """What a partition has seen since it was last asked; no part of the state."""

    events: int = 0  # readings, camera events, registrations, ticks: all one each
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    poison: Counter[str] = field(default_factory=Counter)  # by detector
