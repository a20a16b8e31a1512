"""What the archive tells Prometheus."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ROWS: Final = Counter("eyes_archive_rows_total", "Rows stored", ["table"])
DUPLICATES: Final = Counter("eyes_archive_duplicates_total", "Rows offered that were already there", ["table"])
SET_ASIDE: Final = Counter(
    "eyes_archive_set_aside_total", "Records that could not be read or stored, kept in table quarantine"
)
LAG: Final = Gauge("eyes_archive_lag_records", "Records in the log that are not stored yet", ["topic", "partition"])
BATCH_ROWS: Final = Histogram(
    "eyes_archive_batch_rows",
    "Rows offered in one transaction",
    buckets=(1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000),
)
TRANSACTION_SECONDS: Final = Histogram(
    "eyes_archive_transaction_seconds",
    "Seconds per transaction, from the first statement to the answer of COMMIT",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DATABASE_UP: Final = Gauge("eyes_archive_database_up", "1 while the database answers")
STOPPED_PARTITIONS: Final = Gauge(
    "eyes_archive_stopped_partitions", "Partitions that wait for an operator because the log lost what comes next"
)
