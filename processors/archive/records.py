"""From records of the log to what the archive works with."""

from processors.archive.rows import Item
from schemas.envelope import UnknownEventError, decode


def item_of(topic: str, partition: int, offset: int, timestamp_ms: int, value: bytes | None) -> Item:
    """A record as an item; what is no event of ours says why."""
    raw = value or b""
    event, error = None, ""
    try:
        event = decode(raw)
    except UnknownEventError as unknown:
        error = str(unknown)
    return Item(topic, partition, offset, timestamp_ms, raw, event, error)
