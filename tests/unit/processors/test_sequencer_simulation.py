"""No schedule of faults loses, doubles or disorders an input of cases; and a loop that could would be caught.

``make simulate SEEDS=10000`` runs more of them; a seed that fails is named, and fails again whenever it is run.
"""

import os
import random
from contextlib import suppress
from functools import partial

import pytest
from broken_sinks import BROKEN
from memory_ports import Fault, MemorySink
from sequencer_rig import EVERYTHING, NOW, Desk, Worker, finding, tick

from runtime.errors import FencedError, RetryableError
from schemas.anomaly import Transition

SEEDS = int(os.environ.get("EYES_SEEDS", "100"))
ENOUGH = 300  # seeds within which a broken loop must be caught
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
                owners = {place: dice.choice(["w", "v"]) for place in EVERYTHING}
                desk.assign(**{who: [place for place, owner in owners.items() if owner == who] for who in ("w", "v")})
                worker.source.hears_half = dice.random() < 0.5
                worker.source.hears_late = dice.random() < 0.5
            case "freeze":
                other = workers["v" if name == "w" else "w"]
                worker.sink.stall = partial(_take_everything, desk, other)
            case "die":
                workers[name] = desk.worker(name, dice.randint(1, 9), sink=sink)
        for _ in range(dice.randint(0, 4)):
            _turn(workers[dice.choice(sorted(workers))])
    desk.assign(w=EVERYTHING)
    desk.worker("w", sink=sink).settle()
    desk.log.time_out()  # until then a transaction of the other, left open, hides what stands behind it
    desk.assert_all_is_there_once_and_in_order()


def _take_everything(desk: Desk, worker: Worker) -> None:
    """The other's session expired: this one has its partitions now, and works."""
    desk.assign(**{worker.source.member: EVERYTHING})
    for _ in range(6):
        _turn(worker)


def _turn(worker: Worker) -> None:
    if worker.sink.frozen:
        return
    with suppress(RetryableError, FencedError):  # it will try again
        worker.turn()


def test_no_schedule_of_faults_loses_doubles_or_disorders_anything() -> None:
    for seed in range(SEEDS):
        try:
            simulate(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}: from test_sequencer_simulation import simulate; simulate({seed})")
            raise


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_loop_is_caught(broken: type[MemorySink]) -> None:
    for seed in range(ENOUGH):
        try:
            simulate(seed, broken)
        except AssertionError:
            return
    pytest.fail(f"{ENOUGH} seeds found nothing wrong with {broken.__name__}: {broken.__doc__}")
