"""Novelty of a numeric series with no rule of its own: is this reading unlike what was ever seen here?

A pure core, one pass, constant memory; :mod:`processors.detectors.novelty` makes findings of it. The method, its source
and how it was measured stand in docs/processors/novelty.md.
"""

from processors.novelty.explain import explain
from processors.novelty.observe import Verdict, expected, observe
from processors.novelty.state import Novelty
from processors.novelty.tuning import FROZEN, Tuning

__all__ = ["FROZEN", "Novelty", "Tuning", "Verdict", "expected", "explain", "observe"]
