"""The archive: what the log says, as tables (Kafka to TimescaleDB), rows and offsets in one transaction."""
