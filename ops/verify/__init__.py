"""Folds the past again and holds what comes out against what was published, byte for byte."""

from ops.verify.compare import Outcome
from ops.verify.refold import Refold
from ops.verify.verify import verify

__all__ = ["Outcome", "Refold", "verify"]
