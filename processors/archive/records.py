"""What the archive reads, under which name, and how a record becomes what it works with."""

from typing import Final

from processors.archive.rows import Item
from schemas.envelope import UnknownEventError, decode
from schemas.topics import ANOMALIES, DERIVED, DEVICES, EVENTS, QUARANTINE, UNREGISTERED, VERDICTS

GROUP: Final = "eyes-archive"
"""Its consumer group, and with the topic prefix the name its offsets stand under in the database."""
TOPICS: Final = (EVENTS, DERIVED, ANOMALIES, QUARANTINE, UNREGISTERED, DEVICES, VERDICTS)


def item_of(topic: str, partition: int, offset: int, timestamp_ms: int, value: bytes | None) -> Item:
    """A record as an item; what is no event of ours says why."""
    raw = value or b""
    event, error = None, ""
    try:
        event = decode(raw)
    except UnknownEventError as unknown:
        error = str(unknown)
    return Item(topic, partition, offset, timestamp_ms, raw, event, error)
