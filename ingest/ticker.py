"""Time in the log: the frontier, ticks and stepped clocks."""

import itertools
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from ingest import metrics
from ingest.batches import Batches, partition_key
from ingest.clock import FeedClock, Probe, decode_probe, encode_probe
from ingest.decoders.topics import PROBE_ROOT
from ingest.ledger import AckLedger
from ingest.registry import Registry
from ingest.rewrite import Rewriter
from ingest.writer import Writer
from runtime.settings import Settings
from runtime.timing import MACHINE, Timing
from schemas.clock import ClockStepped, Tick
from schemas.model import from_ms, to_ms
from schemas.topics import EVENTS, TICKS

log: Final = structlog.get_logger()

_PROBE_S: Final = 1.0
"""Seconds between two probes where they are no ticks' business: on a feed's clock, which has no wall seconds."""
_PROBE_LOST_S: Final = 30.0
"""An outstanding probe is repeated after this: the broker may have dropped it (it expires) or lost our session."""

COARSE_MS: Final = 60_000
"""A tick of each such span of the clock also goes to ``city.ticks.v1``: deadlines of days need no seconds."""
LEADER_PARTITION: Final = 0
"""Who ticks this partition does what only one of the ingests is to do."""

Publish = Callable[[str, bytes], None]


class Ticker:
    """Knows how far this and the other shards have received, and writes it into the partitions we own."""

    def __init__(
        self,
        settings: Settings,
        *,
        start: str,
        writer: Writer,
        ledger: AckLedger,
        batches: Batches,
        registry: Registry,
        rewriter: Rewriter,
        feed: FeedClock | None,
        publish: Publish,
        timing: Timing = MACHINE,
    ) -> None:
        self._shard = settings.ingest.client_id
        self._clock = settings.clock
        self._stack = f"{settings.site}/{settings.kafka.topic_prefix}"
        self._start = start
        self._writer = writer
        self._ledger = ledger
        self._batches = batches
        self._registry = registry
        self._rewriter = rewriter
        self._feed = feed
        self._publish = publish
        self._timing = timing
        self.owned: frozenset[int] = frozenset()
        self.frontier: int | None = None
        """Clock time up to which this shard has received everything."""
        self.probed_s: float | None = None
        """Monotonic time of the newest return of a probe of this process."""
        self._confirmed: int | None = None
        self._others: dict[str, int] = {}
        self.probe_s = settings.clock.tick_s if feed is None else _PROBE_S
        """Wall seconds between two probes."""
        self._number = 0
        self._outstanding: tuple[int, float] | None = None  # number and monotonic time of sending
        self._next_s = 0.0
        self._tick_by_s: float | None = None
        self._last_tick_ms = 0
        self._unconfirmed: set[int] = set()  # partitions whose newest tick Kafka has yet to confirm
        self._coarse = 0  # how many of COARSE_MS the newest tick in city.ticks had behind it
        self._ownerless = False
        self._held: deque[tuple[int | None, int]] = deque()  # clock times (None: said before) that wait for an owner
        self._ticks = itertools.count()
        self._on_their_way: set[int] = set()  # ticks that Kafka has yet to confirm
        self._repeated: list[tuple[set[int], int]] = []  # messages that wait for ticks of their first delivery
        self._ticked: dict[int, int] = {}  # on a feed's clock: the newest tick when we began
        self._now_s = 0.0
        self._wall_ms = 0

    # ------------------------------------------------------------------------------------------------------- hearing

    def hear_probe(self, topic: str, payload: bytes, ticket: int) -> None:
        """A probe came back, ours or another ingest's.

        Raises:
            RefusedError: it is not one.
        """
        probe = decode_probe(payload)
        shard = topic.removeprefix(PROBE_ROOT)
        if probe.stack != self._stack:
            return  # another deployment on the same broker
        if shard != self._shard:
            if probe.confirmed_ms is not None:
                self._others[shard] = max(probe.confirmed_ms, self._others.get(shard, 0))
            return
        if probe.start == self._start and self._outstanding is not None and self._outstanding[0] == probe.number:
            self.probed_s = self._timing.monotonic_s()
            metrics.PROBE.set(self.probed_s - self._outstanding[1])
            self._outstanding = None
        if self._feed is None:
            self._advance(probe.sent_ms, ticket)
            if self._tick_by_s is not None and probe.start == self._start:
                self._tick_by_s = self._now_s  # what we waited for: tick as soon as the queue is empty

    def hear_clock(self, _topic: str, payload: bytes, ticket: int) -> None:
        """The feeder's clock: everything it sent before has been received, and it is now so late.

        Raises:
            RefusedError: it is not a clock message.
        """
        if self._feed is None:
            log.warning("clock_message_in_wall_mode")
            return
        time_ms = self._feed.hear(payload)
        if time_ms is not None:
            self._advance(time_ms, ticket)
        if self._held or (self._ownerless and time_ms is not None):
            self._ledger.hold(ticket)
            self._held.append((time_ms, ticket))
        elif time_ms is not None:
            self._tick_as_heard(time_ms, ticket)
        else:
            self._wait_for_ticks(ticket)

    def _tick_as_heard(self, time_ms: int, ticket: int) -> None:
        tick = self._tick(time_ms)
        for partition in sorted(self.owned):
            if time_ms <= self._ticked.get(partition, -1):
                continue  # an earlier process got so far, and what it received before stands before its tick
            self._ledger.hold(ticket)  # the broker repeats the message until its ticks are in Kafka
            self._write_tick(partition, tick, (ticket,))
        self._write_coarse(tick, (ticket,))

    def _wait_for_ticks(self, ticket: int) -> None:
        """Said before, perhaps in a connection that is gone: then its ticks may not be in Kafka yet."""
        if self._on_their_way:
            self._ledger.hold(ticket)
            self._repeated.append((set(self._on_their_way), ticket))

    def wait_for_owner(self, ownerless: bool) -> None:  # noqa: FBT001 - one caller
        """While it is undecided who owns what, keep the feed's clock messages; then tick what is ours."""
        self._ownerless = ownerless
        while self._held and not ownerless:
            time_ms, ticket = self._held.popleft()
            if time_ms is None:
                self._wait_for_ticks(ticket)
            else:
                self._tick_as_heard(time_ms, ticket)
            self._ledger.confirm(ticket)

    def resume(self, ticks: dict[int, int], coarse_ms: int) -> None:
        """The clock had come so far in each partition, and in ``city.ticks.v1``, when we began."""
        if self._feed is not None:
            self._ticked = ticks
        self._coarse = coarse_ms // COARSE_MS

    def _advance(self, frontier: int, ticket: int) -> None:
        self.frontier = max(frontier, self.frontier or 0)
        self._ledger.mark(ticket, self.frontier)
        metrics.RECEIVED_TO.set(self.frontier / 1000)

    def confirmed(self, frontier: int) -> None:
        """Kafka has everything up to here; the next probe tells the other ingests."""
        self._confirmed = max(frontier, self._confirmed or 0)

    def reset(self) -> None:
        """Kafka refused something: only what was confirmed was received."""
        self.frontier = self._confirmed
        self._held.clear()
        if self._feed is not None:
            self._feed.forget()
        self._unconfirmed.clear()
        self._on_their_way.clear()
        self._repeated.clear()
        self._rewriter.reset()
        self._coarse = 0  # what was on its way there may be lost

    # ------------------------------------------------------------------------------------------------------- ticking

    def step(self, now_s: float, wall_ms: int) -> None:
        """Send a probe when one is due; in wall mode tick when it came back, or soon without it."""
        self._now_s, self._wall_ms = now_s, wall_ms
        if self._tick_by_s is not None and now_s >= self._tick_by_s:
            self._tick_by_s = None
            self._last_tick_ms = max(self._last_tick_ms, wall_ms)
            tick = self._tick(self._last_tick_ms)
            for partition in sorted(self.owned - self._unconfirmed):  # Kafka away: ticks must not pile up
                self._write_tick(partition, tick, ())
            self._write_coarse(tick, ())
        if now_s >= self._next_s:
            self._next_s += self.probe_s
            if self._next_s <= now_s:
                self._next_s = now_s + self.probe_s
            self._send_probe(now_s, wall_ms)
            if self._feed is None:
                self._tick_by_s = now_s + min(0.5, self._clock.tick_s / 2)

    @property
    def next_s(self) -> float:
        """Monotonic time at which :meth:`step` has something to do."""
        return self._next_s if self._tick_by_s is None else min(self._next_s, self._tick_by_s)

    def _send_probe(self, now_s: float, wall_ms: int) -> None:
        if self._outstanding is not None and now_s - self._outstanding[1] < _PROBE_LOST_S:
            return
        self._number += 1
        self._outstanding = self._number, now_s
        sent_ms = wall_ms if self._feed is None else (self._feed.now_ms or 0)
        probe = Probe(self._stack, self._start, self._number, sent_ms, self._confirmed)
        self._publish(PROBE_ROOT + self._shard, encode_probe(probe))

    def connection_lost(self) -> None:
        """The probe on its way may be gone: the next step sends another."""
        self._outstanding = None
        self._next_s = 0.0

    def _write_tick(self, partition: int, tick: Tick, tickets: tuple[int, ...]) -> None:
        self._batches.flush(partition)
        number = next(self._ticks)
        self._unconfirmed.add(partition)
        self._on_their_way.add(number)
        self._writer.write(
            EVENTS,
            partition,
            partition_key(partition),
            tick,
            self._wall_ms,
            tickets=tickets,
            confirmed=lambda _: self._tick_confirmed(partition, number),
        )
        metrics.TICKS.inc()
        self._rewriter.ticked(partition, to_ms(tick.time))

    def _write_coarse(self, tick: Tick, tickets: tuple[int, ...]) -> None:
        coarse = to_ms(tick.time) // COARSE_MS
        if LEADER_PARTITION not in self.owned or coarse <= self._coarse:
            return
        self._coarse = coarse
        for ticket in tickets:
            self._ledger.hold(ticket)
        number = next(self._ticks)
        self._on_their_way.add(number)
        self._writer.write(
            TICKS,
            0,
            "clock",
            tick,
            self._wall_ms,
            tickets=tickets,
            confirmed=lambda _: self._arrived(number),
        )

    def _tick(self, time_ms: int) -> Tick:
        retired = self._registry.retired - {self._shard}
        received_to = {shard: to for shard, to in self._others.items() if shard not in retired}
        if self.frontier is not None:
            received_to[self._shard] = self.frontier
        return Tick(
            time=from_ms(time_ms),
            generation=self._clock.generation,
            cadence_ms=max(1, round(self._clock.tick_s * 1000)),
            ticker=self._shard,
            received_to=received_to,
            retired=tuple(sorted(retired)),
        )

    def _tick_confirmed(self, partition: int, number: int) -> None:
        self._unconfirmed.discard(partition)
        self._arrived(number)

    def _arrived(self, number: int) -> None:
        """Kafka has this tick; who waited for it and for no other has waited long enough."""
        self._on_their_way.discard(number)
        waiting, self._repeated = self._repeated, []
        for ticks, ticket in waiting:
            ticks.discard(number)
            if ticks:
                self._repeated.append((ticks, ticket))
            else:
                self._ledger.confirm(ticket)

    def own(self, partitions: frozenset[int]) -> None:
        """Ownership changed."""
        self.owned = partitions
        self._rewriter.own(partitions)
        metrics.TICK_PARTITIONS.set(len(partitions))

    # ----------------------------------------------------------------------------------------------- rarer than ticks

    def clock_stepped(self, before_ms: int, after_ms: int) -> None:
        """Confess it in every partition we own."""
        log.warning("clock_stepped", before_ms=before_ms, after_ms=after_ms)
        event = ClockStepped(before=from_ms(before_ms), after=from_ms(after_ms), ticker=self._shard)
        for partition in sorted(self.owned):
            self._batches.flush(partition)
            self._writer.write(EVENTS, partition, partition_key(partition), event, after_ms)
