"""Stateful folds over the log, the runner that feeds them, and the archive that stores what they and probes say."""

from pathlib import Path

from runtime import compiled

compiled.prefer(Path(__file__).parents[1])
