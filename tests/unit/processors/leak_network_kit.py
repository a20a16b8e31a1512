"""A made-up network whose physics is the method's own: heads that go with flow, signatures that go with load."""

import numpy as np
import numpy.typing as npt

from processors.leak.network import AreaModel, Basis, NetworkModel

Floats = npt.NDArray[np.float64]

PER_DAY = 288
PIPES = 40
PRESSURES = 8
FIRST = 17_532 * PER_DAY  # a Monday's midnight is as good as any


def network(seed: int = 3) -> NetworkModel:
    """A ring of 40 pipes of 150 m; a pressure at every fifth; two inlets on opposite sides."""
    chance = np.random.default_rng(seed)
    place = np.arange(PIPES)
    sensor = np.arange(PRESSURES) * (PIPES // PRESSURES)
    around = np.abs(place[:, None] - sensor[None, :])
    around = np.minimum(around, PIPES - around)
    near = np.exp(-around / 4.0) * (1 + 0.1 * chance.random((PIPES, PRESSURES)))
    share = 0.5 + 0.4 * np.cos(2 * np.pi * place / PIPES)
    flows = np.stack([share, 1.0 - share], axis=1)
    steady = np.concatenate([-0.002 * (0.5 + near), flows], axis=1)
    loaded = np.concatenate([-0.010 * (0.5 + near), 0.0 * flows], axis=1)
    apart = np.abs(place[:, None] - place[None, :])
    area = AreaModel(
        name="1",
        basis=Basis.INFLOW,
        pressures=tuple(f"P{i}" for i in range(PRESSURES)),
        inflows=("F0", "F1"),
        pump=None,
        level=None,
        consumption=None,
        tank_m2=0.0,
        reference=200.0,
        unmetered=1.0,
        candidates=np.arange(PIPES, dtype=np.float64),
        signatures=np.stack([steady, loaded]),
    )
    return NetworkModel(
        pipes=tuple(f"p{i}" for i in range(PIPES)),
        lengths_m=np.full(PIPES, 150.0),
        positions=np.stack([np.cos(place), np.sin(place)], axis=1),
        distances_m=np.minimum(apart, PIPES - apart) * 150.0,
        areas=(area,),
    )


def readings(model: NetworkModel, days: int, leaks: list[tuple[int, Floats]], seed: int = 5) -> Floats:
    """``[tick, sensor]`` in the order of the core's sensors; each leak a pipe and its flow at every tick."""
    chance = np.random.default_rng(seed)
    area = model.areas[0]
    count = days * PER_DAY
    hour = np.arange(count) % PER_DAY / 12.0
    demand = 110.0 - 60.0 * np.cos(2 * np.pi * (hour - 3) / 24) + 4.0 * chance.standard_normal(count)
    split = 0.5 + 0.01 * chance.standard_normal(count)
    inflow = np.stack([demand * split, demand * (1 - split)], axis=1)
    usual = area.signatures.mean(axis=1)  # what ordinary demand, spread evenly, does to every pressure

    def effect(load: Floats) -> Floats:
        u = (load / area.reference) ** 0.85
        return np.stack([np.ones_like(u), u], axis=1)

    pressure = 50.0 + (effect(demand) @ usual[:, :PRESSURES]) * demand[:, None]
    pressure += 0.004 * (0.5 + demand / 200)[:, None] * chance.standard_normal((count, PRESSURES))
    for pipe, flow in leaks:
        pressure += flow[:, None] * (effect(demand) @ area.signatures[:, pipe, :PRESSURES])
        inflow += flow[:, None] * area.signatures[0, pipe, PRESSURES:]
    return np.round(np.concatenate([pressure, inflow], axis=1), 2)


def burst(days: int, at: int, flow: float, until: int | None = None) -> Floats:
    """Flow of a leak that begins at once."""
    course = np.zeros(days * PER_DAY)
    course[at:until] = flow
    return course
