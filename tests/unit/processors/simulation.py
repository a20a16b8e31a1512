"""Random schedules of everything that can go wrong around the loop, over the log in memory: one seed, one history."""

import random
from contextlib import suppress
from functools import partial

from memory_ports import Fault, MemorySink
from runner_rig import City, Worker, story

from runtime.errors import FencedError, RetryableError
from schemas.topics import SNAPSHOTS

STEPS = 40
AWAY = ("poll", "start", "position", "committed", "bounds")
SHELF_AWAY = ("begin", "read")


def simulate(seed: int, sink: type[MemorySink] = MemorySink) -> None:
    """Two workers: commits lost or unheard, the log away, rebalances, deaths, spoilt
    snapshots, an expiring log; then one is left to finish.

    Raises:
        AssertionError: something was lost, doubled or said differently.
    """
    dice = random.Random(seed)
    city = City(0, 1, snapshot_every_s=dice.choice([0.1, 0.5, 2.0, 10.0]))
    harm = dice.choice(
        [["spoil"], ["expire"], []]
    )  # what was spoilt can be made again only as long as the log is whole
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
                owners = {p: dice.choice(["w", "v"]) for p in (0, 1)}
                city.group.assign({who: [p for p, owner in owners.items() if owner == who] for who in ("w", "v")})
                worker.source.hears_half = dice.random() < 0.5
                worker.source.hears_late = dice.random() < 0.5
            case "freeze":
                other = workers["v" if name == "w" else "w"]
                worker.sink.stall = partial(_take_everything, city, other)
            case "die":
                workers[name] = city.worker(name, dice.randint(1, 9), sink=sink)
        for _ in range(dice.randint(0, 4)):
            _turn(workers[dice.choice(sorted(workers))])
    city.group.assign({"w": (0, 1)})
    city.worker("w", sink=sink).settle()
    city.log.time_out()  # until then a transaction of the other, left open, hides what stands behind it
    assert city.published() == city.expected(0, 1)
    assert [city.offset(p) for p in (0, 1)] == [city.end(p) for p in (0, 1)]


def _take_everything(city: City, worker: Worker) -> None:
    """The other's session expired: this one has its partitions now, and works."""
    city.group.assign({worker.source.member: (0, 1)})
    for _ in range(6):
        _turn(worker)


def _turn(worker: Worker) -> None:
    if worker.sink.frozen:
        return
    with suppress(RetryableError, FencedError):  # it will try again
        worker.turn()
