"""From a key to a partition, as Kafka's own default partitioner does it.

Readings of many zones travel in one record, so ingest chooses the partition itself; every other client that sends a
single event with its zone as the key must land on the same one.
"""

from functools import lru_cache

_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit murmur2 hash of Kafka's Java client (``org.apache.kafka.common.utils.Utils.murmur2``)."""
    length = len(data)
    h = 0x9747B28C ^ length
    for i in range(0, length - length % 4, 4):
        k = int.from_bytes(data[i : i + 4], "little") * 0x5BD1E995 & _MASK
        h = (h * 0x5BD1E995 & _MASK) ^ ((k ^ k >> 24) * 0x5BD1E995 & _MASK)
    if tail := data[length - length % 4 :]:
        h = (h ^ int.from_bytes(tail, "little")) * 0x5BD1E995 & _MASK
    h = (h ^ h >> 13) * 0x5BD1E995 & _MASK
    return h ^ h >> 15


@lru_cache(maxsize=1 << 18)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key among ``partitions``."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
