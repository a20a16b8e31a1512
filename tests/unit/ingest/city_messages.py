"""What devices say in a simulation, and what must come of each message."""

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from ingest_rig import facility

from ingest.decoders.topics import PROBE_ROOT, SESSION_ROOT
from ingest.recent import UNACKNOWLEDGED_MS
from schemas.clock import Tick
from schemas.columns import AcceptedColumns, BatchColumns
from schemas.envelope import decode
from schemas.facility import DeviceBinding
from schemas.identity import payload_hash, tier
from schemas.model import format_rfc3339, from_ms, to_ms
from schemas.observation import Quality
from schemas.quarantine import Quarantined, UnregisteredReadings
from schemas.registry import RegistryRewritten
from schemas.topics import DAY_MS, TICKS, Topic
from tests.memory.process import Violation

KNOWN: Final = ("d-1", "d-2")
LATER: Final = "d-later"
"""Registered while messages of it wait."""
NEVER: Final = "d-never"
ZONES: Final = {"d-1": "dma:1", "d-2": "dma:2", LATER: "dma:1"}

Effect = tuple[str, ...]
"""What one part of a message leads to: a reading of a device, or bytes in the quarantine."""


class Said(NamedTuple):
    """One message of a device."""

    topic: str
    payload: bytes
    effects: tuple[Effect, ...]


class Copy(NamedTuple):
    """One reading as it stands in the log."""

    identity: str
    value: float
    time_ms: int
    quality: int


def facility_of(device: str):  # noqa: ANN201 - a facility
    """The one that claims it."""
    return facility(f"F-{device}", DeviceBinding(device=device), zone=ZONES[device])


