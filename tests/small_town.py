"""Water networks simulated with EPANET, and a small one in the format of L-Town-R: the same numbers every time."""

from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from processors.leak.network import NetworkModel
from schemas.model import to_ms

Floats = npt.NDArray[np.float64]

STEP_S: Final = 300
PER_DAY: Final = 86_400 // STEP_S
START: Final = to_ms(datetime(2018, 1, 1, tzinfo=UTC))
SIDE: Final = 5
SENSED: Final = ("n00", "n04", "n12", "n22", "n31", "n40", "n44")
INLETS: Final = ("p_west", "p_east")


@dataclass(frozen=True)
class Leak:
    """So much is lost at a junction from one tick to another, in m3/h, and so much more every day."""

    junction: str
    start: int
    end: int
    flow: float
    more_a_day: float = 0.0

    def course(self, count: int) -> Floats:
        """What is lost at each of so many ticks."""
        course = np.zeros(count)
        age = np.arange(len(course[self.start : self.end])) / PER_DAY
        course[self.start : self.end] = self.flow + self.more_a_day * age
        return course


def small_network() -> Any:
    """A square of 5 x 5 junctions 150 m apart, fed by two reservoirs at opposite corners; 40 pipes and two mains."""
    wntr = pytest.importorskip("wntr", reason="simulating a network needs the extra `sim`")
    network = wntr.network.WaterNetworkModel()
    network.options.hydraulic.inpfile_units = "CMH"
    network.add_pattern("day", [0.4, 0.35, 0.3, 0.35, 0.6, 1.0, 1.5, 1.6, 1.3, 1.1, 1.0, 1.1] * 2)
    for row in range(SIDE):
        for column in range(SIDE):
            network.add_junction(
                f"n{row}{column}",
                base_demand=2.0 / 3600,
                demand_pattern="day",
                elevation=10.0 + row + column,
                coordinates=(150.0 * column, 150.0 * row),
            )
    for name, head, at, to in (("R1", 60.0, (-300.0, 0.0), "n00"), ("R2", 60.0, (900.0, 600.0), "n44")):
        network.add_reservoir(name, base_head=head, coordinates=at)
        network.add_pipe(INLETS[name == "R2"], name, to, length=300, diameter=0.2, roughness=110)
    for row in range(SIDE):
        for column in range(SIDE):
            for name, to in ((f"h{row}{column}", (row, column + 1)), (f"v{row}{column}", (row + 1, column))):
                if max(to) < SIDE:
                    ends = (f"n{row}{column}", f"n{to[0]}{to[1]}")
                    network.add_pipe(name, *ends, length=150, diameter=0.08, roughness=110)
    return network


@cache
def small_model() -> NetworkModel:
    """Its model, with the meters by the names of where they are."""
    wntr = pytest.importorskip("wntr", reason="simulating a network needs the extra `sim`")
    from ops.water.signatures import Sensed, network_model

    sensed = [*(Sensed(name, "pressure", name) for name in SENSED), *(Sensed(name, "inlet", name) for name in INLETS)]
    with TemporaryDirectory() as folder:
        inp = Path(folder) / "town.inp"
        wntr.network.write_inpfile(small_network(), str(inp), units="CMH")
        return NetworkModel.from_bytes(network_model(inp, sensed).to_bytes())


def simulate(network: Any, days: int, leaks: Sequence[Leak] = (), seed: int = 11) -> Any:
    """Steady states of every tick: each junction's demand wanders about its pattern, leaks take what they take.

    Patterns of the network are changed in place; use a network once.
    """
    wntr = pytest.importorskip("wntr")
    count = days * PER_DAY
    chance = np.random.default_rng(seed)
    for name, pattern in demand_courses(network, count, chance).items():
        junction = network.get_node(name)
        base = junction.demand_timeseries_list[0].base_value
        del junction.demand_timeseries_list[0]
        network.add_pattern(f"own-{name}", pattern)
        junction.add_demand(base, f"own-{name}")
    for number, leak in enumerate(leaks):
        network.add_pattern(f"leak-{number}", leak.course(count))
        network.get_node(leak.junction).add_demand(1.0 / 3600, f"leak-{number}")
    time = network.options.time
    time.duration = (count - 1) * STEP_S
    time.hydraulic_timestep = time.pattern_timestep = time.report_timestep = STEP_S
    time.pattern_start = time.report_start = 0
    with TemporaryDirectory() as folder, chdir(folder):
        return wntr.sim.EpanetSimulator(network).run_sim(file_prefix=f"{folder}/town")


