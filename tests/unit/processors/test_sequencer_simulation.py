"""No schedule of faults loses, doubles or disorders an input of cases; and a loop that could would be caught.

``make simulate SEEDS=10000`` runs more of them; a seed that fails is named, and fails again whenever it is run.
"""

import random
from functools import partial

import pytest
from broken_sinks import BROKEN
from memory_ports import Fault, MemorySink
from schedules import share_out, take_everything, turn
from sequencer_rig import EVERYTHING, NOW, Desk, finding, tick

from schemas.anomaly import Transition
from tests.memory.seeds import for_every_seed, must_be_caught

STEPS = 40
AWAY = ("poll", "start", "position", "committed", "note", "bounds")


def simulate(seed: int, sink: type[MemorySink] = MemorySink) -> None:
    """Two workers: commits lost or unheard, the log away, rebalances, deaths, freezes; then one is left to finish.

    Raises:
        AssertionError: something was lost, doubled or put in another order.
    """
    dice = random.Random(seed)
    desk = Desk()
    workers = {name: desk.worker(name, dice.randint(1, 9), sink=sink) for name in ("w", "v")}
    for n in range(STEPS):
        if dice.random() < 0.7:
            transition, district = dice.choice(list(Transition)), dice.choice(["411002", "411003", None])
            desk.found(finding(n, transition, district), partition=dice.randrange(3))
        if dice.random() < 0.5:
            desk.ticked(tick(NOW + n * 1000 - dice.choice([0, 0, 2500])))
        name = dice.choice(sorted(workers))
        worker = workers[name]
        match dice.choice(["none", "none", "none", "fault", "away", "assign", "die", "freeze"]):
            case "fault":
                worker.sink.faults.append(dice.choice(list(Fault)))
            case "away":
                worker.source.unreachable.append(dice.choice(AWAY))
            case "assign":
                share_out(dice, desk.group, EVERYTHING, worker.source)
            case "freeze":
                other = workers["v" if name == "w" else "w"]
                worker.sink.stall = partial(take_everything, desk.group, EVERYTHING, other)
            case "die":
                workers[name] = desk.worker(name, dice.randint(1, 9), sink=sink)
        for _ in range(dice.randint(0, 4)):
            turn(workers[dice.choice(sorted(workers))])
    desk.assign(w=EVERYTHING)
    desk.worker("w", sink=sink).settle()
    desk.log.time_out()  # until then a transaction of the other, left open, hides what stands behind it
    desk.assert_all_is_there_once_and_in_order()


def test_no_schedule_of_faults_loses_doubles_or_disorders_anything() -> None:
    for_every_seed(simulate)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_loop_is_caught(broken: type[MemorySink]) -> None:
    must_be_caught(lambda seed: simulate(seed, broken), broken, by=AssertionError)
