"""What a leak in each pipe would do to each sensor, from an EPANET model (``eyes water configure``; extra ``sim``).

Steady states at several hours of the model's week, with and without an orifice at every junction. The differences per
m3/h are nearly linear in ``(load / reference) ** 0.85`` (Hazen-Williams: head loss goes with flow to 1.85, so its slope
goes with flow to 0.85), hence a few coefficients per pipe and sensor say it for every load.
"""

import heapq
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from processors.leak.network import FAR_M, AreaModel, Basis, NetworkModel

Floats = npt.NDArray[np.float64]

UNITS: Final = "CMH"
"""Flows in m3/h, and with them lengths and pressures in metres."""
LEAK_M3H: Final = 8.0
"""Size of the trial leak: a typical one, since the head it costs itself is not linear."""
TYPICAL_HEAD_M: Final = 50.0
HOURS: Final = (3.5, 6.0, 8.0, 12.0, 19.0)
"""Hours of the model's first day: from the night's minimum to the day's peak."""
ANSWERS: Final = 1e-2
"""A sensor belongs to a pipe's area when a leak there moves it by more than this share of the most moved sensor."""

FELT_M3H: Final = 0.05
"""An inlet belongs to an area when 1 m3/h leaking there changes it by more."""

# EPANET toolkit codes (Rossman, EPANET 2 manual, app. A)
_MOVES_M: Final = 1e-4
_EMITTER, _DEMAND, _PRESSURE, _TANK_LEVEL = 3, 9, 11, 8
_FLOW, _INIT_STATUS = 8, 4
_PATTERN_START = 4


@dataclass(frozen=True, slots=True)
class Sensed:
    """A sensor of the network: its key in the readings, its role, and the model's node or link."""

    key: str
    role: str
    element: str | None


class _Toolkit:
    """EPANET, asked for steady states."""

    def __init__(self, inp: Path, folder: str) -> None:
        import wntr  # noqa: PLC0415 - an optional extra; only this command needs it
        from wntr.epanet.toolkit import ENepanet  # noqa: PLC0415

        made: Any = wntr.network  # its stubs hide what it is made of
        self.network: Any = made.WaterNetworkModel(str(inp))
        if self.network.options.hydraulic.inpfile_units != UNITS:  # the toolkit speaks in the file's units
            inp = Path(folder) / "metric.inp"
            made.write_inpfile(self.network, str(inp), units=UNITS)
        self.api: Any = ENepanet()
        self.api.ENopen(str(inp), f"{folder}/model.rpt", f"{folder}/model.bin")
        self.api.ENopenH()
        self.node = {name: self.api.ENgetnodeindex(name) for name in self.network.node_name_list}
        self.link = {name: self.api.ENgetlinkindex(name) for name in self.network.link_name_list}

    def solve(self) -> None:
        self.api.ENinitH(0)
        self.api.ENrunH()

    def close(self) -> None:
        self.api.ENcloseH()
        self.api.ENclose()


@dataclass(frozen=True, slots=True)
class _States:
    """Steady states: per load the pump's status, sensor values, and the change per m3/h at every junction."""

    pump_on: Floats  # [load]
    base: Floats  # [load, sensor]
    demand: Floats  # [load, junction]
    change: Floats  # [load, junction, sensor]


def build(inp: Path, sensors: Iterable[Sensed]) -> bytes:
    """Bytes of the :class:`NetworkModel` of an EPANET file; takes seconds to minutes. Needs the extra ``sim``."""
    return network_model(inp, tuple(sensors)).to_bytes()


def network_model(inp: Path, sensors: Sequence[Sensed]) -> NetworkModel:
    """As :func:`build`, not packed."""
    inp = inp.resolve()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # where EPANET keeps files of its own
        kit = _Toolkit(inp, folder)
        try:
            return _model(kit, sensors)
        finally:
            kit.close()


def _model(kit: _Toolkit, sensors: Sequence[Sensed]) -> NetworkModel:
    placed = [s for s in sensors if s.element is not None and s.role in ("pressure", "inlet", "outlet", "pump")]
    junctions = list(kit.network.junction_name_list)
    states = _states(kit, placed, junctions)
    pipes = tuple(kit.network.pipe_name_list)
    at = {name: i for i, name in enumerate(junctions)}
    ends = np.array([_ends(kit, pipe, at) for pipe in pipes], dtype=np.intp)
    lengths = np.array([kit.network.get_link(pipe).length for pipe in pipes])
    change = 0.5 * (states.change[:, ends[:, 0]] + states.change[:, ends[:, 1]])
    areas = _areas(kit, sensors, placed, junctions, pipes, states, change)
    return NetworkModel(
        pipes=pipes,
        lengths_m=np.round(lengths, 2),
        positions=np.array([_middle(kit, pipe) for pipe in pipes]),
        distances_m=_distances(kit, pipes, lengths),
        areas=areas,
    )


