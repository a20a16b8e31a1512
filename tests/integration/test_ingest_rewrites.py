"""The daily rewrite of the registry on the real servers: one a day and partition, whoever is restarted, and whole."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ingest_kit import City, facility, tick_times
from test_ingest_feed import say_clock
from test_ingest_ticks import ALL, owned

from ops.registry import read_registered, retire_ingest
from processors.engine.rewrites import newest_complete_rewrite
from schemas.model import to_ms
from schemas.partitioning import partition_of
from schemas.registry import FacilityRegistered, RegistryRewriteBegun, RegistryRewriteEnded, RegistryRewritten
from schemas.topics import DAY_MS, EVENTS, REWRITES
from tests.waiting import eventually

pytestmark = pytest.mark.servers

DAY = 20_000
HOUR_MS = 3_600_000
CROWD = 12_000  # takes long enough to be written that it can be broken off
FEED = {"EYES_CLOCK__MODE": "feed", "EYES_CLOCK__TICK_S": "60"}
ZONES = {partition_of(f"dma:{n}", EVENTS.partitions): f"dma:{n}" for n in range(200)}


class Found(NamedTuple):
    """A rewrite as its markers in the log show it."""

    partition: int
    name: str
    begin: int
    end: int | None
    facilities: list[str]


@pytest.fixture
def city(stack: Any) -> City:
    assert set(ZONES) == ALL
    city = City.on(stack)
    city.register(*(facility(f"F{n}", f"dev{n}", zone) for n, zone in ZONES.items()))
    return city


def found(city: City) -> Iterator[Found]:
    """Every rewrite that the log holds, broken off ones too."""
    for partition, entries in groupby(city.log.all_of(EVENTS), key=lambda one: one.partition):
        said = [(entry.offset, entry.event.data) for entry in entries]
        for begin, begun in said:
            if isinstance(begun, RegistryRewriteBegun):
                ends = (n for n, one in said if isinstance(one, RegistryRewriteEnded) and one.rewrite == begun.rewrite)
                end = next(ends, None)
                between = [one for n, one in said if begin < n < (begin if end is None else end)]
                names = [one.facility.facility for one in between if isinstance(one, FacilityRegistered)]
                yield Found(partition, begun.rewrite, begin, end, names)


def records(city: City) -> list[RegistryRewritten]:
    return city.of(REWRITES, RegistryRewritten)


def rewritten(city: City, day: int) -> set[int]:
    """The partitions with a record of that day of the clock."""
    return {one.partition for one in records(city) if to_ms(one.time) // DAY_MS == day}


def assert_records_are_true(city: City) -> None:
    """What a record says stands in the log, and everything that is registered between its markers."""
    log = {one.name: one for one in found(city)}
    registered: dict[int, set[str]] = {number: set() for number in ALL}
    for name, one in read_registered(city.kafka).facilities.items():
        registered[partition_of(one.zone, EVENTS.partitions)].add(name)
    for record in records(city):
        rewrite = log[record.rewrite]
        assert (record.partition, record.begin_offset, record.end_offset) == (
            rewrite.partition,
            rewrite.begin,
            rewrite.end,
        )
        assert len(rewrite.facilities) == record.facilities
        assert set(rewrite.facilities) >= registered[record.partition]


@pytest.mark.timeout(900)
def test_one_a_day_although_ingest_never_lives_that_long(city: City, tmp_path: Path) -> None:
    ingest = city.ingest(tmp_path, **FEED)
    for day in range(DAY, DAY + 3):
        for hour in (0, 9, 18):
            time_ms = day * DAY_MS + hour * HOUR_MS
            with ingest.start():
                say_clock(city, time_ms)
                eventually(lambda at=time_ms: all(tick_times(ticks)[-1:] == [at] for ticks in city.ticks().values()))
                if hour == 18:
                    eventually(lambda today=day: rewritten(city, today) == ALL)
                elif hour == 9:
                    assert ingest.stop() == 0
                # and else it is killed, perhaps in the middle of one
    times = Counter((one.partition, to_ms(one.time) // DAY_MS) for one in records(city))
    assert times == {(number, day): 1 for number in ALL for day in range(DAY, DAY + 3)}
    assert_records_are_true(city)
    newest = newest_complete_rewrite(records(city), 5)
    assert newest is not None
    assert newest.begin_offset == max(one.begin for one in found(city) if one.partition == 5 and one.end is not None)


def test_one_that_was_broken_off_has_no_end_and_is_done_again(city: City, tmp_path: Path) -> None:
    """On the wall's clock; the first rewrite comes as soon as anything is registered."""
    crowded = ZONES[3]
    city.register(*(facility(f"crowd-{n}", f"crowd-{n}", crowded) for n in range(CROWD)))
    with city.ingest(tmp_path) as ingest:
        eventually(lambda: [one for one in found(city) if one.partition == 3], every_s=0.02)
        ingest.kill()
        (broken,) = [one for one in found(city) if one.partition == 3]
        assert broken.end is None
        before = {one.partition: one.rewrite for one in records(city)}
        assert 3 not in before
        ingest.start()
        eventually(lambda: {one.partition for one in records(city)} == ALL)
    assert_records_are_true(city)
    done = Counter(one.partition for one in records(city))
    assert done == dict.fromkeys(ALL, 1)  # those that were complete are not done again
    (record,) = [one for one in records(city) if one.partition == 3]
    assert record.rewrite != broken.name
    assert record.facilities == CROWD + 1


def test_whoever_takes_over_knows_what_is_done(city: City, tmp_path: Path) -> None:
    one, two = (city.ingest(tmp_path, f"{name}-{city.site}", **FEED) for name in ("one", "two"))
    with one, two:
        eventually(lambda: [len(owned(one)), len(owned(two))] == [6, 6])
        say_clock(city, DAY * DAY_MS)
        eventually(lambda: rewritten(city, DAY) == ALL)
        one.kill()
        eventually(lambda: owned(two) == ALL)
        later_ms = DAY * DAY_MS + 9 * HOUR_MS
        say_clock(city, later_ms)
        eventually(lambda: all(tick_times(ticks)[-1:] == [later_ms] for ticks in city.ticks().values()))
        say_clock(city, later_ms + DAY_MS)
        eventually(lambda: rewritten(city, DAY + 1) == ALL)
    times = Counter((one.partition, to_ms(one.time) // DAY_MS) for one in records(city))
    assert times == {(number, day): 1 for number in ALL for day in (DAY, DAY + 1)}
    assert_records_are_true(city)


def test_a_retired_shard_stands_in_every_tick_until_it_is_back(city: City, tmp_path: Path) -> None:
    gone, here = (f"{name}-{city.site}" for name in ("gone", "here"))

    def says(retired: tuple[str, ...], received: set[str]) -> bool:
        newest = [ticks[-1] for ticks in city.ticks().values() if ticks]
        return len(newest) == len(ALL) and all(
            tick.retired == retired and tick.received_to.keys() == received for tick in newest
        )

    other = city.ingest(tmp_path, gone)
    with city.ingest(tmp_path, here) as ingest:
        with other:
            eventually(lambda: says((), {here, gone}))
        retire_ingest(city.settings(), gone)
        eventually(lambda: says((gone,), {here}))
        ingest.kill()
        ingest.start()  # who begins later knows it too
        eventually(lambda: says((gone,), {here}))
        retire_ingest(city.settings(), here)  # by mistake
        with other.start():
            eventually(lambda: says((), {here, gone}))
