"""What each meter of an area says over a day, hour by hour, and what it usually says (docs/processors/leak.md).

A day ends with its night, at 04:00 by the sun. Per step this only adds up; all else is done when a day is over.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from processors.detectors.leak_night import DAY_MS, ENDS_MS, HOUR_MS, NIGHTS
from processors.detectors.leak_stats import Floats
from processors.detectors.leak_steps import Step

HOURS: Final = 24
MEANS: Final = 3
NIGHT: Final = (22, 23)
"""The hours of a day that are its night: it begins at 04:00."""
STANDS_MS: Final = 3_600_000.0
"""No shorter standstill or silence is too long."""
STANDS_LONGER: Final = 2.0
"""So many times the longest time it ever did."""
STANDS_READINGS: Final = 4
_KEEP: Final = 0.98  # of the longest time, per day: half is left after a month
_SURPRISE: Final = 4.0  # times its mean square, a day makes noise grow by no more
_RAISED: Final = 1.5  # a standstill that was too long raises what is usual by no more
_ROWS: Final = (
    "last",
    "moved_ms",
    "run",
    "spoke_ms",
    "stood",
    "gap",
    "back",
    "longest",
    "longest_gap",
    "days",
    "square",
    "watched",
)


class Day(NamedTuple):
    """A day that is over; columns are meters."""

    number: int
    keys: tuple[str, ...]
    mean: Floats  # [24, m], NaN where nothing was said
    stuck: npt.NDArray[np.bool_]  # [m] stood still for longer than is its habit
    gone: npt.NDArray[np.bool_]  # [m] said nothing, or nought, for longer than is its habit, while others spoke
    late: npt.NDArray[np.bool_]  # [m] its longest silence of the day ended in the night: behind it is mostly tomorrow


class Book(msgspec.Struct):
    """Sums of the day that goes on, and the habits of each meter; times in ms."""

    day: int = -1
    last_ms: int = 0
    interval_ms: int = 0
    keys: tuple[str, ...] = ()
    sums: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((HOURS, 0)))
    counts: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((HOURS, 0)))
    usual: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((HOURS, 0)))
    means: np.ndarray = msgspec.field(default_factory=lambda: np.full((MEANS, 0), np.nan))
    """Of the last days, newest last."""
    rows: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((len(_ROWS), 0)))
    """Per meter: newest value, when it moved, equal readings, when it spoke; today's longest standstill, silence, and
    the hour that ended it; the longest ones of all days; days learnt; mean square of an hour beside the usual; days
    watched."""

    def row(self, name: str) -> Floats:
        """One of :data:`_ROWS`, to read or write."""
        return np.asarray(self.rows[_ROWS.index(name)])


def _local_ms(time_ms: int, lon: float) -> int:
    return time_ms + round(lon / 15) * HOUR_MS - 1 - ENDS_MS  # a reading on the hour is of the hour before


def day_of(time_ms: int, lon: float) -> int:
    """The number of the day: it ends at 04:00 by the sun."""
    return _local_ms(time_ms, lon) // DAY_MS


def began_ms(day: int, lon: float) -> int:
    """When a day of this number began."""
    return day * DAY_MS + ENDS_MS - round(lon / 15) * HOUR_MS


def take_day(book: Book, step: Step, lon: float) -> Day | None:
    """Take a closed step in; what the day before said, if this is the first step of another."""
    number, at_ms = divmod(_local_ms(step.time_ms, lon), DAY_MS)
    over = None
    known_before = bool(book.keys)
    if not step.values.keys() <= set(book.keys):
        _widen(book, step)  # first of all: the day that is over has the columns of the book
    if number != book.day:
        over = _close(book) if known_before and book.day >= 0 else None
        book.day = number
        book.sums[:], book.counts[:] = 0.0, 0.0
        book.row("stood")[:], book.row("gap")[:], book.row("back")[:] = 0.0, 0.0, 0.0
    values = np.array([step.values[key][0] if key in step.values else np.nan for key in book.keys], dtype=np.float64)
    there = ~np.isnan(values)
    hour = at_ms // HOUR_MS
    book.sums[hour] += np.where(there, values, 0.0)
    book.counts[hour] += there
    _habits(book, step.time_ms, hour, values, there)
    return over


def _habits(book: Book, now_ms: int, hour: int, values: Floats, there: npt.NDArray[np.bool_]) -> None:
    last, moved, run, spoke, stood, gap, back = book.rows[:7]
    passed = now_ms - book.last_ms if book.last_ms else 0
    if book.interval_ms == 0 or 0 < passed < book.interval_ms:
        book.interval_ms = passed
    if len(book.keys) > 1 and passed > book.interval_ms:
        spoke += passed - book.interval_ms  # nobody spoke: that is the feed, and no meter
    book.last_ms = now_ms
    speaks = there & (values != 0.0)
    new = speaks & (spoke == 0.0)
    silence = np.where(speaks & ~new, now_ms - spoke, 0.0)
    back[silence > gap] = hour
    np.maximum(gap, silence, out=gap)
    spoke[speaks] = now_ms
    moves = there & ((values != last) | (values == 0.0))
    moved[moves], run[moves] = now_ms, 0.0
    run[there] += 1
    np.maximum(stood, np.where(there & (run >= STANDS_READINGS), now_ms - moved, 0.0), out=stood)
    last[there] = values[there]


def _close(book: Book) -> Day:
    mean = np.where(book.counts > 0, book.sums / np.maximum(book.counts, 1.0), np.nan)
    watched, spoke = book.row("watched"), book.row("spoke_ms")
    silent = np.where(spoke > 0, book.last_ms - spoke, 0.0)
    standing = book.row("stood") * (book.last_ms - book.row("moved_ms") >= book.row("stood"))
    stuck = _too_long(book.row("stood"), standing, book.row("longest"), watched > 0)
    gone = _too_long(np.maximum(book.row("gap"), silent), silent, book.row("longest_gap"), watched > 0)
    watched += book.counts.any(axis=0)
    book.means[:-1] = book.means[1:]
    book.means[-1] = book.sums.sum(axis=0) / np.maximum(book.counts.sum(axis=0), 1.0)
    return Day(book.day, book.keys, mean, stuck, gone, gone & (book.row("back") >= NIGHT[0]))


def _too_long(today: Floats, goes_on: Floats, longest: Floats, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of today's longest times are beyond habit; what is over teaches, a lie by a bounded step only."""
    limit = np.maximum(STANDS_MS, STANDS_LONGER * longest)
    late = known & (today > limit)
    most = np.where(late, np.where(goes_on > limit, 0.0, np.maximum(_RAISED * longest, STANDS_MS / 2)), today)
    longest[:] = np.maximum(_KEEP * longest, most)
    return np.asarray(late)


