"""Changes of a story that must not change what is found: the story is rows of devices, told in records."""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

from hypothesis import strategies as st

from processors.engine.contract import Detector
from processors.engine.driver import START, PipelineTestDriver
from schemas.facility import Facility
from schemas.model import to_ms
from schemas.registry import CityWide, ZoneConfigured

Row = tuple[str, str, float, float]
"""Device, property, value, seconds after the story began."""
Found = list[tuple[str, str, str, str]]
"""Of each step: what, of what kind, about whom, since when after the story began."""


def told(
    detector: Callable[[], Detector[Any]],
    facilities: Sequence[Facility],
    rows: Iterable[Row],
    *,
    configured: Sequence[ZoneConfigured | CityWide] = (),
    later_s: float = 0.0,
    records: Iterable[int] = (),
    tick_s: float = 300.0,
    rest_s: float = 0.0,
) -> PipelineTestDriver:
    """The story as it arrives: what was said between two ticks, before the second of them.

    Args:
        detector: makes the one that listens.
        facilities: registered in this order.
        rows: in the order of arrival.
        configured: said before anything else.
        later_s: the whole story happens so much later.
        records: so many rows travel together, unless a tick stands between them; one each when they run out.
        tick_s: the cadence.
        rest_s: so long it goes on when all is said.
    """
    driver = PipelineTestDriver(detector(), tick_s=tick_s)
    driver.advance_to(to_ms(START) + round(later_s * 1000))
    began_ms = driver.now_ms
    for word in configured:
        driver.configure(word)
    driver.register(*facilities)
    sizes = iter(records)
    tick_ms = round(tick_s * 1000)
    timed = [(device, name, value, round(at_s * 1000)) for device, name, value, at_s in rows]
    ticks_at = [newest // tick_ms for newest in accumulate((row[3] for row in timed), max)]
    for ticks, of_tick in groupby(zip(ticks_at, timed, strict=True), key=itemgetter(0)):
        driver.advance_to(began_ms + ticks * tick_ms)
        waiting = [(device, name, value, began_ms + at_ms) for _, (device, name, value, at_ms) in of_tick]
        while waiting:
            size = next(sizes, 1)
            driver.read_many(waiting[:size])
            del waiting[:size]
    driver.advance(tick_s + rest_s)
    return driver


def found(driver: PipelineTestDriver, later_s: float = 0.0) -> Found:
    """What was found, whoever was asked first."""
    began_s = to_ms(START) / 1000 + later_s
    return sorted(
        (one.subject, f"{one.since.timestamp() - began_s:g}", one.kind.value, one.transition.value)
        for one in driver.findings
    )


def doubled(rows: Sequence[Row], which: Iterable[int]) -> list[Row]:
    """Some rows are delivered again, two rows later."""
    again = list(rows)
    for at in sorted({n % len(rows) for n in which}, reverse=True):
        again.insert(min(at + 3, len(again)), rows[at])
    return again


def disordered(rows: Sequence[Row], which: Iterable[int]) -> list[Row]:
    """Some neighbours change places; none moves farther."""
    mixed, free = list(rows), 0
    for at in sorted({n % len(rows) for n in which}):
        if free <= at < len(mixed) - 1:
            mixed[at], mixed[at + 1] = mixed[at + 1], mixed[at]
            free = at + 2
    return mixed


def batches() -> st.SearchStrategy[list[int]]:
    """Sizes of records."""
    return st.lists(st.integers(1, 7), max_size=60)


def several(of: int = 400) -> st.SearchStrategy[list[int]]:
    """Some rows."""
    return st.lists(st.integers(0, of), max_size=12)


def by_time(rows: Iterable[Row]) -> list[Row]:
    """As it happened."""
    return sorted(rows, key=lambda row: row[3])


def holds(device: str, name: str, every_s: float, *runs: tuple[float, int], begin_s: float = 0.0) -> list[Row]:
    """A series that holds each value for so many samples."""
    values = [value for value, times in runs for _ in range(times)]
    return [(device, name, value, begin_s + n * every_s) for n, value in enumerate(values)]
