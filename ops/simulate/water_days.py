"""Days of a water network with bursts, simulated with EPANET (the only module that needs ``wntr``).

The network is ky4 of the University of Kentucky's set, which ``wntr`` ships: about 960 junctions and 236 m3/h. Its
pumps and four tanks are replaced by two metered inlets of constant head, so it becomes what utilities call a district
metered area: what flows in is what is used or lost, and no state is carried from one step to the next. All forcing is
periodic over the whole span, so the last step leads into the first without a seam and the days can repeat for ever.
"""

import io
import tempfile
import warnings
from contextlib import chdir, redirect_stderr
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ops.simulate.rng import stream

Floats = npt.NDArray[np.float64]

STEP_S: Final = 300
DAYS: Final = 6
STEPS: Final = DAYS * 86_400 // STEP_S
STEPS_A_DAY: Final = 86_400 // STEP_S

INLETS: Final = ("T-3", "T-4")  # the two high tanks, whose mains become the inlets
TANKS: Final = ("T-1", "T-2", "T-3", "T-4")
INLET_HEAD_M: Final = 252.0
KPA_PER_M: Final = 9.80665
MAINS_M: Final = (0.15, 0.26)  # diameters of distribution mains
SENSORS: Final = 16
DEMAND_GROUPS: Final = 12
PATTERN_WEIGHT: Final = 0.6  # the network's own daily pattern, softened: a city sleeps less deeply than a county

PRESSURE_NOISE_KPA: Final = 0.4
FLOW_NOISE: Final = 0.004  # of the value
DAY_LEVEL_SD: Final = 0.012
GROUP_NOISE_SD: Final = 0.03


@dataclass(frozen=True, slots=True)
class Burst:
    """A pipe that breaks at once and is repaired at once; ``share`` of the mean inflow is lost through it."""

    start_s: int
    end_s: int
    share: float
    quantile: float  # where along the sensors' pressure response it lies; chosen by name, not by luck


BURSTS: Final = (
    Burst(start_s=108_000, end_s=144_000, share=0.12, quantile=0.35),
    Burst(start_s=318_000, end_s=361_800, share=0.10, quantile=0.7),
)


@dataclass(frozen=True, slots=True)
class WaterDays:
    """What the meters would have written down, and the truth."""

    time_s: npt.NDArray[np.int64]
    pressure_kpa: Floats  # [steps, sensors]
    flow_m3h: Floats  # [steps, meters]
    pressure_names: tuple[str, ...]
    flow_names: tuple[str, ...]
    places: dict[str, tuple[float, float]]
    """Where in the network's own plane each sensor and meter stands, scaled to the unit square."""
    bursts: tuple[dict[str, Any], ...]


def simulate(seed: int) -> WaterDays:
    """Run EPANET over all days; about ten seconds.

    Raises:
        ImportError: ``wntr`` is not installed (the extra ``sim``).
    """
    wntr: Any = import_module("wntr")  # heavy, untyped, and only needed at set-up

    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        network = _district(wntr)
        sensors = _spread(network, SENSORS)
        pipes = _burst_pipes(network)
        _force(network, seed)
        mean_m3h = _mean_inflow(network)
        for number, (burst, node) in enumerate(zip(BURSTS, pipes, strict=True)):
            _break(network, node, burst, mean_m3h, number)
        with tempfile.TemporaryDirectory() as scratch, chdir(scratch):  # where EPANET keeps files of its own
            result = wntr.sim.EpanetSimulator(network).run_sim(file_prefix=str(Path(scratch) / "ky4"))
    pressure = result.node["pressure"][sensors].to_numpy(np.float64)[:STEPS] * KPA_PER_M
    mains = [network.get_links_for_node(inlet)[0] for inlet in INLETS]
    flow = np.abs(result.link["flowrate"][mains].to_numpy(np.float64)[:STEPS]) * 3600
    rng = stream(seed, "water", "sensor noise")
    pressure += rng.normal(0, PRESSURE_NOISE_KPA, pressure.shape)
    flow *= 1 + rng.normal(0, FLOW_NOISE, flow.shape)
    return WaterDays(
        time_s=np.arange(STEPS, dtype=np.int64) * STEP_S,
        pressure_kpa=np.round(pressure, 1),
        flow_m3h=np.round(flow, 1),
        pressure_names=tuple(f"P{i + 1:02d}" for i in range(len(sensors))),
        flow_names=tuple(f"F{i + 1:02d}" for i in range(len(mains))),
        places=_places(network, sensors, INLETS),
        bursts=tuple(
            {"start_s": b.start_s, "end_s": b.end_s, "flow_m3h": round(b.share * mean_m3h, 1), "node": node}
            for b, node in zip(BURSTS, pipes, strict=True)
        ),
    )


