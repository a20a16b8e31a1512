"""How detectors come by models that are too large for an event: by the hash of their bytes, from what is at hand.

Pure: whoever runs the folds sees to it that a model is at hand before an event that names it is folded, and before a
state that may remember it is restored (docs/decisions/0025-models-by-hash.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, Self, runtime_checkable

from processors.engine.contract import Detector, ModelMissingError, Models
from schemas.envelope import Data
from schemas.water import WaterNetworkConfigured


@runtime_checkable
class UsesModels(Protocol):
    """A detector that looks models up."""

    def with_models(self, models: Models) -> Self:
        """The same detector, which finds its models there."""


def equipped(detectors: Iterable[Detector[Any]], models: Models) -> Sequence[Detector[Any]]:
    """The detectors; those that look models up find them in ``models``."""
    return tuple(one.with_models(models) if isinstance(one, UsesModels) else one for one in detectors)


def model_of(event: Data) -> str | None:
    """The model that must be at hand before this event is folded."""
    return event.model if isinstance(event, WaterNetworkConfigured) else None


def held(models: Mapping[str, bytes]) -> Models:
    """A lookup in what is in memory."""

    def look_up(digest: str) -> bytes:
        try:
            return models[digest]
        except KeyError:
            raise ModelMissingError(digest) from None

    return look_up
