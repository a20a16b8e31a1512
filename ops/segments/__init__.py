"""Segments of the log as Parquet files: what keeps it beyond Kafka's retention, and what a rebuild reads again."""
