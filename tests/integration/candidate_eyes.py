"""``eyes`` of a build with a candidate beside the live detectors: it does not hear covers that lean a little."""

from collections.abc import Sequence
from typing import Any

from processors import detectors
from processors.detectors.cover import CoverDetector, State
from processors.engine.contract import Clock, Outcome, Reading, ZoneEvent

DEAF_DEG = range(5, 20)


class HardOfHearing(CoverDetector):
    version: Any = CoverDetector.version + 1

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        heard = [one for one in events if not (isinstance(one, Reading) and int(one.value) in DEAF_DEG)]
        return super().fold(state, heard, clock)


detectors.CANDIDATES = (HardOfHearing(),)  # type: ignore[misc]  # before others import the list by name

if __name__ == "__main__":
    from ops.cli.main import main

    main()
