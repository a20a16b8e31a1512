"""Publishes a single message and waits for the broker's word on it."""

import os

from ops.feed.access import feeder_access
from ops.feed.session import FeedSession
from runtime.settings import Settings


def publish_once(settings: Settings, topic: str, payload: bytes) -> None:
    """Publish ``payload`` with QoS 1 and return when the broker has acknowledged it.

    Raises:
        FatalError: the broker cannot be reached or refuses us; the message says why.
    """
    with FeedSession(feeder_access(settings, "device"), client_id=f"eyes-once-{os.getpid()}") as session:
        session.publish(topic, payload)
        session.drain()
