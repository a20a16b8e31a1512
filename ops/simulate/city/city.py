"""The city as a whole: who is registered, all messages in the order of their arrival, and the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import merge
from operator import attrgetter
from typing import Final

from ops.simulate.city.channel import Channel, Message
from ops.simulate.city.curb import date_of, is_holiday
from ops.simulate.city.families.bay import Bays
from ops.simulate.city.families.bin import Bins
from ops.simulate.city.families.camera import Cameras
from ops.simulate.city.families.cover import Covers
from ops.simulate.city.families.lamp import Feeders, Lamps
from ops.simulate.city.families.limits import Air, Gas, Noise
from ops.simulate.city.families.patrol import Patrols
from ops.simulate.city.families.timed import TimedKerbs
from ops.simulate.city.families.traffic import Traffic
from ops.simulate.city.families.water import Drains, Roads, Tanks
from ops.simulate.city.faults import Fault, FaultKind, Faults
from ops.simulate.city.layout import STREET_FACILITIES, Street
from ops.simulate.city.model import Family, Matter, Thing
from ops.simulate.city.sky import Weather
from ops.simulate.city.truth import (
    Truth,
    gap_truth,
    gateway_truth,
    in_queues,
    matter_truth,
    own_truth,
    pause_truth,
)
from ops.simulate.city.works import works_of
from ops.simulate.demo import DEMO_START_MS
from ops.simulate.model import DAY_MS
from schemas.facility import Facility
from schemas.registry import ZoneConfigured
from schemas.works import MaintenancePlanned

START_MS: Final = DEMO_START_MS
"""A Monday in July, midnight in Xuchang."""
NEVER_MS: Final = 1_000 * DAY_MS
FAMILIES: Final = tuple(
    one.name
    for one in (
        *(Covers, Lamps, Feeders, Bays, Bins, Drains, Roads, Tanks),
        *(Gas, Air, Noise, Traffic, Patrols, Cameras, TimedKerbs),
    )
)
"""The names of all that there are."""


@dataclass(frozen=True)
class City:
    """Everything is made when it is asked for, from the seed and the names of things.

    ``start_ms`` is a local midnight. ``noise`` scales all that is wrong with devices, network and cameras: 0 is a
    perfect world, 1 the default, 2 twice as bad.
    """

    seed: int
    facilities_wanted: int = 2_000
    days: int = 1
    noise: float = 1.0
    start_ms: int = START_MS
    only: frozenset[str] | None = None
    """Names of families that are there; None: all."""
    site: str = "xuchang"
    """As topics of our own format name it."""

    @property
    def end_ms(self) -> int:
        """Midnight after the last day."""
        return self.start_ms + self.days * DAY_MS

    @cached_property
    def streets(self) -> tuple[Street, ...]:
        """As many as hold at least so many facilities."""
        count = max(1, -(-self.facilities_wanted // STREET_FACILITIES))
        return tuple(Street(self.seed, number) for number in range(count))

    @cached_property
    def facilities(self) -> tuple[Facility, ...]:
        """What must be registered."""
        found: dict[str, Facility] = {}
        for street in self.streets:
            spoken = (one for thing in self._things(street) for one in (thing.facility, *thing.parts))
            found |= {one.facility: one for one in (street.roof, *spoken)}  # a lamp is also a part of its feeder
        return tuple(found.values())

    @cached_property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """What must be configured."""
        return tuple(zone for street in self.streets for zone in street.zones)

    @cached_property
    def works(self) -> tuple[MaintenancePlanned, ...]:
        """What is planned."""
        days = [(street, day) for street in self.streets for day in range(self.days)]
        return tuple(one for street, day in days for one in works_of(self.seed, street, self.start_ms, day))

    @property
    def holidays(self) -> tuple[str, ...]:
        """Dates that its calendar must know, as its designated period of the name in ``ops.simulate.city.curb``."""
        midnights = range(self.start_ms, self.end_ms, DAY_MS)
        return tuple(date_of(one) for one in midnights if is_holiday(self.seed, one))

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """All that speaks, in the order of streets."""
        return tuple(thing for street in self.streets for thing in self._things(street))

    def _things(self, street: Street) -> Iterator[Thing]:
        return (thing for thing in street.things if self.only is None or thing.family in self.only)

    @cached_property
    def _weather(self) -> Weather:
        return Weather(self.seed)

    @cached_property
    def _families(self) -> dict[str, Family]:
        where = (self.seed, self.start_ms, self._weather)
        bays = Bays(*where)
        return {
            Covers.name: Covers(*where),
            Bays.name: bays,
            Feeders.name: Feeders(*where),
            Lamps.name: Lamps(*where),
            Bins.name: Bins(*where),
            Drains.name: Drains(*where),
            Roads.name: Roads(*where),
            Tanks.name: Tanks(*where),
            Gas.name: Gas(*where),
            Air.name: Air(*where),
            Noise.name: Noise(*where),
            Traffic.name: Traffic(*where),
            Patrols.name: Patrols(*where),
            Cameras.name: Cameras(self.seed, self.start_ms, churn=self.noise),
            TimedKerbs.name: TimedKerbs(self.seed, self.start_ms, self.noise, bays),
        }

    @cached_property
    def _faults(self) -> Faults:
        return Faults(self.seed, self.start_ms, self.days, self.noise)

    @cached_property
    def _channels(self) -> dict[str, Channel]:
        return {
            thing.device.name: Channel(self.seed, thing, self._faults, self.start_ms, self.noise, self.site)
            for thing in self.things
        }

    def messages(self) -> Iterator[Message]:
        """All of them, lazily, in the order of arrival; equal times in the order of the things."""
        return merge(*(self.messages_of(thing) for thing in self.things), key=attrgetter("at_ms"))

    def messages_of(self, thing: Thing) -> Iterator[Message]:
        """Those of one thing's device."""
        return self._channels[thing.device.name].carry(self._families[thing.family].says(thing, self.days))

    def matters(self, thing: Thing) -> list[Matter]:
        """All that goes wrong in it, near-misses too."""
        family = self._families[thing.family]
        return [matter for day in range(self.days) for matter in family.matters(thing, day)]

    def truth(self) -> Iterator[Truth]:
        """What was wrong, and what was not though it nearly was.

        Complete once all messages were made: only then it is known which devices were not heard because of losses.
        """
        for street in self.streets:
            yield from in_queues(self._truth_of(street))

    def _truth_of(self, street: Street) -> Iterator[Truth]:
        outages = self._faults.outages(street.gateway)
        yield from gateway_truth(street, self._things(street), outages)
        for thing in self._things(street):
            own, matters = self._faults.of(thing.device), self.matters(thing)
            hidden = outages if thing.device.gateway else []
            witnesses = (fault for one in thing.witnesses for fault in self._faults.of(one))
            after = Fault(FaultKind.OUTAGE, self.end_ms, self.end_ms + NEVER_MS)
            broken: list[Fault] = sorted((*own, *hidden, *witnesses, after), key=lambda f: f.start_ms)
            for matter in matters:
                yield matter_truth(matter, broken)
            yield from own_truth(thing, own, hidden, matters, (self.start_ms, self.end_ms))
            channel = self._channels[thing.device.name]
            yield from gap_truth(channel.gaps)
            yield from pause_truth(channel.pauses)
