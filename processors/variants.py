"""Which detector a person means by ``cover`` or ``cover@3``: one that is live, or a candidate beside them."""

from collections.abc import Iterable
from typing import Any

from processors import detectors
from processors.engine.contract import Detector
from runtime.errors import FatalError


def variant(said: str) -> Detector[Any]:
    """The detector of that name and version; without a version the live one, or a candidate where none is live.

    Raises:
        FatalError: there is none; the message lists those that there are.
    """
    name, _, version = said.partition("@")
    live = [one for one in detectors.ALL if one.name == name]
    candidates = [one for one in detectors.CANDIDATES if one.name == name]
    found = [one for one in (*live, *candidates) if str(one.version) == version] if version else live or candidates
    if found:
        return found[0]
    raise FatalError(f"no detector {said!r}; there are: {', '.join(_names(detectors.ALL, detectors.CANDIDATES))}")


def _names(live: Iterable[Detector[Any]], candidates: Iterable[Detector[Any]]) -> list[str]:
    return [
        *(f"{one.name}@{one.version}" for one in live),
        *(f"{one.name}@{one.version} (a candidate)" for one in candidates),
    ]
