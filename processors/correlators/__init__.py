"""The correlators: pure folds over findings, one district at a time (docs/decisions/0028-findings-over-findings.md).

They are detectors whose zone is a district. :data:`ALL` is the one place where they are listed.
"""

from typing import Any, Final

from processors.correlators.gateway import GatewayCorrelator
from processors.engine.contract import Detector

GROUP: Final = "correlators"
"""The consumer group in which they are folded together."""

ALL: Final[tuple[Detector[Any], ...]] = (GatewayCorrelator(),)

LATENESS_MS: Final = 0
"""There are no readings, so there are no identities to be remembered."""
