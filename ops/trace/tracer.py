"""``eyes trace``: from an id to the bytes. What a later kind of id names (a case names findings) begins here."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from ingest.decoders.catalogue import Catalogue
from ops.trace.chain import Link, Message, Missing, Row, Step, Trace
from ops.trace.log import Log
from ops.trace.reading import data_of, event_of, needle
from ops.trace.search import SLACK_MS, Search, home, message_of, moments
from ops.trace.tables import Hint, Tables
from runtime.errors import FatalError
from schemas.anomaly import Anomaly, Transition
from schemas.identity import derivation, reading_id
from schemas.model import format_rfc3339, from_ms
from schemas.observation import Quality
from schemas.partitioning import partition_of
from schemas.quarantine import Quarantined, UnregisteredReadings
from schemas.topics import ACCEPTED, ANOMALIES, DERIVED, EVENTS, QUARANTINE, UNREGISTERED, Topic

PREFIX_MIN: Final = 8
_HEX: Final = re.compile(rf"[0-9a-f]{{{PREFIX_MIN},32}}")
_REFERENCE: Final = re.compile(r"(.+?)/([a-z0-9_]+)/([abcd]:.*)", re.DOTALL)
_KINDS: Final = ((ANOMALIES, Anomaly, "finding"), (QUARANTINE, Quarantined, "quarantined"))
_EVERYWHERE: Final = range(EVENTS.partitions)

Note = Callable[[str], None]
Advance = Callable[[int], None]


class Tracer:
    """Walks one chain after the other.

    Args:
        log: where the truth is.
        tables: where to look for it.
        note: told what takes longer than usual, and why.
        advance: told how many stored readings were looked at since it was told last.
        catalogue: decodes messages; None: by the default routes.
    """

    def __init__(
        self,
        log: Log,
        tables: Tables,
        note: Note,
        advance: Advance = lambda _rows: None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._log = log
        self._tables = tables
        self._note = note
        self._advance = advance
        self._search = Search(log, catalogue)

    def trace(self, text: str) -> Trace:
        """The chain of an id, the beginning of one, or DEVICE/PROPERTY/IDENTITY.

        Raises:
            FatalError: it is no id, names nothing, or its beginning names several things.
            kafka.errors.KafkaError: Kafka cannot be reached.
        """
        asked = parse(text)
        if isinstance(asked, Reference):
            return self._reading(reading_id(*asked), self._tables.reading(*asked), needle(asked.identity))
        low, high = asked
        kind, id_, hint = self._named(text, low, high)
        if hint is not None:
            return self._reading(id_, hint, None)
        if kind == "finding":
            return self._finding(id_)
        if kind == "quarantined":
            return self._refused(id_)
        if kind == "unregistered":
            return self._waiting(id_)
        return self._cited(id_)

    # ---------------------------------------------------------------------------------------------- what the id names

    def _named(self, text: str, low: UUID, high: UUID) -> tuple[str, UUID, Hint | None]:
        """Kind and id; of a reading that no finding names also where it is."""
        found = set(self._tables.named(low, high))
        if not found:
            self._note(self._tables.away or f"the tables know no {text}; looking through the log")
            found = set(self._named_in_log(low, high))
        if not found and (hint := self._tables.search(low, high, self._advance)):
            return "reading", hint.id, hint
        if len(found) > 1:
            names = ", ".join(f"{id_} ({kind})" for kind, id_ in sorted(found))
            raise FatalError(f"{text} is the beginning of several ids: {names}")
        for kind, id_ in found:
            return kind, id_, None
        hint_text = self._tables.away and f"; the database, which knows more, does not answer ({self._tables.away})"
        raise FatalError(
            f"nothing with id {text}: no finding, no reading that is stored, nothing set aside{hint_text}; "
            "a reading can also be named as DEVICE/PROPERTY/IDENTITY"
        )

    def _named_in_log(self, low: UUID, high: UUID) -> Iterator[tuple[str, UUID]]:
        start = _common(str(low), str(high)).encode()
        for topic, model, kind in (*_KINDS, (UNREGISTERED, UnregisteredReadings, "unregistered")):
            for record in self._whole(topic):
                data = data_of(record) if b'"id":"' + start in record.value else None
                if isinstance(data, model) and low <= data.id <= high:
                    yield kind, data.id

    def _whole(self, topic: Topic) -> Iterator[Any]:
        for partition in range(topic.partitions):
            yield from self._log.behind(topic, partition, 0)

    # -------------------------------------------------------------------------------------------------------- findings

    def _finding(self, id_: UUID) -> Trace:
        trace = Trace(id_, "finding")
        trace.steps = self._steps(id_)
        if not trace.steps:
            trace.missing.append(Missing("finding", str(id_), f"{ANOMALIES.name} does not hold it (any more)"))
            return trace
        if trace.steps[0].anomaly.transition is not Transition.RAISED:
            why = f"{ANOMALIES.name} no longer holds how it was raised"
            trace.missing.append(Missing("finding", str(id_), why))
        rows: dict[UUID, Row] = {}
        for step in trace.steps:
            wanted = [one for one in step.anomaly.evidence if one not in rows]
            rows |= self._evidence(step, wanted)
            if lost := [one for one in wanted if one not in rows]:
                why = self._search.why_gone(EVENTS, partition_of(step.anomaly.zone, EVENTS.partitions), None)
                trace.missing += [Missing("reading", str(one), why) for one in lost]
        self._link(trace, list(rows.values()))
        return trace

    def _steps(self, id_: UUID) -> list[Step]:
        """Each step, in the order of the log; a step that was published twice stands where it was first."""
        steps: dict[str, Step] = {}
        partition, behind = -1, 0
        for zone, event_id, offset in self._tables.steps(id_):
            partition = partition_of(zone, ANOMALIES.partitions)
            step = self._step(self._log.record(ANOMALIES, partition, offset), id_)
            if step is None or step.event_id != event_id:
                partition = -1  # the tables speak of another log
                break
            steps[event_id], behind = step, offset + 1
        if partition < 0:
            steps.clear()
            records = self._whole(ANOMALIES)
        elif next(reversed(steps.values())).anomaly.transition is Transition.CLEARED:
            return list(steps.values())
        else:  # it may have gone on, and the archive not have got so far
            records = self._log.behind(ANOMALIES, partition, behind)
        text = str(id_).encode()
        for record in records:
            step = self._step(record, id_) if text in record.value else None
            if step is not None:
                steps.setdefault(step.event_id, step)
        return list(steps.values())

    def _step(self, record: Any, id_: UUID) -> Step | None:
        event = None if record is None else event_of(record)
        if event is None or not isinstance(event.data, Anomaly) or event.data.id != id_:
            return None
        return Step(self._log.place(ANOMALIES, record), event.id, event.data)

    def _evidence(self, step: Step, wanted: Sequence[UUID]) -> dict[UUID, Row]:
        if not wanted:
            return {}
        anomaly = step.anomaly
        around = list(dict.fromkeys((anomaly.at, anomaly.since)))
        hints = self._tables.evidence(anomaly.zone, around, set(wanted))
        rows = self._search.rows(list(hints.values()))
        if left := [one for one in wanted if one not in rows]:
            partition = partition_of(anomaly.zone, EVENTS.partitions)
            text = needle(anomaly.zone)
            rows |= self._search.rows_before([partition], dict.fromkeys(left, text), step.place.written_ms + SLACK_MS)
        return rows

    # -------------------------------------------------------------------------------------------------------- readings

    def _cited(self, id_: UUID) -> Trace:
        cited = self._tables.cited(id_)
        if cited is None:
            return self._reading(id_, None, None)
        zone, since, at = cited
        hint = self._tables.evidence(zone, (at, since), {id_}).get(id_)
        return self._reading(id_, hint, needle(zone), [partition_of(zone, EVENTS.partitions)])

    def _reading(
        self, id_: UUID, hint: Hint | None, text: bytes | None, partitions: Sequence[int] = _EVERYWHERE
    ) -> Trace:
        """Follow a reading; ``text`` stands in its record, which is in one of these partitions."""
        trace = Trace(id_, "reading")
        rows: dict[UUID, Row] = {}
        if hint is not None:
            text, partitions = needle(hint.identity), [partition_of(hint.zone, EVENTS.partitions)]
            released = hint.quality == Quality.RELEASED
            rows = self._released(hint) if released else self._search.rows([hint])
        if not rows and text is not None:
            self._note("not where the tables say; looking backwards through the log" if hint else "looking backwards")
            rows = self._search.rows_before(partitions, {id_: text}, None)
        if rows:
            self._link(trace, list(rows.values()))
        elif hint is not None:
            why = self._search.why_gone(home(hint.identity), partitions[0], hint.arrival_ms)
            trace.missing.append(Missing("reading", str(id_), why))
        else:
            raise FatalError(f"no reading {id_} in the tables, nor in what {EVENTS.name} and {DERIVED.name} held last")
        return trace

    def _released(self, hint: Hint) -> dict[UUID, Row]:
        """A released reading entered the log long after it arrived: just before its release was marked."""
        waited = self._tables.waited(hint.device, hint.observed_property, hint.identity)
        found = None if waited is None else self._search.waiting_message(*waited)
        released_ms = None if found is None else self._search.released_ms(hint.device, found[0].place)
        if released_ms is None:
            return {}
        partition = partition_of(hint.zone, EVENTS.partitions)
        return self._search.rows_before([partition], {hint.id: needle(hint.identity)}, released_ms + SLACK_MS)

    def _link(self, trace: Trace, rows: list[Row]) -> None:
        """Add the readings with the messages they came in, those that were derived before those they were made of."""
        rows = self._undone(trace, rows)
        accepted = self._search.messages([row for row in rows if row.quality is not Quality.RELEASED])
        for row in rows:
            again = False
            if row.quality is Quality.RELEASED:
                message: Message | None = self._search.waited_since(row)
            else:
                message, again = accepted.get(row.id, (None, False))
            trace.links.append(Link(row, message, again))
            if message is None:
                trace.missing.append(Missing("message", str(row.id), self._no_message(row)))

    def _undone(self, trace: Trace, rows: list[Row]) -> list[Row]:
        """Add those that no device sent; gives the others, and what the first were made of."""
        sent = {row.id: row for row in rows if derivation(row.identity) is None}
        for row in rows:
            made = derivation(row.identity)
            if made is None:
                continue
            hints = self._tables.at(row.device, made.observed_property, moments(made))
            counts = sorted(self._search.counts(row, made, hints), key=lambda one: one.time_ms)
            trace.links.append(Link(row, made_of=tuple(one.id for one in counts)))
            sent |= {one.id: one for one in counts}
            for time_ms in sorted(moments(made) - {one.time_ms for one in counts}):
                why = self._search.why_gone(EVENTS, row.place.partition, time_ms)
                of = f"{row.device}/{made.observed_property} at {format_rfc3339(from_ms(time_ms))}"
                trace.missing.append(Missing("reading", of, why))
        return list(sent.values())

    def _no_message(self, row: Row) -> str:
        if row.quality is Quality.RELEASED:
            return self._search.why_gone(
                UNREGISTERED, partition_of(row.device, UNREGISTERED.partitions), row.arrival_ms
            )
        return self._search.why_gone(ACCEPTED, partition_of(row.shard, ACCEPTED.partitions), row.arrival_ms)

    # ------------------------------------------------------------------------------------------------------- set aside

    def _waiting(self, id_: UUID) -> Trace:
        trace = Trace(id_, "unregistered")
        at = self._tables.waiting(id_)
        found = None if at is None else self._search.waiting_message(*at)
        if found is None or found[1].id != id_:
            found = self._waiting_in_log(id_)
        if found is None:
            why = f"{UNREGISTERED.name} does not hold it (any more)"
            trace.missing.append(Missing("message", str(id_), why))
            return trace
        trace.message, waiting = found
        released_ms = self._search.released_ms(waiting.device, trace.message.place)
        if released_ms is None:
            trace.said = f"{waiting.device} is registered nowhere: it waits"
            return trace
        trace.said = f"{waiting.device} was registered, and it was released"
        wanted = {reading_id(waiting.device, name, identity): needle(identity) for name, identity in waiting.identities}
        rows = self._search.rows_before(_EVERYWHERE, wanted, released_ms + SLACK_MS)
        trace.links = [Link(row, trace.message) for row in rows.values()]
        return trace

    def _waiting_in_log(self, id_: UUID) -> tuple[Message, UnregisteredReadings] | None:
        text = str(id_).encode()
        for record in self._whole(UNREGISTERED):
            data = data_of(record) if text in record.value else None
            if isinstance(data, UnregisteredReadings) and data.id == id_:
                return message_of(self._log.place(UNREGISTERED, record), data), data
        return None

    def _refused(self, id_: UUID) -> Trace:
        trace = Trace(id_, "quarantined")
        arrival_ms = self._tables.refused_ms(id_)
        text = str(id_).encode()
        for record in self._written_near(QUARANTINE, arrival_ms):
            data = data_of(record) if text in record.value else None
            if isinstance(data, Quarantined) and data.id == id_:
                place = self._log.place(QUARANTINE, record)
                arrived_ms = round(data.arrival_time.timestamp() * 1000)
                trace.message = Message(place, 0, data.mqtt_topic, arrived_ms, data.payload, data.payload_bytes)
                trace.said = f"{data.reason.value}: {data.detail}"
                return trace
        why = f"{QUARANTINE.name} does not hold it (any more)"
        trace.missing.append(Missing("message", str(id_), why))
        return trace

    def _written_near(self, topic: Topic, arrival_ms: int | None) -> Iterator[Any]:
        """What was written soon after this, and then everything."""
        if arrival_ms is not None:
            for partition in range(topic.partitions):
                for record, beyond in self._search.near(topic, partition, arrival_ms, arrival_ms):
                    if beyond:
                        break
                    yield record
        yield from self._whole(topic)


class Reference(NamedTuple):
    """A reading by what its id is made of."""

    device: str
    observed_property: str
    identity: str


class IdRange(NamedTuple):
    """The smallest and the largest id that begin alike."""

    low: UUID
    high: UUID


def parse(text: str) -> Reference | IdRange:
    """What a person means.

    Raises:
        FatalError: it is no id, nor the beginning of one, nor DEVICE/PROPERTY/IDENTITY.
    """
    if named := _REFERENCE.fullmatch(text):
        return Reference(*named.groups())
    digits = text.replace("-", "").lower()
    if not _HEX.fullmatch(digits):
        raise FatalError(
            f"{text!r} is no id: at least {PREFIX_MIN} hexadecimal digits, or DEVICE/PROPERTY/IDENTITY of a reading"
        )
    return IdRange(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f")))


def _common(one: str, other: str) -> str:
    """What both begin with."""
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))
    return one[:length]