class Devices:
    """Says things, each of them once unless it repeats itself."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._number = 0
        self._said: list[Said] = []
        self.repeated: set[Effect] = set()
        """What a device said twice: two messages, each with an arrival of its own."""

    def speak(self, wall_ms: int) -> Said:
        """The next message."""
        self._number += 1
        number, dice = self._number, self._dice
        device = dice.choice([*KNOWN, *KNOWN, LATER, NEVER])
        match dice.choice(["numbered", "numbered", "numbered", "timed", "untimed", "array", "bad", "lost", "again"]):
            case "again" if self._said:
                said = dice.choice(self._said)  # the device did not hear that it was taken
                self.repeated.update(said.effects)
            case "timed":
                time_ms = wall_ms - dice.choice([0, 0, 10_000, 10 * 86_400_000])
                part = _part(number, time=format_rfc3339(from_ms(time_ms)))
                said = _said(device, [part], [("reading", device, f"b:{time_ms}:{float(number * 1000)}")])
            case "untimed":
                payload = json.dumps(_part(number)).encode()
                return Said(_topic(device), payload, (("reading", device, _arrived(_topic(device), payload, 0)),))
            case "array":
                parts = [_part(number, seq=number, boot="x"), {"property": "nonsense"}, _part(number, seq=number)]
                effects = [("reading", device, f"a:x:{number}"), ("reading", device, f"a::{number}")]
                payload = json.dumps(parts).encode()
                return Said(_topic(device), payload, (*effects, ("refused", payload.decode())))
            case "bad":
                payload = b'{"n": %d' % number
                return Said(_topic(device), payload, (("refused", payload.decode()),))
            case "lost":
                payload = b"%d" % number
                return Said(_topic(device, "smoke"), payload, (("refused", payload.decode()),))
            case _:
                said = _said(device, [_part(number, seq=number)], [("reading", device, f"a::{number}")])
        self._said.append(said)
        return said


def _part(number: int, **more: object) -> dict[str, object]:
    return {"property": "pressure", "value": number, "unit": "kPa", **more}


def _topic(device: str, channel: str = "observations") -> str:
    return f"eyes/v1/test/{device}/{channel}"


def _said(device: str, parts: list[dict[str, object]], effects: list[Effect]) -> Said:
    return Said(_topic(device), json.dumps(parts[0]).encode(), tuple(effects))


def _arrived(topic: str, payload: bytes, index: int) -> str:
    return f"c:{payload_hash(topic, payload)}:{index}"


@dataclass
class Found:
    """What the log holds, by what it is."""

    readings: defaultdict[Effect, list[Copy]] = field(default_factory=lambda: defaultdict(list))
    waiting: defaultdict[Effect, set[str]] = field(default_factory=lambda: defaultdict(set))
    refused: defaultdict[Effect, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    """Id and arrival."""
    kept: set[tuple[str, bytes]] = field(default_factory=set)
    """Topic and payload of what was accepted."""
    ticked_ms: dict[int, int] = field(default_factory=dict)
    """The newest tick of each partition of the events."""
    coarse_ms: int = 0
    """The newest in ``city.ticks.v1``."""
    rewritten: list[RegistryRewritten] = field(default_factory=list)

    def read(self, topic: Topic, partition: int, raw: bytes) -> None:
        """One more record."""
        match decode(raw).data:
            case Tick(time=time) if topic is TICKS:
                self.coarse_ms = max(to_ms(time), self.coarse_ms)
            case AcceptedColumns() as accepted:
                self.kept.update(zip(accepted.mqtt_topic, accepted.payload, strict=True))
            case RegistryRewritten() as rewritten:
                self.rewritten.append(rewritten)
            case Tick(time=time):
                self.ticked_ms[partition] = max(to_ms(time), self.ticked_ms.get(partition, 0))
            case BatchColumns() as batch:
                columns = zip(
                    *(batch.series_index, batch.identity, batch.result, batch.phenomenon_time, batch.result_quality),
                    strict=True,
                )
                for index, identity, value, time_ms, quality in columns:
                    effect = ("reading", batch.series[index].device, _without_arrival(identity))
                    self.readings[effect].append(Copy(identity, value, time_ms, quality))
            case UnregisteredReadings(device=device, identities=identities):
                for _, identity in identities:
                    self.waiting["reading", device, _without_arrival(identity)].add(identity)
            case Quarantined(id=identifier, payload=payload, arrival_time=arrival):
                self.refused["refused", payload.decode()].add((str(identifier), to_ms(arrival)))

    def holds(self, effect: Effect) -> bool:
        """Whether it stands anywhere."""
        return bool(self.readings.get(effect) or self.waiting.get(effect) or self.refused.get(effect))

    def is_rewritten(self, partition: int) -> bool:
        """Whether its registry was rewritten on the day of its newest tick."""
        day = self.ticked_ms.get(partition, 0) // DAY_MS
        return day > 0 and any(
            one.partition == partition and to_ms(one.time) // DAY_MS == day for one in self.rewritten
        )

    def was_accepted(self, effect: Effect) -> bool:
        """Whether a reading was written as it was received, and not when its device was registered later."""
        return any(one.quality != Quality.RELEASED for one in self.readings.get(effect, ()))

    def check(self, wanted: set[Effect], repeated: set[Effect]) -> None:
        """Everything once in effect, and nothing else; copies of what no device repeated are equal in all they say.

        Raises:
            Violation: something is lost, doubled, invented or told in two ways.
        """
        for effect in wanted:
            kind, *of = effect
            device = of[0] if kind == "reading" else None
            where = self.refused if device is None else self.waiting if device == NEVER else self.readings
            if not where.get(effect):
                raise Violation(f"lost: {effect}")
        if invented := (self.readings.keys() | self.waiting.keys() | self.refused.keys()) - wanted:
            raise Violation(f"invented: {invented}")
        for effect, ids in self.refused.items():
            _check_once(effect, ids)
        for effect, identities in self.waiting.items():
            _check_once(effect, {(one, _arrival_ms(one)) for one in identities})
        for effect, copies in self.readings.items():
            _check_once(effect, {(one.identity, _arrival_ms(one.identity)) for one in copies})
            told = {one for one in copies if one.quality != Quality.RELEASED}
            if len(told) > len({one.identity for one in told}) and effect not in repeated:
                raise Violation(f"told in two ways: {effect} as {copies}")


def _check_once(effect: Effect, ids: set[tuple[str, int]]) -> None:
    """Of one id; or of several with more than a minute between their arrivals, of which nothing is promised."""
    arrivals = sorted(arrival_ms for _, arrival_ms in ids)
    if any(later - earlier <= UNACKNOWLEDGED_MS for earlier, later in pairwise(arrivals)):
        raise Violation(f"twice in effect: {effect} as {ids}")


def _arrival_ms(identity: str) -> int:
    """Of what only its arrival identifies; 0 of all else."""
    return int(identity.split(":")[1]) if tier(identity) == "c" else 0


def _without_arrival(identity: str) -> str:
    """Tier (c) names the moment of arrival, which a device cannot foretell."""
    if not identity.startswith("c:"):
        return identity
    _, _, key, index = identity.split(":")
    return f"c:{key}:{index}"


def is_ours(topic: str) -> bool:
    """Whether ingest itself published it."""
    return topic.startswith((PROBE_ROOT, SESSION_ROOT))
