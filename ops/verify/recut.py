"""The same readings in records of another size: what a fold says must not depend on it."""

from collections.abc import Iterator

import msgspec

from schemas.columns import BatchColumns
from schemas.envelope import Data


def recut(event: Data, rows: int) -> Iterator[Data]:
    """A batch in pieces of at most ``rows`` readings, in their order; any other event as it is."""
    if not isinstance(event, BatchColumns) or len(event.series_index) <= rows:
        yield event
        return
    for start in range(0, len(event.series_index), rows):
        piece = slice(start, start + rows)
        yield msgspec.structs.replace(
            event,
            series_index=event.series_index[piece],
            phenomenon_time=event.phenomenon_time[piece],
            result=event.result[piece],
            identity=event.identity[piece],
            result_quality=event.result_quality[piece],
            arrival_time=event.arrival_time[piece],
        )
