"""What can be fed: generated devices, disturbed on their way, or messages that were recorded."""

from collections.abc import Iterator
from typing import Protocol

from ops.feed.disturb import Disturbances, Disturber
from ops.feed.publication import Packer, Publication
from ops.simulate.model import Incident, Source
from ops.simulate.rng import stream

OVERSIZE_BYTES = 256 * 1024


class Feedable(Protocol):
    """Something :func:`ops.feed.run.run_feed` can feed."""

    @property
    def start_ms(self) -> int:
        """Where the feed's clock begins."""

    def publications(self) -> Iterator[Publication]:
        """Everything in the order it is to be sent; may be endless."""

    def leftovers(self) -> Iterator[Publication]:
        """What was held back when the feed ended early."""

    def incidents(self, until_ms: int) -> list[Incident]:
        """What was planted and began up to then."""


class Devices:
    """The devices of a source, as messages that go wrong now and then.

    The devices' boot is derived from seed and start, so the same feed again is the same messages again.
    """

    def __init__(
        self,
        source: Source,
        *,
        site: str,
        seed: int,
        disturbances: Disturbances | None = None,
        oversize_bytes: int = OVERSIZE_BYTES,
    ) -> None:
        self._source = source
        boot = f"{stream(seed, 'boot', source.start_ms).integers(1 << 40):010x}"
        self._disturber = Disturber(
            disturbances or Disturbances(),
            Packer(source, site=site, boot=boot),
            seed=seed,
            oversize_bytes=oversize_bytes,
        )

    @property
    def start_ms(self) -> int:
        """Where the feed's clock begins."""
        return self._source.start_ms

    def publications(self) -> Iterator[Publication]:
        """Everything in the order it is to be sent."""
        return self._disturber.publications(self._source.items())

    def leftovers(self) -> Iterator[Publication]:
        """Messages that were still delayed when the feed ended early."""
        return self._disturber.leftovers()

    def incidents(self, until_ms: int) -> list[Incident]:
        """What was planted."""
        return self._source.incidents(until_ms)
