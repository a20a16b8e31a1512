"""Devices whose clock is wrong: their readings come from the future, from long ago, or all from the same time before.

So many such messages (``messages``) within ``within_s`` raise a finding, so many in a row with a plausible time clear
it. Readings of one message (one arrival) count once; readings without a device time say nothing about a clock. A clock
that is behind by less than what is called late, as by a time zone, shows in a lag that no road can have
(:mod:`processors.detectors.clock_lag`).

The parameters and their defaults: rule ``clock`` in :mod:`schemas.rules`, as they apply to the facility for which the
device speaks first.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from processors.detectors import clock_lag
from processors.detectors.clock_lag import Far
from processors.detectors.common import LEFT, Bound, Evidence, Opened, Opening, Packed, Site, Step, Turn, span
from processors.detectors.rulebook import Rulebook
from processors.engine.contract import CALM_LAG_MS, QUIET, Calm, Clock, Ear, Outcome, Reading, Series, ZoneEvent
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility
from schemas.observation import Quality
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules import Values

_GOOD: Final = int(Quality.GOOD)
_WRONG: Final = {int(Quality.FUTURE): "in the future", int(Quality.LATE): "long ago"}


class Suspect(msgspec.Struct, array_like=True):
    """A device that sent at least one implausible time lately, or a good one from long before."""

    facility: str
    newest_arrival_ms: int = -1
    wrong: list[Evidence] = []  # within the rule's time, as long as nothing is open
    heard_ms: list[int] = []  # the clock at each of them
    good: int = 0
    opened: Opened | None = None
    far: Far | None = None
    """Its newest words, if all are by the same behind."""


class State(msgspec.Struct, array_like=True):
    """The facilities of a zone and the devices under suspicion."""

    zone: str
    rules: Rulebook
    sites: dict[str, Site] = {}
    suspects: dict[str, Suspect] = {}

    def values(self, facility: str) -> Values:
        """What applies to the devices of a facility."""
        return self.rules.of(facility, self.sites[facility].facility_class)


class ClockDetector(Packed[State]):
    """A device that does not know what time it is."""

    state_type = State
    name: Final = "clock"
    version: Final = 5
    hears_late: Final = True
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """Nobody under suspicion."""
        return State(zone, Rulebook(("clock",)))

    def wants(self, series: Series) -> bool:  # noqa: ARG002 - any reading tells of its device's clock
        """All of them."""
        return True

    def ear(self, state: State, series: Series) -> Ear | None:
        """A good time says something of a suspect only, and where it is far behind."""
        suspects, device = state.suspects, series.device

        def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
            return device not in suspects and now_ms - time_ms <= CALM_LAG_MS

        return hear

    def calm(self, state: State, series: Series) -> Calm | None:
        """As long as it is no suspect."""
        return None if series.device in state.suspects else Calm()

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in the qualities of readings, and registrations."""
        turn: Turn | None = None
        for event in events:
            if (
                isinstance(event, Reading)
                and event.quality == _GOOD
                and event.series.device not in state.suspects
                and clock.now_ms - event.time_ms <= CALM_LAG_MS
            ):
                continue  # nearly every reading
            turn = turn or Turn(self, state.zone, clock)
            match event:
                case Reading():
                    if event.quality == _GOOD:
                        self._on_good(state, event, turn)
                    elif event.quality in _WRONG:
                        self._on_wrong(state, event, turn)
                case FacilityRegistered():
                    self._on_registered(state, event.facility, turn)
                case ZoneConfigured() | ClassConfigured():
                    state.rules.configure(event)
                case FacilityLeft():
                    self._on_left(state, event.facility, turn)
                case _:
                    pass
        return QUIET if turn is None else turn.outcome

    def _on_wrong(self, state: State, reading: Reading, turn: Turn) -> None:
        facility, device = reading.series.facility, reading.series.device
        if facility not in state.sites:
            return
        suspect = state.suspects.setdefault(device, Suspect(facility))
        suspect.good, suspect.far = 0, None
        if reading.arrival_ms == suspect.newest_arrival_ms:
            return
        suspect.newest_arrival_ms = reading.arrival_ms
        if suspect.opened is not None:
            return
        values = state.values(suspect.facility)
        suspect.wrong.append(Evidence.of(reading))
        suspect.heard_ms.append(turn.clock.now_ms)
        while suspect.heard_ms[0] < turn.clock.now_ms - values["clock.within_s"] * 1000:
            del suspect.heard_ms[0], suspect.wrong[0]
        if len(suspect.wrong) < values["clock.messages"]:
            return
        first = suspect.wrong[0]
        summary = f"Clock of device {device} is wrong: its readings are dated {_WRONG[reading.quality]}"
        step = Step(reading.time_ms, summary, {"messages": float(len(suspect.wrong))}, tuple(suspect.wrong))
        opening = Opening(device, state.sites[facility], first.id, first.time_ms)
        suspect.opened = turn.raises(AnomalyKind.DEVICE_CLOCK, opening, step)
        suspect.wrong, suspect.heard_ms = [], []

    def _on_good(self, state: State, reading: Reading, turn: Turn) -> None:
        facility, device = reading.series.facility, reading.series.device
        if facility not in state.sites:
            return
        suspect = state.suspects.get(device)
        values = state.values(facility if suspect is None else suspect.facility)
        lag_ms = clock_lag.lag_of(reading.time_ms, reading.shard, turn.clock)
        if lag_ms >= values["clock.lag_s"] * 1000:
            self._on_far(state, reading, lag_ms, values, turn)
            return
        if suspect is None:
            return
        suspect.far = None
        if suspect.opened is None and not suspect.wrong:
            del state.suspects[device]
            return
        if reading.arrival_ms == suspect.newest_arrival_ms:
            return
        suspect.newest_arrival_ms = reading.arrival_ms
        suspect.good += 1
        if suspect.good < values["clock.messages"]:
            return
        del state.suspects[device]
        if suspect.opened is not None:
            summary = f"Clock of device {device} is right again"
            step = Step(reading.time_ms, summary, {}, (Evidence.of(reading),))
            turn.clears(suspect.opened, step)

    def _on_far(self, state: State, reading: Reading, lag_ms: int, values: Values, turn: Turn) -> None:
        """It is far behind: neither right nor, as it may have waited on its way, wrong by itself."""
        facility, device = reading.series.facility, reading.series.device
        suspect = state.suspects.setdefault(device, Suspect(facility))
        far = suspect.far = clock_lag.follow(suspect.far, reading, lag_ms, turn.clock, values)
        if suspect.opened is not None or not clock_lag.is_wrong(far, values):
            return
        lasted_ms = far.heard_ms - far.since_ms
        summary = f"Clock of device {device} is {span(far.lag_ms)} behind, in all its words for {span(lasted_ms)}"
        numbers = {"messages": float(far.words), "lag_s": far.lag_ms / 1000, "for_s": lasted_ms / 1000}
        step = Step(turn.clock.now_ms, summary, numbers, (far.first, Evidence.of(reading)))
        opening = Opening(device, state.sites[facility], far.first.id, far.since_ms)
        suspect.opened = turn.raises(AnomalyKind.DEVICE_CLOCK, opening, step)
        suspect.wrong, suspect.heard_ms = [], []

    def _on_registered(self, state: State, facility: Facility, turn: Turn) -> None:
        state.sites[facility.facility] = Site.of(facility)
        state.rules.register(facility)
        suspects = [name for name, suspect in state.suspects.items() if suspect.facility == facility.facility]
        bound = Bound.of(facility, suspects)
        self._acquit(state, bound.gone, bound.reason, turn)

    def _acquit(self, state: State, devices: Sequence[str], reason: str, turn: Turn) -> None:
        """Nobody asks any more what time these have."""
        for device in devices:
            suspect = state.suspects.pop(device)
            if suspect.opened is not None:
                step = Step(turn.clock.now_ms, f"Device {device} is no longer watched", {}, reason=reason)
                turn.clears(suspect.opened, step)

    def _on_left(self, state: State, facility: str, turn: Turn) -> None:
        suspects = sorted(name for name, suspect in state.suspects.items() if suspect.facility == facility)
        self._acquit(state, suspects, LEFT, turn)
        state.sites.pop(facility, None)
        state.rules.forget(facility)
