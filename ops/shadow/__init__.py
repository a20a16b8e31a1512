"""Trials of detectors beside the live ones: begun, watched, promoted or ended (``eyes shadow``)."""
