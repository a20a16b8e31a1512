"""What goes wrong between a device and us: copies, contradictions, delays, rubbish, strangers; the same by seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from heapq import heappop, heappush
from itertools import count
from typing import Final

import numpy as np

from ops.feed.publication import Packer, Publication
from ops.simulate.model import MINUTE_MS, Item, Sample, Value
from ops.simulate.rng import stream

DELAY_MS: Final = (MINUTE_MS, 10 * MINUTE_MS)
COPY_WITHIN_MS: Final = MINUTE_MS
UNDELAYED_BETWEEN: Final = 3  # messages of a device between two delayed ones: it must not seem silent
READINGS_A_STRANGER: Final = 200  # then another one begins: the quota of one must not be what is tested
OVERSIZE_EVERY: Final = 8
CHUNK: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbances:
    """Shares of all messages, each from 0 to 1."""

    duplicates: float = 0.0
    conflicts: float = 0.0
    reordered: float = 0.0
    garbage: float = 0.0
    unregistered: float = 0.0


DEMO: Final = Disturbances(duplicates=0.005, conflicts=0.001, reordered=0.002, garbage=0.0005, unregistered=0.001)


class Disturber:
    """Turns what devices say into what arrives; a delayed message is due later than it was measured."""

    def __init__(self, rates: Disturbances, packer: Packer, *, seed: int, oversize_bytes: int) -> None:
        self._rates = rates
        self._packer = packer
        self._oversize_bytes = oversize_bytes
        self._luck = _uniform(stream(seed, "disturb"))
        self._held: list[tuple[int, int, Publication]] = []
        self._order = count()
        self._since_delay: dict[str, int] = {}
        self._garbage = count(1)
        self._strangers = count()

    def publications(self, items: Iterator[Item]) -> Iterator[Publication]:
        """Everything in the order it is to be sent."""
        for item in items:
            while self._held and self._held[0][0] <= item.at_ms:
                yield heappop(self._held)[2]
            yield from self._item(item)
        yield from self.leftovers()

    def leftovers(self) -> Iterator[Publication]:
        """What is still held back, in order."""
        while self._held:
            yield heappop(self._held)[2]

    def _item(self, item: Item) -> Iterator[Publication]:
        rates, luck = self._rates, self._luck
        if isinstance(item, Sample):
            publication = self._packer.sample(item)
            if self._delays(item, lucky=next(luck) < rates.reordered):
                self._hold(publication, item.at_ms + int(DELAY_MS[0] + next(luck) * (DELAY_MS[1] - DELAY_MS[0])))
                return
            yield publication
            if next(luck) < rates.conflicts and (contradiction := self._packer.conflict(item, publication)):
                yield contradiction
        else:
            publication = self._packer.sighting(item)
            yield publication
        if next(luck) < rates.duplicates:
            self._hold(publication, item.at_ms + int(next(luck) * COPY_WITHIN_MS))
        if next(luck) < rates.garbage:
            yield self._rubbish(publication)
        if next(luck) < rates.unregistered:
            yield self._stranger(item.at_ms)

    def _hold(self, publication: Publication, due_ms: int) -> None:
        heappush(self._held, (due_ms, next(self._order), publication._replace(due_ms=due_ms)))

    def _delays(self, sample: Sample, *, lucky: bool) -> bool:
        """Whether this one is delayed; asked of every sample, because those that are not are counted."""
        passed = self._since_delay.get(sample.device, UNDELAYED_BETWEEN)
        delay = lucky and sample.movable and passed >= UNDELAYED_BETWEEN
        self._since_delay[sample.device] = 0 if delay else passed + 1
        return delay

    def _rubbish(self, neighbour: Publication) -> Publication:
        """Bytes that no decoder can take, on the topic of the device that spoke last; no two are alike."""
        number = next(self._garbage)
        if number % OVERSIZE_EVERY == 0:
            payload = b'{"property":"pressure","value":%d,"note":"' % number + b"x" * self._oversize_bytes + b'"}'
        else:
            payload = (
                b'{"property":"pressure","value":%d,"time":' % number,
                b'{"property":"pressure","value":%d,"unit":"furlong"}' % number,
                b'{"property":"\xff\xfe","value":%d}' % number,
            )[number % 3]
        line = {"kind": "garbage", "topic": neighbour.topic, "sha256": sha256(payload).hexdigest()}
        return Publication(neighbour.due_ms, neighbour.topic, payload, (line,))

    def _stranger(self, at_ms: int) -> Publication:
        """A reading of a device that nobody registered."""
        number = next(self._strangers)
        value = Value("temperature", round(18 + number % 70 / 10, 1), "Cel")
        return self._packer.sample(Sample(at_ms, f"stray-{number // READINGS_A_STRANGER}", (value,)))


def _uniform(rng: np.random.Generator) -> Iterator[float]:
    """One at a time is slow to draw; this draws many."""
    while True:
        yield from rng.random(CHUNK).tolist()
