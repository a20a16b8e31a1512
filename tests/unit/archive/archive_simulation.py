"""Two archives over a log, a group and a database in memory: one seed, one history, every interleaving of their I/O."""

import random
from functools import partial
from typing import Any

from archive_items import HORIZON, T0, One, anomaly, batch, event
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError

from processors.archive.outside import Outside
from processors.archive.records import item_of
from processors.archive.rows import Item
from processors.archive.service import Archive
from processors.archive.sink import Partition
from processors.archive.store import store
from runtime.errors import FencedError
from runtime.settings import ArchiveSettings, DatabaseSettings, IngestSettings, KafkaSettings, Settings
from schemas.envelope import encode
from schemas.topics import ANOMALIES, EVENTS, QUARANTINE
from tests.memory.baton import Baton, Task
from tests.memory.consumer import record
from tests.memory.database import Fate, MemoryDatabase, MemorySink
from tests.memory.group import Group, MemoryConsumer
from tests.memory.log import MemoryLog
from tests.memory.process import Violation, VirtualShutdown, VirtualTiming, silence

NAMES = ("0", "1")
PARTITIONS = tuple(
    TopicPartition(topic.name, number) for topic, number in ((EVENTS, 0), (EVENTS, 1), (ANOMALIES, 0), (QUARANTINE, 0))
)
RECORDS = 30
STEPS_MAX = 5_000
TOO_LONG = "x" * 3_000  # no index of PostgreSQL takes such an identity


def simulate(seed: int, sink: type[MemorySink] = MemorySink, crash_at: int | None = None) -> int:
    """Run one history to its end and check it; returns how many I/O points there were.

    Without ``crash_at`` processes die, freeze, and suffer faults at random; with it, one process works alone, dies at
    that point, and another takes its place.

    Raises:
        Violation: what the archive promises does not hold.
    """
    with silence():
        city = City(seed, sink, crash_at)
        try:
            city.run()
        finally:
            city.end()
        city.check()
        return city.baton.points


