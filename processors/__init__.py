"""Stateful folds over the log, the runner that feeds them, and the archive that stores what they and probes say."""
