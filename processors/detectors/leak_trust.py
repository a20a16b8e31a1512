"""Which meters of an area are believed: a doubt begins, lasts a week at most, and is over (docs/processors/leak.md).

All of it is done when a day is over. Whoever is doubted is in no sum, and nothing is learnt from it.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from processors.detectors.leak_book import NIGHT, Book, Day, forget, known, learn, noise
from processors.detectors.leak_lies import (
    Lie,
    LieKind,
    agrees,
    at_all_hours,
    follows,
    is_gross,
    is_usual_beside,
    is_whole,
    lie_of,
    walks,
)
from processors.detectors.leak_model import PA_PER_KPA, Model
from processors.detectors.leak_night import NIGHTS, SIGN
from processors.detectors.leak_stats import Floats
from schemas.water import WaterRole

FEW_DAYS: Final = 2
"""From so many usual days on it is learnt how exactly the flows explain a day of the pressures,"""
ENOUGH_DAYS: Final = 5
"""and with so many of them it is judged by."""
PART: Final = 0.25
"""Share of the night's rise from which on a meter may be what makes it."""
AGAIN: Final = "it agrees with its usual days, or moves, again"
LEARNT: Final = "it has said so for a week, which is learnt as usual"
_ADDED: Final = (LieKind.JUMP, LieKind.DRIFT)


class MeterDoubt(msgspec.Struct):
    """A meter that is not believed."""

    kind: LieKind
    since_ms: int
    error: float
    days: int = 0


class Trust(msgspec.Struct):
    """Memory of one zone."""

    book: Book = msgspec.field(default_factory=Book)
    doubts: dict[str, MeterDoubt] = {}
    odd: dict[str, int] = {}
    """Days in a row that were far from usual and no lie that is known."""
    gaps: tuple[str, ...] = ()
    """Meters that were gone since the last plainly usual night, or in it."""
    layout: tuple[str, ...] = ()
    squares: np.ndarray = msgspec.field(default_factory=lambda: np.zeros(0))
    """Of the pressures in :attr:`layout`: mean square of a day beside what the flows explain."""
    days: int = 0


class Change(NamedTuple):
    """What became of a doubt."""

    key: str
    doubt: MeterDoubt
    reason: str | None
    """None: it begins."""


class Pressures(NamedTuple):
    """What explains an area's pressures; ``keys`` are its pressures, flows and levels."""

    model: Model
    keys: tuple[str, ...]
    counts: tuple[int, int, int]


def look(trust: Trust, day: Day, counted: dict[str, WaterRole], since_ms: int) -> tuple[list[Change], bool]:
    """Judge the meters that count; what changed, and whether something must be learnt anew."""
    changes = [Change(key, trust.doubts.pop(key), AGAIN) for key in sorted(trust.doubts.keys() - counted.keys())]
    anew = False
    for key in sorted(counted.keys() & set(day.keys)):
        column = day.keys.index(key)
        if day.gone[column]:
            trust.gaps = tuple(sorted({*trust.gaps, key}))
        lie = _lie(trust, day, column)
        doubt = trust.doubts.get(key)
        if doubt is None:
            if lie is not None:
                changes.append(_begin(trust, key, lie, since_ms))
            continue
        doubt.days += 1
        if _is_over(trust, day, column, doubt, lie):
            changes.append(Change(key, trust.doubts.pop(key), AGAIN))
        elif doubt.days >= NIGHTS and doubt.kind is not LieKind.STUCK:
            changes.append(Change(key, trust.doubts.pop(key), LEARNT))
            forget(trust.book, column)
            anew = True
    return changes, anew


def _lie(trust: Trust, day: Day, column: int) -> Lie | None:
    if day.stuck[column]:
        return Lie(LieKind.STUCK, 0.0)
    if not known(trust.book)[column]:
        return None
    lie = lie_of(day.mean[:, column], trust.book.usual[:, column], noise(trust.book, column))
    if lie is not None and lie.kind is LieKind.SCALE and walks(_rises(trust.book, column)):
        return lie._replace(kind=LieKind.GAIN)
    return lie


def _rises(book: Book, column: int) -> Floats:
    return np.asarray(book.means[:, column] - np.nanmean(book.usual[:, column]))


def _is_over(trust: Trust, day: Day, column: int, doubt: MeterDoubt, lie: Lie | None) -> bool:
    if lie is not None:
        return False
    today, usual = day.mean[:, column], trust.book.usual[:, column]
    if doubt.kind is LieKind.STUCK and not known(trust.book)[column]:
        return True
    if not (is_whole(today, usual) and agrees(today, usual, noise(trust.book, column))):
        return False
    return doubt.kind not in _ADDED or abs(_at_night(today, usual)) < abs(doubt.error) / 2


def _at_night(day: Floats, usual: Floats) -> float:
    """By how much a night is above the usual, when people add least."""
    return float((day - usual)[list(NIGHT)].mean())


def _begin(trust: Trust, key: str, lie: Lie, since_ms: int) -> Change:
    trust.doubts[key] = MeterDoubt(lie.kind, since_ms, lie.error)
    return Change(key, trust.doubts[key], None)


