"""No schedule of faults loses or doubles anything; and a loop that could would be caught.

``make simulate SEEDS=10000`` runs more of them; a seed that fails is named, and fails again whenever it is run.
"""

import os

import pytest
from broken_sinks import BROKEN
from memory_ports import MemorySink
from simulation import simulate

SEEDS = int(os.environ.get("EYES_SEEDS", "100"))
ENOUGH = 300  # seeds within which a broken loop must be caught


def test_no_schedule_of_faults_loses_or_doubles_anything() -> None:
    for seed in range(SEEDS):
        try:
            simulate(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}: from simulation import simulate; simulate({seed})")
            raise


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_loop_is_caught(broken: type[MemorySink]) -> None:
    for seed in range(ENOUGH):
        try:
            simulate(seed, broken)
        except AssertionError:
            return
    pytest.fail(f"{ENOUGH} seeds found nothing wrong with {broken.__name__}: {broken.__doc__}")
