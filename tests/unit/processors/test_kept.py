"""What is kept is nobody's business: however readings were cut into batches, and whenever a snapshot was taken."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, cast

from fold_kit import RELAXED
from hypothesis import given
from hypothesis import strategies as st
from state_kit import Earless, restored, state
from street_kit import bay, cover, facility, lamp

from processors.detectors import ALL
from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector
from processors.engine.driver import PipelineTestDriver
from processors.engine.kept import FULL
from processors.engine.outputs import outgoing
from schemas.columns import BatchColumns
from schemas.envelope import Data
from schemas.facility import FacilityClass

LATENESS_S = 1800.0
_SAID = {
    ("cover-1", "tilt_angle"): (0.0, 0.1, 0.2),
    ("cover-2", "tilt_angle"): (0.0,),
    ("mag", "occupied"): (0.0,),
    ("lamp-1", "power"): (0.0, 0.0, 0.1),
    ("press-1", "pressure"): (4e5, 4.1e5, 4e5, 4.2e5),
}
_ODD = (90.0, 1.0, 9e5, -5.0)
"""Some of them are news, to whomever they are said."""


def _street(rng: Random, minutes: int, odd: float) -> PipelineTestDriver:
    """Some that speak every minute or two, mostly of nothing, one by one; some of them twice, or not at all."""
    driver = PipelineTestDriver(tick_s=20.0, lateness_s=LATENESS_S)
    meter = facility("press-1", FacilityClass.PRESSURE_METER, interval_s=60.0)
    driver.register(cover(interval_s=60.0), bay("bay-1", "mag", interval_s=60.0), lamp("lamp-1"), meter)
    driver.register(cover("cover-2", zone="segment:quiet"))
    for minute in range(minutes):
        for (device, prop), usual in _SAID.items():
            if rng.random() < 2 * odd:
                continue
            value = rng.choice(_ODD if rng.random() < odd else usual)
            age_ms = 100_000 if rng.random() < odd else rng.randrange(3)
            for _ in range(1 + (rng.random() < odd)):
                driver.read(device, prop, value, at_ms=driver.now_ms - age_ms, seq=minute)
        driver.advance(60.0)
    return driver


def _cut(log: Sequence[Data], rng: Random) -> Iterator[Data]:
    """The same, with any of what comes between two ticks in one batch."""
    waiting: list[BatchColumns] = []
    for event in log:
        if waiting and (not isinstance(event, BatchColumns) or rng.random() < 1 / 4):
            yield _joined(waiting)
            waiting = []
        if isinstance(event, BatchColumns):
            waiting.append(event)
        else:
            yield event
    if waiting:
        yield _joined(waiting)


def _joined(batches: Sequence[BatchColumns]) -> BatchColumns:
    """One batch of readings that came one by one."""
    series = {batch.series[0]: None for batch in batches}
    order = list(series)
    return BatchColumns(
        shard=batches[0].shard,
        series=order,
        series_index=[order.index(batch.series[0]) for batch in batches],
        phenomenon_time=[batch.phenomenon_time[0] for batch in batches],
        result=[batch.result[0] for batch in batches],
        identity=[batch.identity[0] for batch in batches],
        result_quality=[batch.result_quality[0] for batch in batches],
        arrival_time=[batch.arrival_time[0] for batch in batches],
    )


def _fold(detectors: Sequence[Detector[Any]]) -> PartitionFold:
    return PartitionFold(detectors, round(LATENESS_S * 1000))


def _kept(fold: PartitionFold) -> list[int]:
    return [route.kept.count for name in fold._zones for route in fold._known(name).routes.values()]


@RELAXED
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.002, 0.02]), st.sampled_from([0.0, 0.01, 0.1]))
def test_neither_batches_nor_snapshots_change_what_is_found_or_known(seed: int, odd: float, snapshots: float) -> None:
    rng = Random(seed)
    log = _street(rng, 75, odd).log
    plain = _fold([cast("Detector[Any]", Earless(one)) for one in ALL])
    fold, said, most = _fold(ALL), [], 0
    for event in _cut(log, rng):
        said += fold.fold([event])
        most = max(most, *_kept(fold), 0)
        if rng.random() < snapshots:
            fold = restored(fold) if rng.random() < 1 / 2 else fold
            state(fold)
    expected = [outgoing(output, "/test").value for output in plain.fold(log)]
    assert [outgoing(output, "/test").value for output in said] == expected
    assert state(fold) == state(plain)
    assert most > FULL / 2 or odd or snapshots, "nearly always FULL; else this compares nothing with nothing"
