"""Finds readings and their messages in the log: by their arrival where it is known, backwards where it is not."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from ingest.decoders.base import Message as Inward
from ingest.decoders.catalogue import Catalogue
from ops.trace.chain import Message, Place, Row
from ops.trace.log import Log
from ops.trace.reading import data_of, devices_in, leads_to, needle, rows_of
from ops.trace.tables import Hint
from schemas.columns import AcceptedColumns
from schemas.device import DecoderContext
from schemas.identity import Derivation, boot_and_channel, derivation
from schemas.model import format_rfc3339, from_ms, to_ms
from schemas.partitioning import partition_of
from schemas.quarantine import ReadingsReleased, UnregisteredReadings
from schemas.topics import ACCEPTED, CONTEXTS, DERIVED, EVENTS, UNREGISTERED, Topic

T = TypeVar("T")

SLACK_MS: Final = 5_000  # clocks of machines differ; a wall clock put back is confessed in the log (ClockStepped)
LAG_MS: Final = 60_000
"""From arrival to the log, when all is well: ingest's watchdog ends it after a minute without progress."""
GAP_MS: Final = 60_000
BACK_RECORDS: Final = 200_000
BEYOND_BYTES: Final = 256 * 1024 * 1024
BEYOND_RECORDS: Final = 100_000
"""How much more is read when it does not stand where it should. While Kafka was away, it stands behind at most what was
in flight (``ingest.in_flight_max_mib``); where ingest died, also behind what the broker sent before it came again
(``ingest.receive_maximum``)."""


