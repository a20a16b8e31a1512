"""The whole of ingest over a broker and a log in memory: one seed, one history, with a crash at any point of it."""

import random
from collections import Counter
from contextlib import suppress
from typing import Any

from city_messages import KNOWN, LATER, Devices, Effect, Found, Said, is_ours
from city_registry import CityRegistry, check_rewrites
from ingest_doubles import OWNED, FixedElection, TurnedFollower
from ingest_rig import NOW
from kafka.errors import KafkaConnectionError

from ingest.decoders.topics import CLOCK_TOPIC
from ingest.outside import Outside
from ingest.service import Service
from ingest.ticker import COARSE_MS, LEADER_PARTITION
from ingest.writer import TOPICS
from runtime.settings import ClockSettings, IngestSettings, KafkaSettings, MqttSettings, Settings
from schemas.clock import Tick
from schemas.columns import BatchColumns
from schemas.envelope import decode
from schemas.identity import tier
from schemas.model import format_rfc3339, from_ms
from schemas.registry import FacilityRegistered
from schemas.topics import ACCEPTED, DAY_MS, EVENTS, QUARANTINE, REWRITES, TICKS, UNREGISTERED, Topic
from tests.memory.broker import Broker, Connection, Message, Session
from tests.memory.consumer import MemoryReader
from tests.memory.log import MemoryLog
from tests.memory.network import Network
from tests.memory.process import Crash, Violation, VirtualShutdown, VirtualTiming, silence
from tests.memory.producer import MemoryProducer

