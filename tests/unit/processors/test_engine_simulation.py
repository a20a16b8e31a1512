"""No schedule of faults loses or doubles anything; and a loop that could would be caught.

``make simulate SEEDS=10000`` runs more of them; a seed that fails is named, and fails again whenever it is run.
"""

import pytest
from broken_sinks import BROKEN
from memory_ports import MemorySink
from simulation import simulate

from tests.memory.seeds import for_every_seed, must_be_caught


def test_no_schedule_of_faults_loses_or_doubles_anything() -> None:
    for_every_seed(simulate)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_loop_is_caught(broken: type[MemorySink]) -> None:
    must_be_caught(lambda seed: simulate(seed, broken), broken, by=AssertionError)