class Search:
    """Looks things up in one log."""

    def __init__(self, log: Log, catalogue: Catalogue | None = None) -> None:
        """``catalogue`` decodes messages; None: by the default routes."""
        self._log = log
        self._catalogue = catalogue or Catalogue()
        self._has_learned = False

    def near(self, topic: Topic, partition: int, begin_ms: int, end_ms: int) -> Iterator[tuple[Any, bool]]:
        """What was written when messages that arrived in this span were, and, marked as beyond, some more."""
        size = records = 0
        for record in self._log.since(topic, partition, begin_ms - SLACK_MS):
            beyond = record.timestamp > end_ms + LAG_MS
            yield record, beyond
            if beyond:
                size, records = size + len(record.value), records + 1
                if size > BEYOND_BYTES or records > BEYOND_RECORDS:
                    return

    # ------------------------------------------------------------------------------------------------------ readings

    def rows(self, hints: Sequence[Hint]) -> dict[UUID, Row]:
        """The readings that arrived when these hints say."""
        found: dict[UUID, Row] = {}
        lanes: dict[tuple[Topic, int], list[Hint]] = {}
        for hint in hints:
            lanes.setdefault((home(hint.identity), partition_of(hint.zone, EVENTS.partitions)), []).append(hint)
        for (topic, partition), lane in lanes.items():
            for begin, end, group in clusters(lane, lambda hint: hint.arrival_ms):
                wanted = {hint.id: needle(hint.identity) for hint in group}
                for record, _ in self.near(topic, partition, begin, end):
                    if any(text in record.value for text in wanted.values()):
                        self._pick(topic, record, wanted, found)
                    if not wanted:
                        break
        return found

    def rows_before(self, partitions: Sequence[int], wanted: dict[UUID, bytes], to_ms_: int | None) -> dict[UUID, Row]:
        """Readings of which only the id is known and a text that their records hold; what was written until then."""
        found: dict[UUID, Row] = {}
        left = dict(wanted)
        for topic, partition in ((topic, partition) for topic in (DERIVED, EVENTS) for partition in partitions):
            for chunk in self._log.before(topic, partition, to_ms_, BACK_RECORDS):
                if not left:
                    return found
                texts = set(left.values())
                for record in chunk:
                    if any(text in record.value for text in texts):
                        self._pick(topic, record, left, found)
        return found

    def counts(self, row: Row, made: Derivation, hints: Sequence[Hint]) -> list[Row]:
        """What a derived reading was made of; ``hints`` say where the readings of those moments may be."""
        found = [one for one in self.rows(hints).values() if _is_count(one, row, made)]
        left = moments(made) - {one.time_ms for one in found}
        if not left:
            return found
        text = needle(row.device)
        for chunk in self._log.before(EVENTS, row.place.partition, row.place.written_ms + SLACK_MS, BACK_RECORDS):
            for record in (record for record in chunk if text in record.value):
                rows = rows_of(data_of(record), self._log.place(EVENTS, record))
                found += (one for one in rows if one.time_ms in left and _is_count(one, row, made))
            left -= {one.time_ms for one in found}
            if not left:
                break
        # Of copies, also within one record, the first is what was taken in.
        first: dict[UUID, Row] = {}
        for one in sorted(found, key=lambda one: one.place.offset):
            first.setdefault(one.id, one)
        return list(first.values())

    def _pick(self, topic: Topic, record: Any, wanted: dict[UUID, bytes], found: dict[UUID, Row]) -> None:
        """Take out of a record what is wanted of it."""
        texts = set(wanted.values())
        for row in rows_of(data_of(record), self._log.place(topic, record)):
            if needle(row.identity) not in texts and needle(row.zone) not in texts:
                continue  # an id costs more than the comparison
            if (id_ := row.id) in wanted:
                del wanted[id_]
                found[id_] = row

    # ------------------------------------------------------------------------------------------------------ messages

    def messages(self, rows: Sequence[Row]) -> dict[UUID, tuple[Message, bool]]:
        """The message of each reading that was not released, and whether it is that of another delivery."""
        found: dict[UUID, tuple[Message, bool]] = {}
        lanes: dict[str, list[Row]] = {}
        for row in rows:
            lanes.setdefault(row.shard, []).append(row)
        for shard, lane in lanes.items():
            partition = partition_of(shard, ACCEPTED.partitions)
            for begin, end, group in clusters(lane, lambda row: row.arrival_ms):
                found |= self._messages(partition, begin, end, group)
        return found

    def _messages(self, partition: int, begin: int, end: int, group: list[Row]) -> dict[UUID, tuple[Message, bool]]:
        exact: dict[UUID, tuple[Message, bool]] = {}
        again: dict[UUID, tuple[Message, bool]] = {}
        wanted = {row.id: row for row in group}
        catalogue = self._learned()  # before the log is read on: it reads one partition at a time
        for record, beyond in self.near(ACCEPTED, partition, begin, end):
            if beyond and wanted.keys() <= again.keys():
                break
            for row, message in self._matches(record, list(wanted.values()), catalogue):
                if message.arrival_ms == row.arrival_ms:
                    exact[row.id] = message, False
                    wanted.pop(row.id, None)
                else:
                    again.setdefault(row.id, (message, True))
            if not wanted:
                break
        return {**{id_: again[id_] for id_ in wanted if id_ in again}, **exact}

    def _matches(self, record: Any, rows: list[Row], catalogue: Catalogue) -> Iterator[tuple[Row, Message]]:
        data = data_of(record) if rows else None
        if not isinstance(data, AcceptedColumns):
            return
        place = self._log.place(ACCEPTED, record)
        columns = zip(data.mqtt_topic, data.arrival_time, data.payload, strict=True)
        for number, (topic, arrival_ms, payload) in enumerate(columns):
            devices = devices_in(catalogue, topic, payload, arrival_ms)
            for row in rows:
                if row.device in devices and leads_to(topic, payload, row, catalogue):
                    yield row, Message(place, number, topic, arrival_ms, payload, len(payload))

    def _learned(self) -> Catalogue:
        """The decoders, knowing what ingest's know by now of births and discovery."""
        if not self._has_learned:
            self._has_learned = True
            for record in self._log.behind(CONTEXTS, 0, 0):
                if isinstance(data := data_of(record), DecoderContext):
                    self._catalogue.learn(data.decoder, Inward(data.mqtt_topic, data.payload, data.arrival_time))
        return self._catalogue

    # ----------------------------------------------------------------------------------------------------- set aside

    def waiting_message(self, partition: int, offset: int) -> tuple[Message, UnregisteredReadings] | None:
        """The message that was set aside at this place."""
        record = self._log.record(UNREGISTERED, partition, offset)
        data = None if record is None else data_of(record)
        if not isinstance(data, UnregisteredReadings):
            return None
        return message_of(self._log.place(UNREGISTERED, record), data), data

    def waited_since(self, row: Row) -> Message | None:
        """The message of a released reading, as it was set aside when it arrived."""
        partition = partition_of(row.device, UNREGISTERED.partitions)
        for record, _ in self.near(UNREGISTERED, partition, row.arrival_ms, row.arrival_ms):
            data = data_of(record) if needle(row.identity) in record.value else None
            if not isinstance(data, UnregisteredReadings) or data.device != row.device:
                continue
            if (row.observed_property, row.identity) in data.identities:
                return message_of(self._log.place(UNREGISTERED, record), data)
        return None

    def released_ms(self, device: str, at: Place) -> int | None:
        """When the message that was set aside at this place was released; None if it still waits."""
        text = needle(device)
        for record in self._log.behind(UNREGISTERED, at.partition, at.offset + 1):
            data = data_of(record) if text in record.value else None
            if isinstance(data, ReadingsReleased) and data.device == device and data.through >= at.offset:
                return int(record.timestamp)
        return None

    # ----------------------------------------------------------------------------------------------------------- why

    def why_gone(self, topic: Topic, partition: int, written_ms: int | None) -> str:
        """Why what was written then (None: nobody knows when) is not to be found."""
        begins = self._log.begins(topic, partition)
        if begins is None:
            return f"{topic.name} {partition} holds nothing (any more)"
        offset, begins_ms = begins
        if offset > 0 and (written_ms is None or written_ms - SLACK_MS < begins_ms):
            since = format_rfc3339(from_ms(begins_ms))
            return f"{topic.name} {partition} holds only what was written since {since} (retention)"
        return f"{topic.name} {partition} does not hold it where it should stand"


def home(identity: str) -> Topic:
    """Where a reading of this identity stands in the log."""
    return EVENTS if derivation(identity) is None else DERIVED


def moments(made: Derivation) -> set[int]:
    """The event times of what a derived reading was made of: one of a delta, else both ends."""
    return {made.time_ms} if made.observed_property.endswith("_delta") else {made.since_ms, made.time_ms}


def _is_count(one: Row, of: Row, made: Derivation) -> bool:
    """Whether a reading is one that this was made of; what arrived later is at best a copy."""
    return (
        (one.device, one.facility, one.zone) == (of.device, of.facility, of.zone)
        and one.observed_property == made.observed_property
        and one.time_ms in moments(made)
        and one.arrival_ms <= of.arrival_ms
        and boot_and_channel(one.identity)[1] == made.channel
    )


def message_of(place: Place, data: UnregisteredReadings) -> Message:
    """A message that was set aside, as it was received."""
    return Message(place, 0, data.mqtt_topic, to_ms(data.arrival_time), data.payload, len(data.payload))


def clusters(items: Sequence[T], when: Callable[[T], int]) -> Iterator[tuple[int, int, list[T]]]:
    """Items that are near in time, together: first and last time, and the items."""
    group: list[T] = []
    for item in sorted(items, key=when):
        if group and when(item) - when(group[-1]) > GAP_MS:
            yield when(group[0]), when(group[-1]), group
            group = []
        group.append(item)
    if group:
        yield when(group[0]), when(group[-1]), group
