"""How good the detectors are on a simulated city: ``eyes score street`` (docs/street-score.md)."""
