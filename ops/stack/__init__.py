"""The local stack: real Kafka, Mosquitto, PostgreSQL with TimescaleDB and Prometheus, without containers."""