def is_leak(
    trust: Trust, day: Day, roles: dict[str, WaterRole], pressures: Pressures | None, since_ms: int
) -> tuple[bool, list[Change], bool]:
    """Whether nights that are too high are a leak: at all hours, and as the pressures see it.

    Args:
        trust: what is known of the meters; is changed.
        day: that ends with the second of the nights.
        roles: of the meters in the sum.
        pressures: what is known of them, if anything.
        since_ms: when the day began.

    Returns:
        whether it is one, who is doubted because of it, and whether the nights must be learnt anew.
    """
    book = trust.book
    columns = {key: day.keys.index(key) for key in roles if key in day.keys}
    if not all(known(book)[column] for column in columns.values()):
        return True, [], False
    total, usual = (
        np.sum([SIGN[roles[key]] * values[:, column] for key, column in columns.items()], axis=0)
        for values in (day.mean, book.usual)
    )
    apart = float(np.sqrt(sum(noise(book, column) ** 2 for column in columns.values())))
    if not (is_whole(total, usual) and at_all_hours(total, usual) and is_usual_beside(total, usual, apart)):
        return False, [], False
    rise = _at_night(total, usual)
    confirmed = False
    changes = []
    for key, column in columns.items():
        own = _at_night(day.mean[:, column], book.usual[:, column])
        if SIGN[roles[key]] * own < PART * rise:
            continue
        seen = None if pressures is None else _pressures_follow(trust, day, pressures, key)
        confirmed |= seen is True
        if seen is False:
            kind = LieKind.DRIFT if walks(_rises(book, column)) else LieKind.JUMP
            changes.append(_begin(trust, key, Lie(kind, own), since_ms))
    if changes:
        return False, changes, False
    if set(trust.gaps) & roles.keys() and not confirmed:
        return False, [], True
    return True, [], False


def learn_day(trust: Trust, day: Day, pressures: Pressures | None, *, plain: bool) -> None:
    """A day whose night was usual is one to learn from, of all that are believed.

    After a gap a meter may say more than before. A night that is nearly too high does not show that it does not.
    """
    if pressures is not None:
        _learn_pressures(trust, day, pressures)
    believed = np.ones(len(day.keys), dtype=np.bool_)
    for column, key in enumerate(day.keys):
        usual, apart = trust.book.usual[:, column], noise(trust.book, column)
        far = bool(known(trust.book)[column]) and is_gross(day.mean[:, column], usual, apart)
        trust.odd[key] = trust.odd.get(key, 0) + 1 if far else 0
        if trust.odd[key] >= NIGHTS:
            forget(trust.book, column)
            far = False
        believed[column] = not far and key not in trust.doubts
    learn(trust.book, day, believed)
    if plain:
        trust.gaps = tuple(key for key in trust.gaps if key in day.keys and day.late[day.keys.index(key)])


def _effects(trust: Trust, day: Day, of: Pressures, key: str | None) -> tuple[Floats, Floats] | None:
    """By how much this day differs from the usual in [n] pressures: what ``key`` should do, and what others leave."""
    book = trust.book
    if not of.model.hydraulic.solved or any(one not in day.keys for one in of.keys):
        return None
    columns = [day.keys.index(one) for one in of.keys]
    n, k, _ = of.counts
    today, usual = day.mean[:, columns], book.usual[:, columns]
    there = ~(np.isnan(today[:, n:]) | np.isnan(usual[:, n:])).any(axis=1)
    if there.sum() < len(there) / 2 or (book.row("days")[columns] < FEW_DAYS).any():
        return None
    without = today.copy()
    if key is not None:
        at = of.keys.index(key)
        without[:, at] -= _at_night(today[:, at], usual[:, at])

    def explained(hours: Floats) -> Floats:
        rows = [of.model.regressors(hour[n : n + k], hour[n + k :]) for hour in hours[there]]
        return np.asarray(np.array(rows) @ of.model.hydraulic.beta, dtype=np.float64)

    rest = explained(without)
    should = (explained(today) - rest).mean(axis=0)
    moved = (today[there, :n] - usual[there, :n]) / PA_PER_KPA
    return should, np.asarray((moved - (rest - explained(usual))).mean(axis=0), dtype=np.float64)


def _pressures_follow(trust: Trust, day: Day, of: Pressures, key: str) -> bool | None:
    if trust.layout != of.keys or trust.days < ENOUGH_DAYS or key not in of.keys:
        return None
    found = _effects(trust, day, of, key)
    if found is None:
        return None
    should, does = found
    there = ~np.isnan(does)
    return follows(should[there], does[there], np.sqrt(trust.squares[there]))


def _learn_pressures(trust: Trust, day: Day, of: Pressures) -> None:
    if trust.layout != of.keys:
        trust.layout, trust.squares, trust.days = of.keys, np.zeros(of.counts[0]), 0
    found = _effects(trust, day, of, None)
    if found is None:
        return
    left = np.where(np.isnan(found[1]), 0.0, found[1])
    trust.days = min(trust.days + 1, NIGHTS)
    trust.squares = trust.squares + (left**2 - trust.squares) / trust.days
