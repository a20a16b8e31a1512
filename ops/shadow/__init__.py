"""Trials of detectors beside the live ones: begun, watched, promoted or ended (``eyes shadow``)."""

from ops.shadow.begin import Beginning, begin
from ops.shadow.finish import finish
from ops.shadow.record import Trials
from ops.shadow.writer import InterruptedTrialError

__all__ = ["Beginning", "InterruptedTrialError", "Trials", "begin", "finish"]
