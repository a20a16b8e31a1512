"""The newest word on everything that is known of the whole city, for zones and detectors that are met later.

It stands in every partition, and every zone hears it: when it is said, or when the zone is met first.
"""

from collections.abc import Iterator, Mapping

from schemas.registry import CityWide, read_city_wide


class City:
    """What is known of the city as a whole; a part of the state of every partition."""

    __slots__ = ("_words",)

    def __init__(self, words: Mapping[str, bytes] | None = None) -> None:
        """Begin with nothing known, or with what :attr:`state` gave."""
        self._words: dict[str, CityWide] = {key: read_city_wide(key, data) for key, data in (words or {}).items()}

    @property
    def state(self) -> dict[str, bytes]:
        """For a snapshot: equal for equal knowledge."""
        return {key: self._words[key].model_dump_json().encode() for key in sorted(self._words)}

    def hear(self, event: CityWide) -> bool:
        """Take note of a word; False for an older one, and for the daily rewrite of what is known."""
        known = self._words.get(event.key)
        if known is not None and event.revision and event.revision <= known.revision:
            return False
        self._words[event.key] = event
        return True

    def __iter__(self) -> Iterator[CityWide]:
        """All of it, in an order that does not depend on when it was said."""
        return (self._words[key] for key in sorted(self._words))
