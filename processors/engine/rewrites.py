"""Where a fold may begin that has no state: at a complete rewrite of the registry. Pure."""

from collections.abc import Iterable

from schemas.registry import RegistryRewritten


def newest_complete_rewrite(
    records: Iterable[RegistryRewritten], partition: int, *, log_start: int = 0, before: int | None = None
) -> RegistryRewritten | None:
    """The newest rewrite of the partition that stands whole in the log; None when there is none.

    Whoever begins at its ``begin_offset`` learns at once the time (a tick follows the marker), then all that stood in
    the partition. What detectors found before, and which identities were seen, it does not learn: judge nothing before
    the log's clock has gone on by the allowed lateness, or begin at an older rewrite.

    Args:
        records: what stands in ``city.rewrites.v1``, in any order, repetitions and other partitions included.
        partition: of ``city.events.v1``.
        log_start: the first offset that the partition still holds.
        before: only rewrites that end below this offset, e.g. the committed one.
    """
    whole = [
        record
        for record in records
        if record.partition == partition
        and record.begin_offset >= log_start
        and (before is None or record.end_offset < before)
    ]
    return max(whole, key=lambda record: record.begin_offset, default=None)
