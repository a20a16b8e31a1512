"""Folds the past again, aside, with another detector or other policies, and says what would differ: ``eyes replay``."""

from ops.replay.jobs import InterruptedReplayError
from ops.replay.question import Question
from ops.replay.replay import Outcome, Replay, Watcher

__all__ = ["InterruptedReplayError", "Outcome", "Question", "Replay", "Watcher"]
