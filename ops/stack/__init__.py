"""The local stack: real Kafka, Mosquitto, PostgreSQL with TimescaleDB and Prometheus, without containers."""

from ops.stack.errors import StackError
from ops.stack.local import LocalStack
from ops.stack.status import ServerStatus, StackStatus

__all__ = ["LocalStack", "ServerStatus", "StackError", "StackStatus"]
