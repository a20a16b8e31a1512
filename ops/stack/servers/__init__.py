"""The servers of the local stack: how each is prepared, started and asked whether it is well."""

from ops.stack.servers.base import Context, Server
from ops.stack.servers.kafka import Kafka
from ops.stack.servers.mosquitto import Mosquitto
from ops.stack.servers.postgres import Postgres
from ops.stack.servers.prometheus import Prometheus

SERVERS: dict[str, type[Server]] = {
    "kafka": Kafka,
    "postgres": Postgres,
    "mosquitto": Mosquitto,
    "prometheus": Prometheus,
}

__all__ = ["SERVERS", "Context", "Kafka", "Mosquitto", "Postgres", "Prometheus", "Server"]