class City:
    """The log, its group, the database, and two archives."""

    def __init__(self, seed: int, sink: type[MemorySink], crash_at: int | None) -> None:
        self.dice = random.Random(seed)
        self.baton = Baton()
        self.timing = VirtualTiming(self.baton.io, T0)
        self.log = MemoryLog()
        self.group = Group(self.log)
        self.database = MemoryDatabase(self.baton.io, self.timing)
        self._sink = sink
        self._crash_at = crash_at
        self._calm = crash_at is not None
        self._left = RECORDS
        self._number = 0
        self._copies = 0
        self._kafka_back_s = 0.0
        self._frozen: dict[str, int] = {}
        self._shutdowns: dict[str, VirtualShutdown] = {}
        self._tasks: dict[str, Task] = {}
        self._archives: dict[str, Archive] = {}
        self._sessions: dict[str, list[MemorySink]] = {name: [] for name in NAMES}
        dice = self.dice
        archive = ArchiveSettings(batch_rows=dice.choice([1, 5, 50]), batch_ms=dice.choice([1, 300]))
        self.settings = Settings.model_construct(
            kafka=KafkaSettings(), ingest=IngestSettings(), database=DatabaseSettings(), archive=archive
        )
        self._names = NAMES[:1] if self._calm else NAMES
        self._share()

    # ------------------------------------------------------------------------------------------------------ processes

    def run(self) -> None:
        """Until everything is stored."""
        for name in self._names:
            self._start(name)
        for _ in range(STEPS_MAX):
            self._stir()
            if not self._left and self._is_stored():
                return
            movable = [task for name, task in self._tasks.items() if not self._frozen.get(name)]
            if not movable:
                continue
            task = self.dice.choice(movable)
            self.baton.step(task)
            if stopped := self._archives[task.name].health()["stopped"]:
                raise Violation(f"archive {task.name} stopped at a log that holds everything: {stopped}")
            if self._crash_at == self.baton.points:
                self._kill(task.name)
            elif task.done:
                self._judge(task)
        raise Violation(f"stuck: {self.database.current.offsets}")

    def end(self) -> None:
        """All processes are asked to end, and do."""
        for task in self._tasks.values():
            if not task.done:
                self.baton.kill(task)

    def _start(self, name: str) -> None:
        shutdown = self._shutdowns[name] = VirtualShutdown(self.timing, self.baton.io)
        settings = self.settings.model_copy(
            update={"archive": self.settings.archive.model_copy(update={"instance": name})}
        )
        outside: Any = Outside(
            timing=self.timing,
            require_topics=lambda *_: self._kafka_io("kafka.topics"),
            open_consumer=partial(self._open_consumer, name),
            open_sink=partial(self._open_sink, name),  # type: ignore[arg-type]
        )
        archive = self._archives[name] = Archive(settings, shutdown, outside)
        self._tasks[name] = Task(name, archive.run)

    def _open_consumer(self, name: str, *_: Any, **__: Any) -> Any:
        self._kafka_io("kafka.connect")
        consumer = MemoryConsumer(self.group, name, self._kafka_io, self._wait)
        consumer.hears_late = self.dice.choice([0, 0, 1, 3])
        return consumer

    def _open_sink(self, name: str, _settings: DatabaseSettings, archive: str) -> MemorySink:
        sink = self._sink(self.database, archive)
        self._sessions[name].append(sink)
        return sink

    def _kill(self, name: str) -> None:
        """The process dies, the kernel closes its connections, and the supervisor starts another."""
        self.baton.kill(self._tasks[name])
        for session in self._sessions[name]:
            self.database.end(session)
        self._sessions[name] = []
        self._start(name)

    def _judge(self, task: Task) -> None:
        """One ended by itself: because it was fenced or asked to, else it is a failure."""
        if task.error is not None and not isinstance(task.error, FencedError):
            raise Violation(f"archive {task.name} ended: {task.error!r}") from task.error
        self._start(task.name)

    def _kafka_io(self, name: str) -> None:
        self.baton.io(name)
        if self.timing.now_s < self._kafka_back_s:
            raise KafkaConnectionError("away")

    def _wait(self, seconds: float) -> None:
        self.timing.now_s += seconds

    # ---------------------------------------------------------------------------------------------------- what happens

    def _stir(self) -> None:
        """The world goes on a little."""
        dice = self.dice
        self._frozen = {name: left - 1 for name, left in self._frozen.items() if left > 1}
        if self._left and dice.random() < 0.2:
            self._left -= 1
            self._write()
        if not self._left and not self._calm:
            self._calm = True
            self._frozen.clear()
            self._kafka_back_s = 0.0
            self.database.up = True
            self._share()
        elif not self._calm and dice.random() < 0.08:
            self._fault()

    def _fault(self) -> None:
        dice = self.dice
        name = dice.choice(self._names)
        match dice.choice(["die", "freeze", "share", "kafka", "stop"] + ["database"] * 4):
            case "die":
                self._frozen.pop(name, None)
                self._kill(name)
            case "freeze":  # the group goes on without it
                self._frozen[name] = dice.randint(5, 60)
                if dice.random() < 0.7:
                    self.group.assign({other: PARTITIONS for other in NAMES if other != name})
            case "share":
                self._share()
            case "kafka":
                self._kafka_back_s = self.timing.now_s + dice.uniform(0, 5)
            case "stop":
                self._shutdowns[name].request()
            case "database":
                self._database_fault()

    def _database_fault(self) -> None:
        database = self.database
        match self.dice.choice(["cut", "fate", "away", "switch"]):
            case "cut":
                database.cut()
            case "fate":
                database.fates.append(self.dice.choice(list(Fate)))
            case "away":
                database.up = not database.up
                database.cut()
            case "switch":  # a rebuild has come to its end; it tries again another time when somebody has locks
                database.switch()

    def _share(self) -> None:
        """A rebalance."""
        shares: dict[str, list[TopicPartition]] = {name: [] for name in self._names}
        for partition in PARTITIONS:
            shares[self.dice.choice(self._names)].append(partition)
        self.group.assign(shares)

    def _write(self) -> None:
        """One more record: readings new and repeated, a row nobody can store, a finding, bytes that are no event."""
        dice = self.dice
        at = dice.choice(PARTITIONS)
        self._number += 1
        number = self._number
        match dice.choice(["readings", "readings", "copy", "poison", "poison", "garbage", "finding", "aborted"]):
            case "copy":
                value = self._batch(at, "copied")
            case "poison":
                value = self._batch(at, dice.choice([TOO_LONG, "quality"]) + str(number))
            case "garbage":
                value = b"no event %d" % number
            case "finding":
                value = encode(event(anomaly(), f"finding-{number}"))
            case "aborted":
                transaction = self.log.begin("fold", self.log.init("fold"))
                self.log.send(transaction, tuple(at), b"never seen")
                self.log.abort(transaction)
                return
            case _:
                value = self._batch(at, str(number))
        self.log.append(tuple(at), value, timestamp_ms=self.timing.wall_ms())

    def _batch(self, at: TopicPartition, third: str) -> bytes:
        device = f"d-{at.topic}-{at.partition}"
        last = One(device, f"a:b:{third}", quality=9 if third.startswith("quality") else 0)
        return encode(event(batch(*(One(device, f"a:b:{self._number}.{n}") for n in range(2)), last)))

    # ------------------------------------------------------------------------------------------------------ the checks

    def _is_stored(self) -> bool:
        return all(self.database.current.offsets.get(self._key(p), (0, 0))[0] == self._end(p) for p in PARTITIONS)

    def _key(self, partition: TopicPartition) -> tuple[str, Partition]:
        return "eyes-archive", tuple(partition)

    def _end(self, partition: TopicPartition) -> int:
        return self.log.bounds(tuple(partition)).end

    def check(self) -> None:
        """The database holds what one archive that nothing happened to would have stored, each row offered once."""
        expected = MemoryDatabase(lambda _name: None, self.timing)
        sink = MemorySink(expected, "reference")
        sink.take_over({tuple(partition): 0 for partition in PARTITIONS})
        items = [item for partition in PARTITIONS for item in self._items(partition)]
        items.sort(key=lambda item: (item.topic, item.partition, item.offset))
        for item in items:
            list(store(sink, [item], {(item.topic, item.partition): item.offset + 1}, HORIZON))  # type: ignore[arg-type]
        for table, rows in expected.current.contents().items():
            if (found := self.database.current.contents()[table]) != rows:
                raise Violation(f"{table}: {_difference(found, rows)}")
        found, wanted = self.database.current.repeated, expected.current.repeated
        if found != wanted:
            raise Violation(f"written twice: {found} instead of {wanted}")

    def _items(self, partition: TopicPartition) -> list[Item]:
        found, _ = self.log.read(tuple(partition), 0, 1_000_000)
        records = [record(self.log, partition, offset) for offset, _ in found]
        return [item_of(one.topic, one.partition, one.offset, one.timestamp, one.value) for one in records]


def _difference(found: Any, wanted: Any) -> str:
    lost = [one for one in wanted if one not in found]
    more = [one for one in found if one not in wanted]
    return f"lost {lost[:3]}, invented {more[:3]}"
