"""Publishing over MQTT as devices would, on a feed clock, with a record of everything that was sent."""

from ops.feed.disturb import Disturbances
from ops.feed.run import FeedOptions, FeedReport, run_feed

__all__ = ["Disturbances", "FeedOptions", "FeedReport", "run_feed"]
