"""Signatures from an EPANET file made here: two streets behind one main, and an area behind a tank."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("wntr", reason="signatures need the extra `sim`")

from ops.water.signatures import Sensed, network_model
from processors.leak.network import Basis, NetworkModel

pytestmark = pytest.mark.filterwarnings("ignore")

SENSORS = [
    Sensed("in", "inlet", "main"),
    Sensed("west", "pressure", "w2"),
    Sensed("east", "pressure", "e2"),
    Sensed("hill", "pressure", "h2"),
    Sensed("lift", "pump", "PU"),
    Sensed("level", "tank_level", "T"),
    Sensed("used", "consumption", None),
]


def town(folder: Path) -> Path:
    import wntr

    made: Any = wntr.network
    net = made.WaterNetworkModel()
    net.options.hydraulic.inpfile_units = "CMH"
    net.options.time.duration = 24 * 3600
    net.add_pattern(
        "day", [0.3, 0.2, 0.2, 0.2, 0.3, 0.5, 0.8, 1.2, 1.5, 1.4, 1.3, 1.3, *[1.2] * 6, 1.4, 1.5, 1.2, 0.9, 0.6, 0.4]
    )
    net.add_reservoir("R", base_head=80.0, coordinates=(0, 0))
    net.add_tank("T", elevation=90.0, init_level=3, min_level=0, max_level=5, diameter=12, coordinates=(900, 900))
    for name, x, y, demand in (
        ("j", 300, 0, 0.0), ("w1", 300, 300, 0.002), ("w2", 300, 600, 0.002), ("e1", 600, 0, 0.002),
        ("e2", 900, 0, 0.002), ("h1", 900, 1200, 0.001), ("h2", 900, 1500, 0.001),
    ):  # fmt: skip
        net.add_junction(name, base_demand=demand, demand_pattern="day", elevation=20.0, coordinates=(x, y))
    for name, a, b in (
        ("main", "R", "j"), ("pw1", "j", "w1"), ("pw2", "w1", "w2"), ("pe1", "j", "e1"), ("pe2", "e1", "e2"),
        ("ph1", "T", "h1"), ("ph2", "h1", "h2"),
    ):  # fmt: skip
        net.add_pipe(name, a, b, length=300, diameter=0.15, roughness=120)
    net.add_curve("c", "HEAD", [(0.005, 40.0)])
    net.add_pump("PU", "w2", "T", pump_type="HEAD", pump_parameter="c")
    path = folder / "town.inp"
    wntr.network.io.write_inpfile(net, str(path), units="CMH")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> NetworkModel:
    return network_model(town(tmp_path_factory.mktemp("town")), SENSORS)


def test_areas_are_what_answers_together(model: NetworkModel) -> None:
    assert [(area.basis, area.pressures) for area in model.areas] == [
        (Basis.INFLOW, ("west", "east")),
        (Basis.CONSUMPTION, ("hill",)),
    ]
    assert model.areas[1].tank_m2 == pytest.approx(np.pi * 36)


def test_a_leak_lowers_most_the_sensor_of_its_street(model: NetworkModel) -> None:
    area = model.areas[0]
    at_peak = area.signatures[0] + area.signatures[1]
    row = {model.pipes[int(pipe)]: at_peak[i] for i, pipe in enumerate(area.candidates)}
    assert row["pw2"][0] < row["pw2"][1] < 0
    assert row["pe2"][1] < row["pe2"][0] < 0
    assert row["pw2"][2] == pytest.approx(1.0, abs=0.01)  # what leaks flows in


def test_signatures_grow_with_the_load(model: NetworkModel) -> None:
    assert (model.areas[0].signatures[1, :, :2] < 0).all()


def test_middles_are_measured_along_the_pipes(model: NetworkModel) -> None:
    at = {name: i for i, name in enumerate(model.pipes)}
    assert model.distances_m[at["pw1"], at["pw2"]] == 300
    assert model.distances_m[at["pw2"], at["pe2"]] == 900
    assert model.distances_m[at["pw1"], at["pw1"]] == 0
    np.testing.assert_array_equal(model.distances_m, model.distances_m.T)


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = town(tmp_path)
    assert network_model(path, SENSORS).to_bytes() == network_model(path, SENSORS).to_bytes()
