"""L-Town as its meters would report it: a tiny year of our own, and the real one where it lies beside the project."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.feed.ltown import Ltown
from ops.feed.ltown_network import ORIGIN, ZONE, device_id
from ops.simulate.model import Sample
from ops.water.configure import plan_of
from runtime.errors import FatalError
from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.model import to_ms
from tests.ltown_year import MINUTE, NETWORK, START, year

HOUSES = {"ltown-amr-n1", "ltown-amr-n7"}
REAL = Path(__file__).parents[4] / "shared" / "data" / "ltown" / "ltown_2018"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_rows_become_what_each_meter_says(tmp_path: Path, unit: str) -> None:
    town = Ltown(year(tmp_path, unit))
    assert town.start_ms == START
    said = [sample for sample in town.items() if sample.device not in HOUSES]
    assert len(said) == 4 * 5
    assert said[0] == Sample(START, "ltown-p-n1", (("pressure", 50.0, "m[H2O]"),))  # type: ignore[comparison-overlap]
    assert [(s.device, s.values[0].value) for s in said[5:10]] == [
        ("ltown-p-n1", 50.01),
        ("ltown-f-p227", 12.33),
        ("ltown-f-pump_1", 0.0),
        ("ltown-l-t1", 2.5),
        ("ltown-amr-sum", 0.09),
    ]
    assert [s.at_ms for s in said] == sorted(s.at_ms for s in said)
    assert said[-1].at_ms == START + 15 * MINUTE


def test_a_household_says_what_it_took_in_an_hour_when_the_hour_is_over(tmp_path: Path) -> None:
    town = Ltown(year(tmp_path), shift_ms=500)
    everything = list(town.items())
    assert [s.at_ms for s in everything] == sorted(s.at_ms for s in everything)
    houses = [(s.at_ms - START - 500, s.device, s.values) for s in everything if s.device in HOUSES]
    assert houses == [
        (0, "ltown-amr-n1", (("flow", 0.901, "m3/h"),)),
        (0, "ltown-amr-n7", (("flow", 0.0, "m3/h"),)),
        (60 * MINUTE, "ltown-amr-n1", (("flow", 0.902, "m3/h"),)),
        (60 * MINUTE, "ltown-amr-n7", (("flow", 0.007, "m3/h"),)),
    ]
    later = Ltown(tmp_path / "tiny", START + 5 * MINUTE, START + 60 * MINUTE)
    assert not HOUSES & {s.device for s in later.items()}  # both ends lie outside


def test_a_span_and_a_shift(tmp_path: Path) -> None:
    town = Ltown(year(tmp_path), START + 5 * MINUTE, START + 15 * MINUTE, shift_ms=1_000)
    assert town.start_ms == START + 5 * MINUTE + 1_000
    assert {s.at_ms for s in town.items()} == {START + 5 * MINUTE + 1_000, START + 10 * MINUTE + 1_000}


def test_meters_are_registered_where_the_network_says(tmp_path: Path) -> None:
    town = Ltown(year(tmp_path))
    by_name = {f.facility: f for f in town.facilities}
    assert {name: f.facility_class for name, f in by_name.items()} == {
        "ltown-p-n1": FacilityClass.PRESSURE_METER,
        "ltown-f-p227": FacilityClass.FLOW_METER,
        "ltown-f-pump_1": FacilityClass.FLOW_METER,
        "ltown-l-t1": FacilityClass.WATER_TANK,
        **dict.fromkeys(("ltown-amr-sum", "ltown-amr-n1", "ltown-amr-n7"), FacilityClass.WATER_METER),
    }
    assert {f.zone for f in town.facilities} == {ZONE} == {z.zone for z in town.zones}
    assert all(f.devices[0].device == f.facility for f in town.facilities)
    pipe, pump, node = (by_name[name].place for name in ("ltown-f-p227", "ltown-f-pump_1", "ltown-p-n1"))
    assert (pipe.lon, pipe.lat) == (pump.lon, pump.lat)
    assert node.lon < pipe.lon
    assert node.lat > pipe.lat
    assert {s.device for s in town.items()} <= set(by_name)


def test_the_tank_alone_does_not_number_its_messages() -> None:
    town = Ltown(Path("nowhere"))
    assert town.numbers(device_id("P_n1"))
    assert town.numbers(device_id("F_PUMP_1"))
    assert not town.numbers(device_id("L_T1"))


def test_leaks_that_were_active_are_the_truth(tmp_path: Path) -> None:
    town = Ltown(year(tmp_path), shift_ms=500)
    assert [i.start_ms for i in town.incidents(START + 5 * MINUTE)] == [START - 60 * MINUTE + 500]
    both = town.incidents(START + 11 * MINUTE)
    assert [i.start_ms for i in both] == [START - 60 * MINUTE + 500, START + 10 * MINUTE + 500]
    assert {(i.kind, i.zone) for i in both} == {(AnomalyKind.WATER_BURST, ZONE)}
    assert all(i.raised_by_ms == i.end_ms for i in both)


def test_its_meters_are_sensors_of_the_network(tmp_path: Path) -> None:
    town = Ltown(year(tmp_path))
    said = {meter.facility: (meter.role.value, meter.element, meter.area) for meter in town.sensors.sensor}
    assert said == {
        "ltown-p-n1": ("pressure", "n1", "C"),  # hangs together with the tank by pipes
        "ltown-f-p227": ("inlet", "p227", None),
        "ltown-f-pump_1": ("pump", "PUMP_1", "C"),
        "ltown-l-t1": ("tank_level", "T1", "C"),
        "ltown-amr-sum": ("consumption", None, "C"),
        "ltown-amr-n1": ("consumption", "n1", "C"),
        "ltown-amr-n7": ("consumption", "n7", "C"),
    }
    inp = town.town.inp
    wanted = plan_of(town.sensors, inp, town.town.network, tmp_path, register=False)
    assert (wanted.network.zone, wanted.network.currency) == (ZONE, "EUR")
    assert {sensor.facility for sensor in wanted.network.sensors} == {one.facility for one in town.facilities}
    assert wanted.build is not None


def test_a_town_without_a_network_is_told_apart_by_the_names_of_its_columns(tmp_path: Path) -> None:
    folder = year(tmp_path)
    (tmp_path / "L-TOWN.inp").unlink()
    town = Ltown(folder)
    assert {(f.place.lon, f.place.lat) for f in town.facilities} == {ORIGIN}
    roles = {meter.facility: meter.role.value for meter in town.sensors.sensor}
    assert (roles["ltown-f-p227"], roles["ltown-f-pump_1"]) == ("inlet", "pump")
    elsewhere = tmp_path / "other.inp"
    elsewhere.write_text(NETWORK)
    assert Ltown(folder, network_file=elsewhere).town.inp == elsewhere
    with pytest.raises(FatalError, match=r"nowhere\.inp"):
        _ = Ltown(folder, network_file=tmp_path / "nowhere.inp").facilities


@pytest.mark.parametrize("missing", ["scada_5min_centi.parquet", "amr_hourly_litres.parquet", "leaks.csv"])
def test_a_missing_file_is_named_before_anything_is_fed(tmp_path: Path, missing: str) -> None:
    folder = year(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(FatalError, match=missing):
        _ = Ltown(folder).start_ms


@pytest.mark.parametrize("rows", [0, 4])
def test_an_empty_span_is_an_error(tmp_path: Path, rows: int) -> None:
    with pytest.raises(FatalError, match="no rows"):
        _ = Ltown(year(tmp_path, rows=rows), START + 86_400_000).start_ms
    if rows == 0:
        with pytest.raises(FatalError, match="no rows"):
            _ = Ltown(tmp_path / "tiny").start_ms


@pytest.mark.skipif(not REAL.is_dir(), reason="the data of L-Town-R lies beside the project only where it is developed")
def test_the_real_year() -> None:
    from itertools import islice

    pytest.importorskip("pyarrow", reason="reading parquet needs the extra `data`")
    town = Ltown(REAL, to_ms(datetime(2018, 1, 20, tzinfo=UTC)))
    assert town.start_ms == to_ms(datetime(2018, 1, 20, tzinfo=UTC))
    meters = {f.facility for f in town.facilities}
    assert len(meters) == 37 + 83  # 33 pressures, 3 flows, 1 level; the households and their sum
    first = list(islice(town.items(), 38 + 82 + 38))
    assert {s.device for s in first[: 38 + 82]} == meters  # at midnight an hour is over
    step = [s for s in first if "-amr-" not in s.device]
    assert step[37].at_ms - step[0].at_ms == 300_000
    assert Counter(meter.role.value for meter in town.sensors.sensor) == {
        "pressure": 33,
        "inlet": 2,
        "pump": 1,
        "tank_level": 1,
        "consumption": 83,
    }
    assert {m.element for m in town.sensors.sensor if m.role == "pressure" and m.area} == {"n1", "n4", "n31"}
    pressures = [v.value for s in step for v in s.values if v.observed_property == "pressure"]
    assert all(10 < p < 120 for p in pressures)
    assert len({(f.place.lon, f.place.lat) for f in town.facilities}) > 30  # the network says where they stand
    assert len(town.incidents(to_ms(datetime(2019, 1, 1, tzinfo=UTC)))) == 14
