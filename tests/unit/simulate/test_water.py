"""The water network as its devices report it, from days that were prepared; here tiny ones of our own."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ops.simulate import kept
from ops.simulate.model import DAY_MS
from ops.simulate.rng import stream
from ops.simulate.water import RAISED_AFTER_MS, ZONE, Water, facility_id
from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass

START = 1_783_267_200_000
STEPS, STEP_S = 288, 300


@pytest.fixture
def water(tmp_path: Path) -> Water:
    path = tmp_path / "water.npz"
    bursts = [{"start_s": 3_600, "end_s": 7_200, "flow_m3h": 20.0, "node": "J-1"}]
    np.savez(
        path,
        time_s=np.arange(STEPS) * STEP_S,
        pressure_kpa=np.arange(STEPS * 2, dtype=float).reshape(STEPS, 2),
        flow_m3h=np.arange(STEPS, dtype=float).reshape(STEPS, 1),
        pressure_names=np.array(["P01", "P02"]),
        flow_names=np.array(["F01"]),
        places=np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]),
        truth=np.array(json.dumps(bursts)),
    )
    return Water.load(path, START)


def test_every_step_is_said_by_every_meter_in_order_for_ever(water: Water) -> None:
    items = list(islice(water.items(), 3 * (STEPS + 2)))
    assert [item.at_ms for item in items] == sorted(item.at_ms for item in items)
    first, *_ = zip(*[iter(items)] * 3, strict=True)
    assert [item.device for item in first] == ["wm-p01", "wm-p02", "wm-f01"]
    assert [(item.values[0].value, item.values[0].unit) for item in first] == [
        (0.0, "kPa"),
        (1.0, "kPa"),
        (0.0, "m3/h"),
    ]
    assert {item.device for item in items} == {b.device for f in water.facilities for b in f.devices}
    seam = items[3 * STEPS : 3 * (STEPS + 1)]
    assert [item.values for item in seam] == [item.values for item in first]
    assert [item.at_ms - water.cycle_ms for item in seam] == [item.at_ms for item in first]
    assert water.cycle_ms == DAY_MS


def test_bursts_come_again_with_every_cycle(water: Water) -> None:
    found = water.incidents(START + 3 * DAY_MS - 1)
    assert [one.start_ms for one in found] == [START + day * DAY_MS + 3_600_000 for day in range(3)]
    assert {(one.kind, one.zone, one.subject) for one in found} == {(AnomalyKind.WATER_BURST, ZONE, None)}
    assert all(one.end_ms - one.start_ms == 3_600_000 for one in found)
    assert all(one.raised_by_ms == one.start_ms + RAISED_AFTER_MS for one in found)
    assert water.incidents(START + 3_599_999) == water.incidents(START - 1) == []


def test_meters_are_registered_with_the_interval_they_keep(water: Water) -> None:
    assert [f.facility_class for f in water.facilities] == [
        FacilityClass.PRESSURE_METER,
        FacilityClass.PRESSURE_METER,
        FacilityClass.FLOW_METER,
    ]
    assert {f.devices[0].interval_s for f in water.facilities} == {float(STEP_S)}
    assert {f.zone for f in water.facilities} == {z.zone for z in water.zones} == {ZONE}
    assert water.numbers(facility_id("P01"))
    assert not water.numbers(facility_id("F01"))


def test_another_start_is_the_same_water_later(water: Water) -> None:
    later = replace(water, start_ms=START + 777)
    both = zip(islice(water.items(), 50), islice(later.items(), 50), strict=True)
    assert all(two == one._replace(at_ms=one.at_ms + 777) for one, two in both)


def test_what_was_not_prepared_says_how(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"python -m ops\.simulate\.prepare"):
        Water.load(tmp_path / "none.npz", START)


def test_another_generator_keeps_its_days_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept.water_file(tmp_path)
    assert before == kept.water_file(tmp_path)
    monkeypatch.setattr(kept, "SEED", kept.SEED + 1)
    assert kept.water_file(tmp_path) != before


def test_streams_are_told_apart_by_name_and_seed() -> None:
    def first(seed: int, *names: object) -> float:
        return float(stream(seed, *names).random())

    assert first(1, "a", 2) == first(1, "a", 2)
    assert len({first(1, "a", 2), first(2, "a", 2), first(1, "b", 2), first(1, "a", 3), first(1, "a")}) == 5
