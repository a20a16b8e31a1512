"""Counter-based random numbers: the n-th draw of a name depends on the seed, the name and n, and on nothing else.

So what one facility does is the same however many others there are, and a city of 170,000 holds two integers for each
of its streams instead of the state of a generator. The mixing function is SplitMix64 (Steele, Lea, Flood 2014).
"""

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, TypeVar

T = TypeVar("T")

_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_SCALE: Final = 2.0**-53


class Draws:
    """A stream of draws of one name."""

    __slots__ = ("_at",)

    def __init__(self, seed: int, *names: object) -> None:
        text = "|".join(map(str, (seed, *names)))
        self._at = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())

    def unit(self) -> float:
        """0 to 1, 1 excluded."""
        self._at = z = (self._at + _GOLDEN) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((z ^ (z >> 31)) >> 11) * _SCALE

    def uniform(self, low: float, high: float) -> float:
        """Anything between, all alike."""
        return low + (high - low) * self.unit()

    def whole(self, low: int, high: int) -> int:
        """A whole number, ``high`` excluded."""
        return low + int((high - low) * self.unit())

    def chance(self, share: float) -> bool:
        """True in this share of the draws."""
        return self.unit() < share

    def normal(self, deviation: float) -> float:
        """Around 0, at most 3.5 deviations away: a sensor has an error, no long tail."""
        error = math.sqrt(-2.0 * math.log(1.0 - self.unit())) * math.cos(2.0 * math.pi * self.unit())
        return deviation * min(max(error, -3.5), 3.5)

    def wait(self, mean: float) -> float:
        """Until the next of events that come by chance (exponential)."""
        return -mean * math.log(1.0 - self.unit())

    def one_of(self, things: Sequence[T]) -> T:
        """One of them, all alike."""
        return things[self.whole(0, len(things))]