def _states(kit: _Toolkit, placed: Sequence[Sensed], junctions: Sequence[str]) -> _States:
    api = kit.api
    pumps = [kit.link[s.element] for s in placed if s.role == "pump" and s.element]
    nodes = [kit.node[name] for name in junctions]

    def sense() -> list[float]:
        kit.solve()
        return [
            api.ENgetnodevalue(kit.node[s.element], _PRESSURE)
            if s.role == "pressure"
            else api.ENgetlinkvalue(kit.link[s.element], _FLOW)
            for s in placed
            if s.element
        ]

    on, base, demand, change = [], [], [], []
    coefficient = LEAK_M3H / np.sqrt(TYPICAL_HEAD_M)
    for hour in HOURS:
        for status in (0, 1) if pumps else (1,):
            api.ENsettimeparam(_PATTERN_START, int(hour * 3600))
            for pump in pumps:
                api.ENsetlinkvalue(pump, _INIT_STATUS, status)
            without = np.array(sense())
            demand.append([api.ENgetnodevalue(node, _DEMAND) for node in nodes])
            rows = []
            for node in nodes:
                api.ENsetnodevalue(node, _EMITTER, coefficient)
                having = np.array(sense())
                leaking = coefficient * np.sqrt(max(api.ENgetnodevalue(node, _PRESSURE), 0.01))
                api.ENsetnodevalue(node, _EMITTER, 0.0)
                rows.append((having - without) / leaking)
            on.append(float(status if pumps else 0))
            base.append(without)
            change.append(rows)
    way = _ways(placed, np.array(base))
    return _States(np.array(on), np.array(base) * way, np.array(demand), np.array(change) * way)


def _ways(placed: Sequence[Sensed], base: Floats) -> Floats:
    """Per sensor 1 or -1: inflows count positive whichever way the file draws the pipe, outflows negative."""
    ways = np.ones(len(placed))
    for i, one in enumerate(placed):
        if one.role in ("inlet", "outlet"):
            ways[i] = (-1.0 if base[:, i].mean() < 0 else 1.0) * (-1.0 if one.role == "outlet" else 1.0)
    return ways


def _areas(
    kit: _Toolkit,
    sensors: Sequence[Sensed],
    placed: Sequence[Sensed],
    junctions: Sequence[str],
    pipes: Sequence[str],
    states: _States,
    change: Floats,
) -> tuple[AreaModel, ...]:
    """Split pressures and pipes into parts that do not feel each other, and fit each pipe's coefficients."""
    pressures = [i for i, s in enumerate(placed) if s.role == "pressure"]
    felt = np.abs(change[:, :, pressures]).max(axis=0)  # [pipe, pressure]
    most = felt.max(axis=1, keepdims=True)
    felt = (felt > ANSWERS * most) & (felt > _MOVES_M)
    pump = next((s.key for s in placed if s.role == "pump"), None)
    level = next((s for s in sensors if s.role == "tank_level"), None)
    used = next((s for s in sensors if s.role == "consumption"), None)
    inlets = [i for i, s in enumerate(placed) if s.role in ("inlet", "outlet")]
    areas = []
    for number, (members, chosen) in enumerate(_components(felt)):
        keys = tuple(placed[pressures[m]].key for m in members)
        index = np.array(chosen, dtype=np.intp)
        local = [pressures[m] for m in members]
        through = [i for i in inlets if np.abs(change[:, index, i]).max() > FELT_M3H]
        if through:
            load = states.base[:, through].sum(axis=1)
            reference = _round_up(float(load.max()))
            u = ((load + 0.5 * LEAK_M3H) / reference) ** 0.85
            terms = [np.ones_like(u), u] + ([states.pump_on, states.pump_on * u] if pump else [])
            areas.append(
                AreaModel(
                    name=f"{number + 1}",
                    basis=Basis.INFLOW,
                    pressures=keys,
                    inflows=tuple(placed[i].key for i in through),
                    pump=pump,
                    level=None,
                    consumption=None,
                    tank_m2=0.0,
                    reference=reference,
                    unmetered=1.0,
                    candidates=index.astype(np.float64),
                    signatures=_fit(np.array(terms).T, change[:, index][:, :, local + through]),
                )
            )
        elif pump and level is not None and used is not None:
            inside = _junctions_of(kit, junctions, [pipes[c] for c in chosen])
            load = states.demand[:, inside].sum(axis=1)
            reference = _round_up(float(load.max()))
            u = ((load + 0.5 * LEAK_M3H) / reference) ** 0.85
            tank = kit.network.get_node(level.element) if level.element else None
            areas.append(
                AreaModel(
                    name=f"{number + 1}",
                    basis=Basis.CONSUMPTION,
                    pressures=keys,
                    inflows=(),
                    pump=pump,
                    level=level.key,
                    consumption=used.key,
                    tank_m2=float(np.pi * tank.diameter**2 / 4) if tank is not None else 0.0,
                    reference=reference,
                    unmetered=1.08,
                    candidates=index.astype(np.float64),
                    signatures=_fit(np.array([np.ones_like(u), u]).T, change[:, index][:, :, local]),
                )
            )
    return tuple(areas)


