"""A member of a group that mends two faults of kafka-python 3.0, each of which stops it for ever and in silence."""

from typing import Any

from kafka import KafkaConsumer


class GroupConsumer(KafkaConsumer):
    """As its parent, except that it always ends what it began.

    - A leader whose metadata changed joins again. If a poll's time is up while that join is under way, the next poll
      finds the new metadata already taken into account, thinks that there is nothing to join, and never takes the
      assignment: the member keeps its place and has no partitions.
    - Records of a partition that was paused while they were handed out are put aside, and the partition is not fetched
      until they are taken up again; but that happens only when no other partition's records were handed out since.
    """

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)  # type: ignore[no-untyped-call]  # kafka-python leaves it untyped

    def poll(self, timeout_ms: float = 0, max_records: int | None = None, update_offsets: bool = True) -> Any:  # noqa: FBT001, FBT002 - as its parent's
        """See :meth:`kafka.KafkaConsumer.poll`."""
        coordinator, fetcher = self._coordinator, self._fetcher
        if coordinator.rejoining and not coordinator.need_rejoin():
            coordinator.request_rejoin()
        if not fetcher._next_partition_records:  # noqa: SLF001 - it has no public name
            fetcher._next_partition_records = None  # noqa: SLF001 - as if nothing had been handed out
        return super().poll(timeout_ms, max_records, update_offsets)  # type: ignore[no-untyped-call]  # the same
