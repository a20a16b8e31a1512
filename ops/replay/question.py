"""What a replay is asked: which detector, under which policies, over which range; and what that makes of a log."""

import hashlib
import pickle
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from processors.engine.contract import Detector
from runtime.settings import Settings
from schemas.whatif import WhatIf

DAY_MS: Final = 86_400_000
_CODE: Final = ("schemas", "processors")


@dataclass(frozen=True)
class Question:
    """Times are event time in milliseconds; None: without bound."""

    detector: Detector[Any]
    what_if: WhatIf
    begin_ms: int | None
    end_ms: int | None
    lateness_ms: int

    @property
    def detector_id(self) -> str:
        """As a person names it."""
        return f"{self.detector.name}@{self.detector.version}"

    @cached_property
    def _margin_ms(self) -> int:
        return max(self.lateness_ms, DAY_MS)

    @property
    def horizon_ms(self) -> int | None:
        """Steps from then on are not looked at: far enough behind the range to see what became of its findings."""
        return None if self.end_ms is None else self.end_ms + self._margin_ms

    @property
    def enough_ms(self) -> int | None:
        """When clock and ears have passed this, nothing is said any more of what lies before the horizon."""
        return None if self.horizon_ms is None else self.horizon_ms + self._margin_ms

    def key(self, settings: Settings, log: str) -> str:
        """The same for questions that have the same answer: all that decides it is in there, the code too."""
        decides = (
            settings.kafka.topic_prefix,
            log,
            self.detector_id,
            pickle.dumps(self.detector).hex(),  # a candidate made in the code with other numbers is another
            self.what_if.model_dump_json(exclude_unset=True),
            str((self.begin_ms, self.end_ms, self.lateness_ms)),
            _code_hash(),
        )
        return hashlib.sha256("\0".join(decides).encode()).hexdigest()[:16]


def _code_hash() -> str:
    """Of the sources that a fold is made of: whoever works on a detector changes it more often than its version."""
    digest = hashlib.sha256()
    for package in _CODE:
        spec = find_spec(package)
        assert spec is not None, "a package of ours"
        for folder in spec.submodule_search_locations or ():
            for path in sorted(Path(folder).rglob("*.py")):
                digest.update(f"{package}/{path.relative_to(folder)}".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
