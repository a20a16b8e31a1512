"""What is configured from a folder, without a log: checks, registrations, and what is told when."""

import sys
from pathlib import Path
from typing import Any

import pytest
from test_water_files import INP, meter

from ops.registry.load import LoadReport
from ops.registry.store import Registered
from ops.water import configure as configuring
from ops.water.configure import Configuration, configure, plan, unregistered
from ops.water.model import build_model
from runtime.errors import FatalError
from runtime.settings import Settings
from schemas.chunks import digest_of
from schemas.facility import Facility, FacilityClass
from schemas.registry import ZoneConfigured

HEAD = 'zone = "dma:1"\norigin = [113.85, 34.03]\ninterval_s = 300\n'
MODEL = b"the model"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "town.inp").write_bytes(INP.encode("latin-1"))
    says(tmp_path, meter("inlet", "p1") + meter("pressure", "n2"))
    return tmp_path


def says(folder: Path, text: str, head: str = HEAD) -> None:
    (folder / "sensors.toml").write_text(head + text)


class Log:
    """What there is, and what is written to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registered = Registered()
        self.models: set[str] = set()
        self.said: list[Any] = []
        monkeypatch.setattr(configuring, "kafka_explained", _as_it_is)
        monkeypatch.setattr(configuring, "read_registered", lambda _: self.registered)
        monkeypatch.setattr(configuring, "is_written", lambda _, digest: digest in self.models)
        monkeypatch.setattr(configuring, "write_model", self._write)
        monkeypatch.setattr(configuring, "load_registry", self._load)
        monkeypatch.setattr(configuring, "build_model", self._build)

    def _write(self, _settings: Settings, data: bytes) -> int:
        self.models.add(digest_of(data))
        self.said.append(data)
        return 1

    def _load(self, _settings: Settings, facilities: Any, zones: Any, **more: Any) -> LoadReport:
        self.said.append(([one.facility for one in facilities], [one.zone for one in zones], more))
        return LoadReport(dry_run=more["dry_run"])

    def _build(self, inp: Path, sensors: Any, position: Any) -> bytes:
        assert (inp.name, len(sensors), position(0, 0)) == ("town.inp", 2, (113.85, 34.03))
        return MODEL

    def configure(self, wanted: Configuration, **more: bool) -> Any:
        self.said = []
        done = configure(Settings.model_construct(kafka=None, site="here"), wanted, **more)
        return done, self.said


class _as_it_is:  # noqa: N801 - stands in for a function
    def __init__(self, _: object) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


def test_the_model_stands_in_the_log_before_the_network_that_names_it(folder: Path, log: Log) -> None:
    done, said = log.configure(plan(folder, register=True))
    assert said[0] == MODEL
    facilities, zones, more = said[1]
    assert (facilities, zones) == (["f-inlet-p1", "f-pressure-n2"], ["dma:1"])
    assert [one.model for one in more["networks"]] == [digest_of(MODEL)]
    assert more["again"] is True  # some fold may have looked for it in vain
    assert (done.model, done.model_bytes, done.chunks) == (digest_of(MODEL), len(MODEL), 1)
    again, said = log.configure(plan(folder, register=True))
    assert [type(one) for one in said] == [tuple]
    assert (again.chunks, said[0][2]["again"]) == (0, False)


def test_a_dry_run_writes_nothing(folder: Path, log: Log) -> None:
    _, said = log.configure(plan(folder, register=True), dry_run=True)
    assert [more["dry_run"] for _, _, more in said] == [True]
    assert log.models == set()


def test_registered_meters_stay_as_they_are(folder: Path, log: Log) -> None:
    wanted = plan(folder, register=True)
    one, two = wanted.facilities
    assert wanted.zone is not None
    log.registered = Registered({one.facility: one.model_copy(update={"name": "Gate 7"})}, {"dma:1": wanted.zone})
    _, said = log.configure(wanted)
    assert said[-1][:2] == ([two.facility], [])


def test_facilities_stand_where_the_model_says(folder: Path) -> None:
    says(folder, meter("inlet", "p1") + 'device = "d1"\ninterval_s = 900\n' + meter("pressure", "n2"))
    wanted = plan(folder, register=True)
    inlet, pressure = wanted.facilities
    assert (inlet.facility_class, pressure.facility_class) == (FacilityClass.FLOW_METER, FacilityClass.PRESSURE_METER)
    assert (inlet.devices[0].device, inlet.devices[0].interval_s) == ("d1", 900)
    assert (pressure.devices[0].device, pressure.devices[0].interval_s) == ("f-pressure-n2", 300)
    assert (inlet.place.lon, inlet.place.lat) == (113.850541, 34.03)
    assert pressure.place.lat > inlet.place.lat
    there = plan(folder, origin=(10.0, 50.0), register=True)
    assert there.facilities[0].place.lat == 50.0


def test_a_meter_of_two_properties_is_one_facility(folder: Path) -> None:
    level = meter("tank_level", "T1").replace("f-tank_level-T1", "f-inlet-p1")
    says(folder, meter("inlet", "p1") + level)
    (one,) = plan(folder, register=True).facilities
    assert [binding.properties for binding in one.devices] == [("flow", "water_level")]
    says(folder, meter("inlet", "p1") + level + 'device = "other"\n')
    (one,) = plan(folder, register=True).facilities
    assert [(b.device, b.properties) for b in one.devices] == [
        ("f-inlet-p1", ("flow",)),
        ("other", ("water_level",)),
    ]


def test_what_is_not_registered_is_listed(folder: Path) -> None:
    wanted = plan(folder)
    assert len(list(unregistered(wanted, Registered()))) == 3  # the zone, too
    made = plan(folder, register=True)
    assert made.zone is not None
    assert list(unregistered(made, Registered())) == []
    one, two = made.facilities
    zones: dict[str, ZoneConfigured] = {"dma:1": made.zone}

    def told(**changed: Any) -> list[str]:
        facilities: dict[str, Facility] = {one.facility: one.model_copy(update=changed), two.facility: two}
        return list(unregistered(wanted, Registered(facilities, zones)))

    assert told() == []
    assert told(zone="dma:2") == ["facility f-inlet-p1 is in zone dma:2, not in dma:1"]
    assert told(devices=two.devices) == ["no device of facility f-inlet-p1 speaks of flow"]
    assert told(facility_class=FacilityClass.WASTE_BIN) == [
        "facility f-inlet-p1 is a waste_bin, which measures no water"
    ]


def test_nothing_is_made_or_written_for_what_is_not_registered(folder: Path, log: Log) -> None:
    with pytest.raises(FatalError, match="facility f-inlet-p1 is not registered"):
        log.configure(plan(folder))
    assert log.said == []
    assert log.models == set()


def test_without_a_network_leaks_are_looked_for_without_one(folder: Path, log: Log) -> None:
    for wanted in (plan(folder, register=True, model=False), _without_inp(folder)):
        assert wanted.build is None
    (folder / "town.inp").write_bytes(INP.encode("latin-1"))
    done, said = log.configure(plan(folder, register=True, model=False))
    assert done.model is None
    assert [one.model for one in said[0][2]["networks"]] == [None]


def _without_inp(folder: Path) -> Configuration:
    (folder / "town.inp").unlink()
    with pytest.raises(FatalError, match="eyes registry load"):
        plan(folder, register=True)
    return plan(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (meter("inlet", "p9"), "does not fit .*town.inp"),
        (meter("inlet", "p1") * 2, "flow of f-inlet-p1 stands there 2 times"),
        (meter("inlet", "p1").replace("f-inlet", "f inlet"), "facility"),
        (meter("inlet", "p1") + 'area = "a b"\n', "area"),
    ],
)
def test_what_is_wrong_with_sensors_is_said_by_file(folder: Path, text: str, said: str) -> None:
    says(folder, text)
    with pytest.raises(FatalError, match=said) as told:
        plan(folder)
    assert "sensors.toml" in str(told.value)


def test_coordinates_are_looked_at_before_a_model_is_made(folder: Path) -> None:
    says(folder, meter("inlet", "p1"), 'zone = "dma:1"\n')
    with pytest.raises(FatalError, match="--origin"):
        plan(folder)


def test_what_is_weak_is_noted(folder: Path) -> None:
    assert plan(folder).warnings == ()
    says(folder, meter("pump", "PU1") + '[[sensor]]\nrole = "outlet"\nfacility = "x"\n')
    warnings = "\n".join(plan(folder).warnings)
    assert all(
        part in warnings for part in ("no sensor of role inlet", "of role pressure", "sensor.1 (x) has no element")
    )
    says(
        folder, meter("inlet", "p1") + '[[sensor]]\nrole = "consumption"\nfacility = "sum"\n' + meter("pressure", "n1")
    )
    assert plan(folder).warnings == ()


def test_two_networks_in_a_folder_are_one_too_many(folder: Path) -> None:
    (folder / "OLD.INP").write_text("")
    with pytest.raises(FatalError, match=r"OLD\.INP, town\.inp"):
        plan(folder)
    with pytest.raises(FatalError, match="is no folder"):
        configuring.find_inp(folder / "nowhere")


def test_a_build_that_cannot_make_models_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ops.water.signatures", None)
    with pytest.raises(FatalError, match="--without-model"):
        build_model(folder / "town.inp", (), lambda x, y: (x, y))
