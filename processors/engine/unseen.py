"""Which facilities of a zone nobody hears of, by the word of the detector that misses their devices.

What is concluded from silence while nobody looks is no calm. Detectors are told (:class:`Unseen`) and hold what they
have open; what is cleared all the same by time alone carries :data:`schemas.anomaly.UNSEEN` as its reason, so that no
reader takes it for an all-clear.
"""

from collections.abc import Iterator, Mapping

from processors.engine.contract import Unseen
from schemas.anomaly import UNSEEN, Anomaly, Transition

Said = tuple[str, int]
"""The detector that said it, and since when."""


class Darkness:
    """The facilities of one zone that nobody hears of."""

    __slots__ = ("_since",)

    def __init__(self, since: Mapping[str, Said] | None = None) -> None:
        """Begin with none, or with what :attr:`state` gave."""
        self._since = dict(since or {})

    @property
    def state(self) -> dict[str, Said]:
        """For a snapshot: equal for equal knowledge."""
        return self._since

    def hear(self, word: Unseen, detector: str) -> None:
        """Take note of what a detector said."""
        if word.since_ms is None:
            self._since.pop(word.facility, None)
        else:
            self._since[word.facility] = detector, word.since_ms

    def __iter__(self) -> Iterator[Unseen]:
        """All of it, for who comes later."""
        return (Unseen(facility, self._since[facility][1]) for facility in sorted(self._since))

    def taken_back(self, detector: str) -> list[Unseen]:
        """Another version has taken a detector's place: nothing of what it said stands."""
        gone = sorted(facility for facility, (who, _) in self._since.items() if who == detector)
        for facility in gone:
            del self._since[facility]
        return [Unseen(facility, None) for facility in gone]

    def marked(self, finding: Anomaly) -> Anomaly:
        """A step as the world is told: an end that time alone decided is none that anybody saw."""
        if (
            finding.transition is Transition.CLEARED
            and finding.reason is None
            and finding.arrival_time is None
            and finding.facility in self._since
        ):
            return finding.model_copy(update={"reason": UNSEEN})
        return finding
