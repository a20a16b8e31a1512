"""What can be wrong with what the engine itself wrote."""


class SnapshotError(Exception):
    """What a snapshot holds cannot be used; the log can still make the state."""