def standing(book: Book, step: Step) -> set[str]:
    """Who stands still in this step for longer than is its habit: nothing should be made of what it says."""
    late = (book.row("run") >= STANDS_READINGS) & (book.row("watched") > 0)
    if not late.any():
        return set()
    late &= step.time_ms - book.row("moved_ms") > STANDS_LONGER * book.row("longest")
    still = zip(book.keys, book.row("last").tolist(), late.tolist(), strict=True)
    return {key for key, last, is_late in still if is_late and key in step.values and step.values[key][0] == last}


def learn(book: Book, day: Day, believed: npt.NDArray[np.bool_]) -> None:
    """Take a day for usual, of these meters."""
    days, square = book.row("days"), book.row("square")
    some = believed & ~np.isnan(day.mean).all(axis=0)
    days[some] = np.minimum(days[some] + 1, NIGHTS)
    rate = np.where(some, 1.0 / np.maximum(days, 1.0), 0.0)
    apart = day.mean - book.usual
    unknown = np.isnan(book.usual)
    there = some & ~np.isnan(apart)
    count = there.sum(axis=0)
    squares = (np.where(there, apart, 0.0) ** 2).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(days >= NIGHTS, np.minimum(squares, _SURPRISE * square), squares)
    square += np.where((days > 1) & (count > 0), rate * (squares - square), 0.0)
    fresh = some & unknown
    book.usual = np.where(fresh, day.mean, book.usual + np.where(there, rate * apart, 0.0))


def forget(book: Book, column: int) -> None:
    """What a meter usually says is not known any more; its habits are."""
    book.usual[:, column] = np.nan
    book.row("days")[column] = 0.0
    book.row("square")[column] = 0.0


def known(book: Book) -> npt.NDArray[np.bool_]:
    """Of which meters a usual day is known."""
    return np.asarray(book.row("days") >= NIGHTS)


def noise(book: Book, column: int) -> float:
    """By how much an hour of this meter is usually beside the usual."""
    return float(np.sqrt(book.row("square")[column]))


def _widen(book: Book, step: Step) -> None:
    keys = tuple(sorted({*book.keys, *step.values}))
    to = [keys.index(key) for key in book.keys]

    def wide(old: Floats, fill: float) -> Floats:
        new = np.full((old.shape[0], len(keys)), fill)
        new[:, to] = old
        return new

    book.sums, book.counts = wide(book.sums, 0.0), wide(book.counts, 0.0)
    book.usual, book.means, book.rows = wide(book.usual, np.nan), wide(book.means, np.nan), wide(book.rows, 0.0)
    fresh = [at for at in range(len(keys)) if at not in to]
    book.rows[_ROWS.index("last"), fresh] = np.nan
    book.keys = keys


def narrow(book: Book, keep: set[str]) -> None:
    """Leave out the meters that are gone."""
    at = [n for n, key in enumerate(book.keys) if key in keep]
    if len(at) == len(book.keys):
        return
    book.sums, book.counts, book.usual, book.means, book.rows = (
        np.ascontiguousarray(one[:, at]) for one in (book.sums, book.counts, book.usual, book.means, book.rows)
    )
    book.keys = tuple(book.keys[n] for n in at)
