"""The one latency figure that spans processes: from the arrival of a message to what became of it.

It stands here because a metric's name may be registered once per process, and several parts report a stage of it.
"""

from typing import Final

from prometheus_client import Histogram

END_TO_END: Final = Histogram(
    "eyes_end_to_end_seconds",
    "Wall seconds from the arrival of a message at ingest to the named stage",
    ["stage"],
    buckets=(0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300),
)
