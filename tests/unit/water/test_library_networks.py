"""Bursts in networks that others made: from the EPANET file, as `eyes water configure` does it, to a pipe nearby.

Their tanks are held at the level at which they begin, and their pumps run as they do then: a metered area whose sources
are all measured. The larger network is made smaller by merging its thin pipes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ops.water.model import build_model
from processors.leak.core import LeakCore
from processors.leak.network import NetworkModel
from schemas.water import WaterRole, WaterSensor
from tests.small_town import PER_DAY, Leak, readings, simulate

wntr: Any = pytest.importorskip("wntr", reason="signatures need the extra `sim`")

FIRST = 17_532 * PER_DAY
DAYS = 7
AT = 6 * PER_DAY + 60  # before the seventh day nothing is judged


def network(name: str) -> Any:
    """Of wntr's library."""
    made = wntr.network.WaterNetworkModel(str(Path(wntr.__file__).parent / "library" / "networks" / f"{name}.inp"))
    for control in list(made.control_name_list):
        made.remove_control(control)
    for name_of_tank in list(made.tank_name_list):
        tank = made.get_node(name_of_tank)
        at = f"R{name_of_tank}"
        made.add_reservoir(at, base_head=tank.elevation + tank.init_level, coordinates=tank.coordinates)
        for link in map(made.get_link, made.get_links_for_node(name_of_tank)):
            end = "start_node" if link.start_node_name == name_of_tank else "end_node"
            setattr(link, end, made.get_node(at))
        made.remove_node(name_of_tank)
    if name == "ky4":
        made.options.time.duration = 0
        made = wntr.morph.skeletonize(made, 0.41)
    return made


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "every", "junction", "flow", "within_m"),
    [
        pytest.param("Net3", 3, "147", 60.0, 300, id="Net3"),
        pytest.param("ky4", 8, "J-235", 20.0, 600, id="ky4"),
    ],
)
def test_a_burst_is_found_near_its_pipe(
    name: str,
    every: int,
    junction: str,
    flow: float,
    within_m: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # merging pipes leaves files behind
    inp = tmp_path / f"{name}.inp"
    plain = network(name)
    wntr.network.write_inpfile(plain, str(inp), units="GPM")  # as the library has it: nothing is metric
    pressures = [one for one, node in plain.junctions() if node.base_demand > 0][::every]
    flows = [link for source in plain.reservoir_name_list for link in plain.get_links_for_node(source)]
    sensors = [
        *(_sensor(f"p-{one}", "pressure", WaterRole.PRESSURE, one) for one in pressures),
        *(_sensor(f"f-{one}", "flow", WaterRole.INLET, one) for one in flows),
    ]
    model = NetworkModel.from_bytes(build_model(inp, sensors, lambda x, y: (x / 1e6, y / 1e6)))
    values = readings(simulate(plain, DAYS, (Leak(junction, AT, DAYS * PER_DAY, flow),)), pressures, flows)
    ways = np.where(values[:, len(pressures) :].mean(axis=0) < 0, -1.0, 1.0)  # meters count what flows in
    values[:, len(pressures) :] *= ways
    core = LeakCore(model)
    at = [[sensor.key for sensor in sensors].index(key) for key in core.sensors]
    alarms = [alarm for row, reading in enumerate(values[:, at]) for alarm in core.tick(FIRST + row, reading)]
    (burst,) = alarms
    there = [model.pipes.index(link) for link in plain.get_links_for_node(junction) if link in model.pipes]
    assert burst.kind == "burst"
    assert 0 <= burst.tick - FIRST - AT <= 24
    assert min(model.distances_m[burst.pipe, pipe] for pipe in there) <= within_m
    assert burst.flow == pytest.approx(flow, rel=0.3)


def _sensor(facility: str, observed: str, role: WaterRole, element: str) -> WaterSensor:
    return WaterSensor(facility=facility, observed_property=observed, role=role, element=element)
