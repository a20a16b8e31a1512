"""Says in one line what a client library says in class names and tracebacks, for commands that a person runs."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kafka.errors import KafkaError

from runtime.errors import FatalError
from runtime.settings import KafkaSettings

REACH_S: Final = 3.0


@contextmanager
def kafka_explained(settings: KafkaSettings) -> Iterator[None]:
    """Work with Kafka; whoever is not there is found out at once, and not after the client's half minute.

    Raises:
        FatalError: nobody listens where Kafka should be, or Kafka's client failed.
    """
    reach_kafka(settings)
    try:
        yield
    except KafkaError as error:
        said = " ".join(str(error).split()).removeprefix(f"{type(error).__name__}: ")
        raise FatalError(
            f"Kafka on {settings.bootstrap}: {type(error).__name__}: {said}; is the stack up, are the topics there? "
            "eyes stack status, eyes topics create"
        ) from error


def reach_kafka(settings: KafkaSettings) -> None:
    """Return when somebody listens where Kafka should be.

    Raises:
        FatalError: nobody does; the message says where it was looked for.
    """
    problems = []
    for address in settings.bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
        except (OSError, ValueError) as error:
            problems.append(f"{address.strip()} ({error})")
        else:
            return
    raise FatalError(f"no Kafka on {', '.join(problems)}: is the stack up? eyes stack status")