def demand_courses(network: Any, count: int, chance: np.random.Generator) -> Mapping[str, Floats]:
    """Per junction that takes water the multiplier at every tick: its pattern, smoothed, times what people do."""
    courses = {}
    common = 1 + 0.03 * chance.standard_normal(count)
    step_s = network.options.time.pattern_timestep
    for name, junction in network.junctions():
        if not junction.demand_timeseries_list or junction.demand_timeseries_list[0].base_value == 0:
            continue
        pattern = junction.demand_timeseries_list[0].pattern
        shape = np.ones(1) if pattern is None else np.asarray(pattern.multipliers, dtype=np.float64)
        place = np.arange(count) * STEP_S / step_s
        smooth = np.interp(place % len(shape), np.arange(len(shape) + 1), np.append(shape, shape[0]))
        courses[name] = np.maximum(smooth * common * (1 + 0.15 * chance.standard_normal(count)), 0.0)
    return courses


def readings(results: Any, pressures: Sequence[str], flows: Sequence[str]) -> Floats:
    """``[tick, sensor]`` as meters give it: m and m3/h with two digits."""
    columns = [results.node["pressure"][name].to_numpy() for name in pressures]
    columns += [results.link["flowrate"][name].to_numpy() * 3600 for name in flows]
    return np.round(np.column_stack(columns).astype(np.float64), 2)


def small_town(folder: Path, days: int, *leaks: Leak) -> Path:
    """A folder like those of L-Town-R, the network's file beside it."""
    pa: Any = pytest.importorskip("pyarrow", reason="writing parquet needs the extra `data`")
    wntr = pytest.importorskip("wntr")
    from pyarrow import parquet

    own = folder / "small"
    own.mkdir()
    network = small_network()
    wntr.network.write_inpfile(network, str(folder / "L-TOWN.inp"), units="CMH")
    values = readings(simulate(network, days, leaks), SENSED, INLETS)
    stamps = pa.array([START // 1000 + STEP_S * row for row in range(len(values))], pa.timestamp("s"))
    names = [*(f"P_{name}" for name in SENSED), *(f"F_{name}" for name in INLETS)]
    columns = {name: pa.array(np.rint(values[:, i] * 100), pa.int16()) for i, name in enumerate(names)}
    parquet.write_table(pa.table({**columns, "timestamp": stamps}), own / "scada_5min_centi.parquet")
    parquet.write_table(pa.table({"timestamp": stamps[:0]}), own / "amr_hourly_litres.parquet")
    links = [pipe_at(network, leak.junction) for leak in leaks]
    outflow = {
        link: np.rint(leak.course(len(values)) * 100).astype(np.int16) for link, leak in zip(links, leaks, strict=True)
    }
    parquet.write_table(pa.table(outflow), own / "leak_outflow_5min_centi_m3h.parquet")
    lines = ["link,start,end,diameter_m,type,peak,area"]
    for link, leak in zip(links, leaks, strict=True):
        start, end = (
            datetime.fromtimestamp(START / 1000 + STEP_S * tick, UTC).strftime("%Y-%m-%d %H:%M")
            for tick in (leak.start, leak.end)
        )
        lines.append(f"{link},{start},{end},0.02,{'incipient' if leak.more_a_day else 'abrupt'},{start},A")
    (own / "leaks.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return own


def pipe_at(network: Any, junction: str) -> str:
    """A pipe that ends there."""
    return str(network.get_links_for_node(junction)[0])
