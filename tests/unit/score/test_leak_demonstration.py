"""What `eyes run` shows of its water network, without the rest of it: both bursts, their ends, nothing else."""

import numpy as np
import pytest

from ops.score.leak import Column, run
from ops.simulate.demo import DEMO_START_MS
from ops.simulate.prepare import prepare
from ops.simulate.water import ZONE, Water, facility_id
from schemas.anomaly import AnomalyKind, Transition
from schemas.model import to_ms

pytest.importorskip("wntr", reason="the demonstration's water network needs the extra `sim`")

DAYS = 4.5
LATE_MS = 15 * 60_000


def test_the_bursts_of_the_demonstration_are_found_and_their_ends() -> None:
    water = Water.load(prepare(), DEMO_START_MS)
    steps = range(round(DAYS * 86_400_000 / water.step_ms))
    pressures = 1000 * np.array([water.pressure_kpa[step] for step in steps])
    flows = np.array([water.flow_m3h[step] for step in steps])
    columns = [
        *(Column(facility_id(one), "pressure", pressures[:, at]) for at, one in enumerate(water.pressure_names)),
        *(Column(facility_id(one), "flow", flows[:, at]) for at, one in enumerate(water.flow_names)),
    ]
    findings, _ = run(ZONE, [water.start_ms + step * water.step_ms for step in steps], columns)
    told = [one for one in findings if one.transition is not Transition.UPDATED]
    assert {one.kind for one in told} == {AnomalyKind.WATER_BURST}
    bursts = water.incidents(water.start_ms + steps[-1] * water.step_ms)
    moments = [at for burst in bursts for at in (burst.start_ms, burst.end_ms)]
    assert len(moments) == 4
    for finding, transition, at_ms in zip(told, 2 * [Transition.RAISED, Transition.CLEARED], moments, strict=True):
        assert finding.transition is transition
        assert 0 <= to_ms(finding.at) - at_ms <= LATE_MS
