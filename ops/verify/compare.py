"""Expected against published: what is missing, what is not explained, what came twice. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

SHOWN: Final = 5


class Expected(NamedTuple):
    """A record that the fold of the log gives, and the offset of the event that gave it."""

    offset: int
    value: bytes


class Difference(NamedTuple):
    """One record that is ``missing`` from what was published, ``unexplained`` by the log, or ``out of order``."""

    what: str
    value: bytes

    @property
    def at(self) -> str:
        """Its event time, as it stands in the record; empty where none does."""
        try:
            return _decoder.decode(self.value).time
        except msgspec.DecodeError:
            return ""


class _Timed(msgspec.Struct):
    time: str = ""


_decoder: Final = msgspec.json.Decoder(_Timed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a comparison found; ``repeated`` records are harmless, their ids are the same."""

    expected: int = 0
    published: int = 0
    missing: int = 0
    unexplained: int = 0
    repeated: int = 0
    out_of_order: int = 0
    first: tuple[Difference, ...] = ()
    """Those that differ first, by event time."""

    @property
    def good(self) -> bool:
        """The same records in the same order, perhaps some of them repeated."""
        return not (self.missing or self.unexplained or self.out_of_order)

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.expected + other.expected,
            self.published + other.published,
            self.missing + other.missing,
            self.unexplained + other.unexplained,
            self.repeated + other.repeated,
            self.out_of_order + other.out_of_order,
            _earliest([*self.first, *other.first]),
        )


def compare(
    expected: Sequence[Expected],
    published: Iterable[bytes],
    committed: int,
    *,
    ordered: bool,
    wanted: Callable[[bytes], bool] = lambda _value: True,
) -> Outcome:
    """Hold one partition's published records against what the log gives.

    Args:
        expected: everything the fold says, in its order, also what it has had no time to publish yet.
        published: what stands in the output, in its order.
        committed: the folds' committed offset: what is expected from below it must be published.
        ordered: whether the order must be the same too.
        wanted: which records are looked at, e.g. those of a range of time.
    """
    expected = [one for one in expected if wanted(one.value)]
    seen = [value for value in published if wanted(value)]
    times = Counter(seen)
    known = Counter(one.value for one in expected)
    missing = [one.value for one in expected if one.offset < committed and one.value not in times]
    strange = [value for value in times if value not in known]
    swapped = _out_of_order([one.value for one in expected], seen) if ordered else []
    differences = [Difference("missing", value) for value in missing]
    differences += [Difference("unexplained", value) for value in strange]
    differences += [Difference("out of order", value) for value in swapped]
    return Outcome(
        expected=sum(one.offset < committed for one in expected),
        published=len(seen),
        missing=len(missing),
        unexplained=sum(times[value] for value in strange),
        repeated=sum(number - known[value] for value, number in times.items() if 0 < known[value] < number),
        out_of_order=len(swapped),
        first=_earliest(differences),
    )


def _earliest(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(sorted(differences, key=lambda one: one.at)[:SHOWN])


def _out_of_order(expected: Sequence[bytes], seen: Sequence[bytes]) -> list[bytes]:
    """The records that stand behind one that should follow them, each where it first appears."""
    place = {value: number for number, value in reversed(list(enumerate(expected)))}
    highest, wrong = -1, []
    for value in dict.fromkeys(seen):
        number = place.get(value)
        if number is None:
            continue
        if number < highest:
            wrong.append(value)
        highest = max(highest, number)
    return wrong
