"""Random schedules of everything that can go wrong around the loop, over the log in memory: one seed, one history."""

import random
from functools import partial

from fold_kit import Deriver, Scribe
from memory_ports import Fault, MemorySink
from runner_rig import City, story
from schedules import share_out, take_everything, turn

from schemas.topics import SNAPSHOTS

STEPS = 40
AWAY = ("poll", "start", "position", "committed", "bounds")
SHELF_AWAY = ("begin", "read")


def simulate(seed: int, sink: type[MemorySink] = MemorySink) -> None:
    """Two workers: all that can go wrong with commits, the log, the group and snapshots; then one is left to finish.

    Raises:
        AssertionError: something was lost, doubled or said differently.
    """
    dice = random.Random(seed)
    detectors = (Deriver(wants="flow", makes="water_level"), Scribe())
    city = City(0, 1, snapshot_every_s=dice.choice([0.1, 0.5, 2.0, 10.0]), detectors=detectors)
    # What was spoilt can be made again only as long as the log is whole.
    harm = dice.choice([["spoil"], ["expire"], []])
    workers = {name: city.worker(name, dice.randint(1, 9), sink=sink) for name in ("w", "v")}
    for n in range(STEPS):
        partition = dice.randrange(2)
        city.write(*story(n, 1, f"z{partition}"), partition=partition)
        name = dice.choice(sorted(workers))
        worker = workers[name]
        match dice.choice(["none", "none", "none", "fault", "away", "assign", "die", "freeze", *harm]):
            case "spoil":
                city.log.spoil((SNAPSHOTS.name, partition), dice)
            case "expire":
                city.expire(partition)
            case "fault":
                worker.sink.faults.append(dice.choice(list(Fault)))
            case "away":
                method = dice.choice([*AWAY, *SHELF_AWAY])
                (worker.shelf if method in SHELF_AWAY else worker.source).unreachable.append(method)
            case "assign":
                share_out(dice, city.group, (0, 1), worker.source)
            case "freeze":
                other = workers["v" if name == "w" else "w"]
                worker.sink.stall = partial(take_everything, city.group, (0, 1), other)
            case "die":
                workers[name] = city.worker(name, dice.randint(1, 9), sink=sink)
        for _ in range(dice.randint(0, 4)):
            turn(workers[dice.choice(sorted(workers))])
    city.group.assign({"w": (0, 1)})
    city.worker("w", sink=sink).settle()
    city.log.time_out()  # until then a transaction of the other, left open, hides what stands behind it
    assert city.published() == city.expected(0, 1)
    assert [city.offset(p) for p in (0, 1)] == [city.end(p) for p in (0, 1)]