SHARD = "shard"
MESSAGES = 40
EVENING_MS = 8_000  # before midnight it begins
DEATHS = 3
ENOUGH_S = 300.0  # of virtual time after the last fault
MIDNIGHT = (NOW // DAY_MS + 1) * DAY_MS


def simulate(seed: int, crash_at: int | None = None) -> int:
    """Run one history to its end and check it; returns how many I/O points there were.

    Without ``crash_at`` the process dies, is stopped and suffers faults at random; with it, it dies at that point and
    nothing else goes wrong.

    Raises:
        Violation: what ingest promises does not hold.
    """
    with silence():
        city = City(seed, crash_at)
        try:
            while not city.done:
                city.run()
            city.check()
        finally:
            city.network.cut()
        return city.points


class City:
    """Devices, the broker, Kafka, and one ingest after the other."""

    def __init__(self, seed: int, crash_at: int | None) -> None:
        self.dice = random.Random(seed)
        self.points = 0
        self.done = False
        self.log = MemoryLog()
        mode = self.dice.choice(["wall", "wall", "feed"])
        self.timing = VirtualTiming(self.io, MIDNIGHT - self.dice.randint(0, EVENING_MS))
        self.broker = Broker()
        self.network = Network(self.broker, self.io)
        self._crash_at = crash_at
        self._calm = crash_at is not None
        self._deaths = DEATHS
        self._devices = Devices(self.dice)
        self._left = MESSAGES
        self._said: dict[int, Said] = {}
        self._accepted_ms: dict[Effect, int] = {}
        self._clocks: dict[int, int] = {}
        self._kafka_back_s = self._broker_back_s = 0.0
        self._calm_since_s: float | None = None
        self._found = Found()
        self._read: Counter[tuple[str, int]] = Counter()
        self._busy = False
        self._service: Service | None = None
        self._shutdown = VirtualShutdown(self.timing, self.io)
        self._producers: list[MemoryProducer] = []
        self._refusals = 0
        self._follower: TurnedFollower | None = None
        dice = self.dice
        self.settings = Settings.model_construct(
            site="test",
            clock=ClockSettings(mode=mode),
            kafka=KafkaSettings(),
            mqtt=MqttSettings(),
            ingest=IngestSettings(
                client_id=SHARD,
                in_flight_max=dice.randint(3, 20),
                receive_maximum=dice.randint(1, 20),
                linger_ms=dice.choice([0, 20, 200]),
            ),
        )
        self._registry = CityRegistry(self.log, self.timing)
        self._registry.register(*KNOWN)
        while self._registry.is_loading:
            self._registry.go_on()
        self.broker.sessions[SHARD] = Session({"eyes/v1/#": 1})  # it is there before anybody publishes
        self.broker.acknowledged = self._acknowledged
        self._say_clock()  # a feeder says how late it is before anything else

    # ------------------------------------------------------------------------------------------------- its processes

    def run(self) -> None:
        """One process until it ends or dies."""
        self._shutdown = VirtualShutdown(self.timing, self.io)
        self._producers, self._follower, self._refusals = [], None, 0
        self.timing.now_s += 0.1  # nothing starts within the millisecond in which another died
        outside: Any = Outside(
            timing=self.timing,
            dial=self.network.dial,
            open_producer=self._open_producer,
            open_reader=self._open_reader,
            require_topics=lambda *_: self.io("kafka.topics"),
            follower=self._make_follower,  # type: ignore[arg-type]
            election=FixedElection,  # type: ignore[arg-type]
        )
        service = self._service = Service(self.settings, self._shutdown, outside)
        try:
            service.run()
        except Crash:
            pass
        finally:
            self._bury(service)

    def _bury(self, service: Service) -> None:
        """What the kernel does for a process that is gone; what it had sent to Kafka may arrive."""
        self._service = None
        bridge = service._bridge
        if (sock := bridge._client.socket()) is not None:
            sock.close()
            bridge._client._sock = None
        bridge._wake_r.close()
        bridge._wake_w.close()
        for producer in self._producers:
            while producer.waiting and self.dice.random() < 0.7:
                producer.arrive(self.dice.choice(producer.waiting))

    def _open_producer(self, _settings: Settings) -> Any:
        self._kafka_io("kafka.connect")
        producer = MemoryProducer(self.log, {topic.name: topic.partitions for topic in TOPICS}, self.timing.wall_ms)
        send = producer.send

        def sending(*args: Any, **kwargs: Any) -> Any:
            self.io("kafka.send")
            future = send(*args, **kwargs)
            self.io("kafka.sent")
            return future

        producer.send = sending  # type: ignore[method-assign]
        self._producers.append(producer)
        if len(self._producers) > 1 + self._refusals:
            raise Violation("a producer was thrown away, and Kafka had refused nothing")
        return producer

    def _open_reader(self, *_: Any, **__: Any) -> MemoryReader:
        self._kafka_io("kafka.connect")
        return MemoryReader(self.log, self._kafka_io, lambda _s: None)

    def _make_follower(self, *arguments: Any) -> TurnedFollower:
        self._follower = TurnedFollower(*arguments)
        return self._follower

    # ---------------------------------------------------------------------------------------------------- what happens

    def io(self, _name: str) -> None:
        """A process does something outside of itself: here it may die, and here everything else happens."""
        if self._busy:
            return
        self.points += 1
        self._watch()
        if self._crash_at == self.points or (not self._calm and self._deaths and self.dice.random() < 0.004):
            self._deaths -= 1
            raise Crash
        self._busy = True
        try:
            self._stir()
        finally:
            self._busy = False

    def _kafka_io(self, name: str) -> None:
        self.io(name)
        if self.timing.now_s < self._kafka_back_s:
            raise KafkaConnectionError("away")

    def _stir(self) -> None:
        """The world goes on a little."""
        dice = self.dice
        if dice.random() < 0.5:
            self._move(dice.choice([1, 7, 100, 1 << 20]), dice.choice([1, 7, 100, 1 << 20]))
        if dice.random() < 0.5:
            self._kafka_works()
        if self._left and dice.random() < 0.2:
            self._say()
        if self._registry.is_loading and dice.random() < 0.1:
            self._registry.go_on()
        if self._follower is not None and self._follower.started and dice.random() < 0.2:
            with suppress(KafkaConnectionError):
                self._follower.turn()
        if self._left and not self._calm and dice.random() < 0.02:
            self._fault()
        if not self._left and self._calm_since_s is None:
            self._calm_since_s = self.timing.now_s
            self._calm = True
        if self._calm_since_s is not None:
            self._perhaps_end(self._calm_since_s)

    def _move(self, up: int, down: int) -> None:
        if self.timing.now_s >= self._broker_back_s:
            self.network.down = False
            self.network.pump(up, down)

    def _kafka_works(self) -> None:
        if self.timing.now_s < self._kafka_back_s:
            return
        for producer in self._producers:
            if producer.waiting:
                producer.arrive(self.dice.choice(producer.waiting))
            if self.dice.random() < 0.8:
                producer.answer(repeated=self.dice.random() < 0.02)

    def _say(self) -> None:
        """A device publishes; half-way the one that nobody knew is registered."""
        self._left -= 1
        if self._left == MESSAGES // 2:
            self._registry.register(LATER)
        elif not self._registry.is_loading and self.dice.random() < 0.1:
            self._registry.register(self.dice.choice(KNOWN))
        now_ms = self.timing.wall_ms()
        if self.dice.random() < 0.3:
            self._say_clock()
        said = self._devices.speak(now_ms)
        message = self.broker.publish(said.topic, said.payload)
        self._said[message.number] = said
        for effect in said.effects:
            self._accepted_ms.setdefault(effect, now_ms)

    def _say_clock(self) -> None:
        """The feeder's clock, where there is one."""
        if self.settings.clock.mode == "feed":
            now_ms = self.timing.wall_ms()
            clock = self.broker.publish(CLOCK_TOPIC, b'{"time": "%s"}' % format_rfc3339(from_ms(now_ms)).encode())
            self._clocks[clock.number] = now_ms

    def _fault(self) -> None:
        """Something goes wrong, or the process is asked to end."""
        dice = self.dice
        match dice.choice(["network"] * 3 + ["kafka"] * 4 + ["stop", "retire"]):
            case "network":
                self._network_fault()
            case "kafka":
                self._kafka_fault()
            case "stop":
                self._shutdown.request()
            case "retire":  # somebody thinks it will not come back
                self._registry.retire(SHARD)

    def _network_fault(self) -> None:
        dice = self.dice
        match dice.choice(["cut", "away", "stuck"]):
            case "cut":
                self.network.cut()
            case "away":
                self.network.cut()
                self.network.down = True
                self._broker_back_s = self.timing.now_s + dice.uniform(0, 10)
            case "stuck":  # nothing moves on the wire, and the line still stands
                self._broker_back_s = self.timing.now_s + dice.uniform(0, 15)

    def _kafka_fault(self) -> None:
        dice = self.dice
        match dice.choice(["away", "refuse", "unheard", "undecided"]):
            case "away":
                self._kafka_back_s = self.timing.now_s + dice.uniform(0, 20)
            case "refuse":
                for producer in filter(_is_at_work, self._producers):
                    self._refusals += 1
                    producer.refuse(dice.choice(producer.waiting))
            case "unheard":
                for producer in filter(_is_at_work, self._producers):
                    self._refusals += 1
                    producer.arrive_unheard(dice.choice(producer.waiting))
            case "undecided" if self._service is not None:
                self._service._election.rebalancing ^= True

    def _perhaps_end(self, since_s: float) -> None:
        """Nothing goes wrong any more: all must be done soon, and then the process is asked to end."""
        self._kafka_back_s = self._broker_back_s = 0.0
        session = self.broker.sessions[SHARD]
        waiting = [one for one in (*session.queue, *session.in_flight.values()) if not is_ours(one.topic)]
        service = self._service
        if service is not None:
            service._election.rebalancing = False
        if not waiting and service is not None and self._all_is_said() and not service._writer.unsettled:
            self.done = True
            self._shutdown.request()
        elif not waiting and self.dice.random() < 0.05:
            self._say_clock()  # which goes on when everybody else is silent
        elif self.timing.now_s - since_s > ENOUGH_S:
            raise Violation(f"stuck: {waiting or 'something'} still waits; {self._found.rewritten}")

    def _all_is_said(self) -> bool:
        """Whether all has come that comes by itself."""
        self._look()
        coarse = self._found.coarse_ms // COARSE_MS == self._found.ticked_ms.get(LEADER_PARTITION, 0) // COARSE_MS
        return (
            coarse
            and self._released()
            and all(map(self._found.is_rewritten, OWNED))
            and not self._registry.has_retired(SHARD)
        )

    def _released(self) -> bool:
        """Whether everything of the device that was registered late has become readings."""
        wanted = [effect for effect in self._accepted_ms if effect[1] == LATER and effect[0] == "reading"]
        return all(self._found.readings.get(effect) for effect in wanted)

    # ------------------------------------------------------------------------------------------------------ the checks

    def _watch(self) -> None:
        """Memory is bounded at every moment: what is in flight, and one chunk of a release."""
        if self._service is None:
            return
        ledger = self._service._ledger
        held = sum(one.mid > 0 for one in ledger._line) + len(ledger._orphans)
        if held > self.settings.ingest.in_flight_max + 1:
            raise Violation(f"{held} messages in memory")

    def _acknowledged(self, connection: Connection, mid: int, message: Message | None) -> None:
        """A PUBACK reached the broker."""
        if message is None or mid not in connection.brought:
            raise Violation(f"packet id {mid} was acknowledged and not delivered in this connection")
        if connection.brought[0] != mid:
            raise Violation(f"packet id {mid} was acknowledged before {connection.brought[0]}")
        self._look()
        if (time_ms := self._clocks.get(message.number)) is not None:
            self._check_ticks(time_ms)
        if (said := self._said.get(message.number)) is not None:
            self._check_log(said)

    def _check_ticks(self, time_ms: int) -> None:
        """A message of the feed's clock is acknowledged."""
        for partition in OWNED:
            if self._found.ticked_ms.get(partition, 0) < time_ms:
                raise Violation(f"the feed's clock was acknowledged and did not tick in partition {partition}")
        if self._found.coarse_ms // COARSE_MS < time_ms // COARSE_MS:
            raise Violation("the feed's clock was acknowledged and did not tick for cases")

    def _check_log(self, said: Said) -> None:
        """A device's message is acknowledged."""
        for effect in said.effects:
            if not self._found.holds(effect):
                raise Violation(f"acknowledged and not in the log: {effect}")
        device = said.effects[0][1]
        if device in KNOWN and said.effects[0][0] == "reading" and (said.topic, said.payload) not in self._found.kept:
            raise Violation(f"acknowledged and its bytes are not kept: {said}")

    def _look(self) -> None:
        """Read on in the log."""
        for topic in (EVENTS, QUARANTINE, UNREGISTERED, ACCEPTED, REWRITES, TICKS):
            for partition in range(topic.partitions):
                for _, raw in self._news(topic, partition):
                    self._found.read(topic, partition, raw)

    def _news(self, topic: Topic, partition: int) -> list[tuple[int, bytes]]:
        at = topic.name, partition
        found, self._read[at] = self.log.read(at, self._read[at], 1_000_000)
        return found

    def check(self) -> None:
        """When all is over."""
        self._look()
        self._found.check(set(self._accepted_ms), self._devices.repeated)
        self._check_bytes()
        for partition in range(EVENTS.partitions):
            events = [decode(raw).data for raw in self.log.values((EVENTS.name, partition))]
            self._check_order(events)
            check_rewrites([one for one in self._found.rewritten if one.partition == partition], events)

    def _check_bytes(self) -> None:
        """The bytes of all that was accepted are kept, and no others."""
        said = {(one.topic, one.payload) for one in self._said.values()}
        if invented := self._found.kept - said:
            raise Violation(f"kept and never said: {invented}")
        for one in self._said.values():
            accepted = any(map(self._found.was_accepted, one.effects))
            if accepted and (one.topic, one.payload) not in self._found.kept:
                raise Violation(f"in the log and its bytes are not kept: {one}")

    def _check_order(self, events: list[Any]) -> None:
        """A registration stands before its readings, a tick behind every reading it covers."""
        registered: set[str] = set()
        covered_ms = 0
        seen: set[Effect] = set()
        for event in events:
            match event:
                case FacilityRegistered(facility=one):
                    registered |= {binding.device for binding in one.devices}
                case Tick(received_to=received):
                    covered_ms = max(covered_ms, received.get(SHARD, 0))
                case BatchColumns():
                    for index, identity in zip(event.series_index, event.identity, strict=True):
                        device = event.series[index].device
                        if device not in registered:
                            raise Violation(f"{identity} of {device} stands before its registration")
                        effect = ("reading", device, identity)
                        if device not in KNOWN or tier(identity) == "c":
                            continue  # set aside before it was a reading, or under a name that no device foretells
                        if self._accepted_ms[effect] < covered_ms and effect not in seen:
                            raise Violation(f"{effect} stands behind a tick that covers it")
                        seen.add(effect)


def _is_at_work(producer: MemoryProducer) -> bool:
    return bool(producer.waiting) and not producer.closed
