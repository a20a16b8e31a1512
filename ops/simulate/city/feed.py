"""The city as something that can be fed to a broker (``ops.feed``)."""

from collections.abc import Iterator

from ops.feed.publication import Publication
from ops.simulate.city.city import City
from ops.simulate.model import Incident


class CityFeed:
    """All messages of a city; the truth is written apart, by whoever asked for it."""

    def __init__(self, city: City) -> None:
        self._city = city

    @property
    def start_ms(self) -> int:
        """Where the feed's clock begins."""
        return self._city.start_ms

    def publications(self) -> Iterator[Publication]:
        """Everything in the order of its arrival at the broker."""
        for message in self._city.messages():
            yield Publication(message.at_ms, message.topic, message.payload, ())

    def leftovers(self) -> Iterator[Publication]:
        """None: nothing is held back."""
        return iter(())

    def incidents(self, until_ms: int) -> list[Incident]:  # noqa: ARG002 - the feeder's interface
        """None here."""
        return []