def _district(wntr: Any) -> Any:
    """ky4 without pumps, tanks and controls, fed by two inlets."""
    inp = Path(wntr.__file__).parent / "library" / "networks" / "ky4.inp"
    network = wntr.network.WaterNetworkModel(str(inp))
    for name in list(network.control_name_list):
        network.remove_control(name)
    for name in list(network.pump_name_list):
        network.remove_link(name)
    for tank in TANKS:
        where = network.get_node(tank).coordinates
        mains = [network.get_link(name) for name in network.get_links_for_node(tank)]
        shapes = [(m.name, m.start_node_name, m.end_node_name, m.length, m.diameter, m.roughness) for m in mains]
        for main in mains:
            network.remove_link(main.name)
        network.remove_node(tank)
        if tank in INLETS:
            network.add_reservoir(tank, base_head=INLET_HEAD_M, coordinates=where)
            for shape in shapes:
                network.add_pipe(*shape)
    time = network.options.time
    time.duration = STEPS * STEP_S
    time.hydraulic_timestep = time.pattern_timestep = time.report_timestep = STEP_S
    time.pattern_start = 0
    return network


def _users(network: Any) -> list[str]:
    return [name for name in network.junction_name_list if network.get_node(name).base_demand > 0]


def _spread(network: Any, count: int) -> list[str]:
    """Junctions with users that lie far from each other: each next one is the farthest from all before."""
    users = _users(network)
    xy = np.array([network.get_node(name).coordinates for name in users])
    chosen = [int(np.argmin(np.hypot(*(xy - xy.mean(axis=0)).T)))]
    while len(chosen) < count:
        distance = np.min([np.hypot(*(xy - xy[c]).T) for c in chosen], axis=0)
        chosen.append(int(np.argmax(distance)))
    return sorted(users[c] for c in chosen)


def _burst_pipes(network: Any) -> list[str]:
    """The junction at the end of the pipe that breaks, one for each burst: on distribution mains of 150 mm and more."""
    ends = [network.get_node(p.end_node_name) for _, p in network.pipes() if MAINS_M[0] <= p.diameter <= MAINS_M[1]]
    xs = sorted((node.coordinates[0], node.name) for node in ends if node.node_type == "Junction")
    return [xs[int(burst.quantile * (len(xs) - 1))][1] for burst in BURSTS]


def _force(network: Any, seed: int) -> None:
    """Give every user one of a few demand patterns: the daily curve, the day's level, and slow noise of its group."""
    daily = np.asarray(network.get_pattern("1").multipliers, dtype=np.float64)
    hours = np.arange(STEPS_A_DAY) * 24 / STEPS_A_DAY
    curve = np.interp(hours, np.arange(25), np.append(daily, daily[0]))
    curve = PATTERN_WEIGHT * _smooth(curve / curve.mean(), 9) + 1 - PATTERN_WEIGHT
    levels = 1 + stream(seed, "water", "days").normal(0, DAY_LEVEL_SD, DAYS)
    level = _smooth(np.repeat(levels, STEPS_A_DAY), STEPS_A_DAY // 2 | 1)
    groups = stream(seed, "water", "groups").integers(0, DEMAND_GROUPS, len(users := _users(network)))
    for group in range(DEMAND_GROUPS):
        rng = stream(seed, "water", "group", group)
        shift = int(rng.integers(-4, 5))
        noise = _smooth(rng.normal(0, 1, STEPS), 7)
        noise *= GROUP_NOISE_SD / noise.std()
        network.add_pattern(f"g{group}", np.roll(np.tile(curve, DAYS), shift) * level * (1 + noise))
    for name, group in zip(users, groups, strict=True):
        network.get_node(name).demand_timeseries_list[0].pattern_name = f"g{group}"


def _smooth(values: Floats, width: int) -> Floats:
    """The centred moving average of a periodic series; ``width`` is odd."""
    half = width // 2
    padded = np.concatenate([values[-half:], values, values[:half]])
    return np.convolve(padded, np.ones(width) / width, mode="valid")


def _mean_inflow(network: Any) -> float:
    return float(sum(network.get_node(name).base_demand for name in _users(network)) * 3600)


def _break(network: Any, node: str, burst: Burst, mean_m3h: float, number: int) -> None:
    """Add the lost water as a demand that begins and ends at once."""
    steps = np.arange(STEPS) * STEP_S
    network.add_pattern(f"burst{number}", ((steps >= burst.start_s) & (steps < burst.end_s)).astype(float))
    network.get_node(node).add_demand(burst.share * mean_m3h / 3600, f"burst{number}")


def _places(network: Any, sensors: list[str], inlets: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    xy = np.array([network.get_node(name).coordinates for name in (*sensors, *inlets)])
    span = float((xy.max(axis=0) - xy.min(axis=0)).max())
    unit = (xy - xy.min(axis=0)) / span
    names = [f"P{i + 1:02d}" for i in range(len(sensors))] + [f"F{i + 1:02d}" for i in range(len(inlets))]
    return {name: (round(float(x), 4), round(float(y), 4)) for name, (x, y) in zip(names, unit, strict=True)}