def _fit(terms: Floats, values: Floats) -> Floats:
    """Least squares over the loads: basis x pipe x sensor."""
    flat: Any = np.linalg.lstsq(terms, values.reshape(len(values), -1), rcond=None)[0]  # float32 to its stubs
    fitted: Floats = flat.reshape(terms.shape[1], *values.shape[1:])
    return fitted


def _round_up(load: float) -> float:
    """To two digits, so that a model changed a little gives the same reference."""
    digits = 10.0 ** (np.floor(np.log10(max(load, 1.0))) - 1)
    return float(np.ceil(load / digits) * digits)


def _components(felt: npt.NDArray[np.bool_]) -> list[tuple[list[int], list[int]]]:
    """Connected parts of "this pipe moves that pressure", as (pressures, pipes), the greatest first."""
    parts: list[tuple[set[int], list[int]]] = []
    for pipe, row in enumerate(felt):
        touched = {int(i) for i in np.flatnonzero(row)}
        if not touched:
            continue
        joined, members = touched, [pipe]
        rest = []
        for known, own in parts:
            if known & joined:
                joined, members = joined | known, members + own
            else:
                rest.append((known, own))
        parts = [*rest, (joined, members)]
    ordered = sorted(parts, key=lambda part: -len(part[1]))
    return [(sorted(known), sorted(own)) for known, own in ordered]


def _junctions_of(kit: _Toolkit, junctions: Sequence[str], pipes: Sequence[str]) -> list[int]:
    names = {n for pipe in pipes for n in _nodes(kit, pipe)}
    return [i for i, name in enumerate(junctions) if name in names]


def _nodes(kit: _Toolkit, link: str) -> tuple[str, str]:
    found = kit.network.get_link(link)
    return found.start_node_name, found.end_node_name


def _ends(kit: _Toolkit, pipe: str, at: Mapping[str, int]) -> tuple[int, int]:
    """Junctions at both ends; a reservoir or tank there counts as the other end."""
    first, last = (at.get(name) for name in _nodes(kit, pipe))
    one, other = first if first is not None else last, last if last is not None else first
    if one is None or other is None:
        raise ValueError(f"pipe {pipe} joins no junction")
    return one, other


def _middle(kit: _Toolkit, pipe: str) -> tuple[float, float]:
    (x0, y0), (x1, y1) = (kit.network.get_node(name).coordinates for name in _nodes(kit, pipe))
    return 0.5 * (x0 + x1), 0.5 * (y0 + y1)


def _distances(kit: _Toolkit, pipes: Sequence[str], lengths: Floats) -> Floats:
    """Whole metres from pipe middle to pipe middle along the pipes (Dijkstra from every node)."""
    names = list(kit.network.node_name_list)
    at = {name: i for i, name in enumerate(names)}
    roads: list[list[tuple[int, float]]] = [[] for _ in names]
    for pipe, length in zip(pipes, lengths, strict=True):
        a, b = (at[n] for n in _nodes(kit, pipe))
        roads[a].append((b, float(length)))
        roads[b].append((a, float(length)))
    ends = np.array([[at[n] for n in _nodes(kit, pipe)] for pipe in pipes])
    node = np.array([_shortest(roads, start) for start in range(len(names))])
    between = np.minimum.reduce([node[np.ix_(ends[:, i], ends[:, j])] for i in (0, 1) for j in (0, 1)])
    middle = between + lengths[:, None] / 2 + lengths[None, :] / 2
    np.fill_diagonal(middle, 0.0)
    return np.minimum(np.round(np.where(np.isfinite(middle), middle, FAR_M)), FAR_M)


def _shortest(roads: Sequence[Sequence[tuple[int, float]]], start: int) -> list[float]:
    best = [np.inf] * len(roads)
    best[start] = 0.0
    queue = [(0.0, start)]
    while queue:
        far, node = heapq.heappop(queue)
        if far > best[node]:
            continue
        for other, length in roads[node]:
            if far + length < best[other]:
                best[other] = far + length
                heapq.heappush(queue, (far + length, other))
    return best
