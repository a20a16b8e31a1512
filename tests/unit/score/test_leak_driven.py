"""The score hears the very findings that the pipeline publishes: of bursts that widen and move, growth, and repairs."""

from functools import cache

import numpy as np
import pytest

from ops.score.driven import Driven, Told, as_configured, roles_of, rows, told
from ops.score.faults import late
from processors.leak.core import STEP_S
from schemas.anomaly import Anomaly, AnomalyKind, Transition
from schemas.water import WaterRole
from tests.unit.processors.leak_network_kit import PER_DAY, Floats, burst, network, readings
from tests.unit.processors.pipe_leak_kit import FIRST, MODEL, flow_on, town

NETWORK = network()
DAYS = 20
AT = 13 * PER_DAY + 130
REPAIRED = 16 * PER_DAY
DRY = 19 * PER_DAY + 60


@cache
def year() -> Floats:
    """A leak grows from day 8 on and is repaired on day 19; a burst moves along its pipe and widens after an hour."""
    growing = np.clip((np.arange(DAYS * PER_DAY) / PER_DAY - 8) * 0.8, 0.0, None)
    growing[DRY:] = 0.0
    first, then = burst(DAYS, AT, 3.0, AT + 12), burst(DAYS, AT + 12, 6.0, REPAIRED)
    return readings(NETWORK, DAYS, [(13, growing), (31, first), (34, then)], seed=2)


@cache
def scored() -> Driven:
    driven = Driven(NETWORK)
    driven.live(rows(NETWORK, year(), FIRST))
    driven.close()
    return driven


def lives(said: list[Told]) -> list[tuple[str, str]]:
    return [(str(one.transition), one.kind) for one in said]


def test_the_score_says_word_for_word_what_the_pipeline_says() -> None:
    pipeline = town()
    flow_on(pipeline, year(), 0, DAYS * PER_DAY)
    pipeline.advance(4 * STEP_S)
    ours = scored().findings
    kinds = lives(told(ours))
    assert {(str(step), kind) for step in Transition for kind in ("burst", "growing")} == set(kinds)
    assert told(pipeline.findings) == told(ours)
    assert [(one.kind, one.at, unpriced(one)) for one in pipeline.findings] == [
        (one.kind, one.at, unpriced(one)) for one in ours
    ]


def unpriced(finding: Anomaly) -> dict[str, float]:
    """What a finding says in numbers; the score's network has no price."""
    return {key: value for key, value in finding.numbers.items() if key != "cost_per_day"}


def test_a_burst_is_said_again_at_another_pipe() -> None:
    said = [one for one in told(scored().findings) if one.kind == "burst"]
    assert len({one.pipe for one in said}) > 1
    assert said[0].flow == pytest.approx(3.0, abs=1.0)
    assert said[-1].flow == pytest.approx(6.0, abs=1.5)
    assert said[-1].transition is Transition.CLEARED
    assert 0 <= said[-1].tick - FIRST - REPAIRED <= 12


def test_what_grows_is_said_with_the_flow_that_was_measured_anew() -> None:
    said = [one for one in told(scored().findings) if one.kind == "growing"]
    flows = [one.flow for one in said if one.transition is not Transition.CLEARED]
    assert len(flows) > 2
    assert flows == sorted(flows)
    assert 0 <= said[-1].tick - FIRST - DRY <= 24


def test_disorder_within_ten_minutes_changes_nothing_that_is_said() -> None:
    driven = Driven(NETWORK)
    driven.live(late(rows(NETWORK, year()[: AT + 40], FIRST), len(roles_of(NETWORK))))
    driven.close()
    said = told(driven.findings)
    assert said == told(scored().findings)[: len(said)]
    assert ("raised", "burst") in lives(said)


def test_the_state_is_that_of_the_detector_and_does_not_grow() -> None:
    driven, sizes = Driven(NETWORK), []
    values = readings(NETWORK, 12, [])
    for begin in range(0, len(values), 4 * PER_DAY):
        driven.live(rows(NETWORK, values[begin : begin + 4 * PER_DAY], FIRST + begin))
        sizes.append(driven.state_bytes)
    assert driven.state.core is not None
    assert min(sizes) > len(driven.state.core.to_bytes())
    assert max(sizes) - min(sizes) < 200


def test_a_model_is_configured_as_the_pipeline_names_its_meters() -> None:
    assert as_configured(NETWORK).areas[0].pressures == MODEL.areas[0].pressures
    assert as_configured(NETWORK).areas[0].inflows == MODEL.areas[0].inflows
    assert set(roles_of(NETWORK).values()) == {WaterRole.PRESSURE, WaterRole.INLET}


def test_findings_of_meters_are_no_leaks() -> None:
    values = readings(NETWORK, 9, []).copy()
    values[7 * PER_DAY + 130 :, 2] += 0.4
    driven = Driven(NETWORK)
    driven.live(rows(NETWORK, values, FIRST))
    assert {one.kind for one in driven.findings} == {AnomalyKind.DEVICE_JUMP}
    assert told(driven.findings) == []
