"""Our own topics."""

from typing import Final

ROOT: Final = "eyes/v1/"
CLOCK_TOPIC: Final = ROOT + "_clock"
PROBE_ROOT: Final = ROOT + "_probe/"
SESSION_ROOT: Final = "eyes/_session/"
"""Below it each ingest keeps, retained, what its session is subscribed to."""
