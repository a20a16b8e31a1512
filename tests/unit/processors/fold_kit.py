"""A detector that repeats all it hears, and generated logs to feed it: any difference in order, time or state shows."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from processors.engine.composed import PartitionFold
from processors.engine.contract import (
    Blind,
    Clock,
    Outcome,
    Reading,
    Series,
    Stepped,
    Timer,
    TimerDue,
    Unseen,
    ZoneEvent,
)
from processors.engine.outputs import outgoing
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.camera import CameraEvent, TrackPhase
from schemas.clock import ClockStepped, Tick
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import Data
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.identity import Derivation, derived
from schemas.model import Model, Moment, from_ms
from schemas.observation import Quality
from schemas.registry import FacilityLeft, FacilityRegistered
from schemas.shadow import ShadowBegun, ShadowEnded, ShadowPromoted
from schemas.whatif import WhatIf
from tests.examples import examples

LATENESS_MS = 10_000
NOW = 1_000_000
POISON = 666.0
RELAXED = settings(deadline=None, max_examples=examples(60), stateful_step_count=25)
"""For generated tests: machines are shared, so nothing is measured against the clock."""
PLACE = Place(lon=113.85, lat=34.03)


class Told(msgspec.Struct):
    """What a :class:`Scribe` knows."""

    zone: str
    count: int = 0
    values: list[float] = []


class Scribe:
    """Says every event it is given, numbered by its own count; the values of readings tell it what else to do.

    ``POISON`` raises after the state was spoilt; 1 and 2 wake it so many seconds later, 3 cancels, 4 wakes it at a
    time that is over already.
    """

    version = 1

    def __init__(self, name: str = "scribe", *, hears_late: bool = False, wants: str = "") -> None:
        """``wants``: the one property it asks for; all when empty."""
        self.name = name
        self.hears_late = hears_late
        self.hears_cameras = True
        self._wants = wants

    def initial(self, zone: str) -> Told:
        return Told(zone)

    def wants(self, series: Series) -> bool:
        return self._wants in {"", series.observed_property}

    def snapshot(self, state: Told) -> bytes:
        return msgspec.msgpack.encode(state)

    def restore(self, zone: str, data: bytes) -> Told:
        return msgspec.msgpack.decode(data, type=Told)

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:
        """Version 3 knows what version 2 knew, and of version 1 nothing."""
        return data if (version, self.version) == (2, 3) else None

    def fold(self, state: Told, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        outputs: list[Model] = []
        timers: list[Timer] = []
        for event in events:
            state.count += 1
            if isinstance(event, Reading):
                state.values = [*state.values[-2:], event.value]
                if event.value == POISON:
                    raise ValueError(f"cannot stomach {event.value}")
                timers += _orders(event.value, clock)
            outputs.append(self._say(state, event, clock))
        return Outcome(outputs, timers)

    def _say(self, state: Told, event: ZoneEvent, clock: Clock) -> Anomaly:
        told = f"{self.name} {state.count} {state.values} {dict(sorted(clock.frontier.items()))} {brief(event)}"
        return Anomaly(
            id=UUID(int=state.count),
            transition=Transition.RAISED,
            kind=AnomalyKind.DEVICE_SILENT,
            severity=Severity.WARNING,
            zone=state.zone,
            subject=self.name,
            place=PLACE,
            since=from_ms(clock.now_ms),
            at=from_ms(clock.now_ms),
            summary=told[:512],
            detector=self.name,
            detector_version=self.version,
        )


class Deriver(Scribe):
    """Makes of every reading it hears one of another property with the same value, and says nothing."""

    def __init__(
        self, name: str = "deriver", *, version: int = 1, makes: str = "flow", wants: str = "pressure"
    ) -> None:
        super().__init__(name, wants=wants)
        self.version = version
        self._makes = makes

    def fold(self, state: Told, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        state.count += len(events)
        return Outcome(readings=[self._derived(one) for one in events if isinstance(one, Reading)])

    def _derived(self, reading: Reading) -> Reading:
        made = derived(Derivation(reading.time_ms, reading.time_ms - 5, reading.series.observed_property, ""))
        of = msgspec.structs.replace(reading.series, observed_property=self._makes)
        return reading._replace(series=of, identity=made)


def _orders(value: float, clock: Clock) -> Iterator[Timer]:
    match value:
        case 1.0 | 2.0:
            yield Timer(f"t{value:g}", clock.now_ms + int(value) * 1000)
        case 3.0:
            yield Timer("t1", None)
        case 4.0:
            yield Timer("over", clock.now_ms - 5)
        case _:
            pass


def brief(event: ZoneEvent) -> str:  # noqa: PLR0911 - a line for each kind of event
    """An event in a few words."""
    match event:
        case Reading():
            return f"reading {event.series.device} {event.time_ms} {event.value:g} {event.identity} q{event.quality}"
        case CameraEvent():
            return f"camera {event.track} {event.identity}"
        case TimerDue():
            return f"timer {event.name} {event.at_ms}"
        case Blind():
            return f"blind {event.shard} {event.from_ms} {event.to_ms}"
        case Stepped():
            return f"stepped {event.by_ms}"
        case Unseen():
            return f"unseen {event.facility} {event.since_ms}"
        case FacilityRegistered():
            tilt = event.facility.policy.tilt_deg
            return f"registered {event.facility.facility}{'' if tilt is None else f' tilt {tilt:g}'}"
        case _:
            return type(event).__name__


def briefs(outputs: Iterable[Model]) -> list[str]:
    """What scribes said, without their count and state; everything else by its type."""
    return [
        f"{one.detector}@{one.zone}: {one.summary.partition('} ')[2]}"
        if isinstance(one, Anomaly)
        else type(one).__name__
        for one in outputs
    ]


STRICT = WhatIf.read({"override": [{"zone": "z1", "policy": {"tilt_deg": 5.0}}]})


def wire(outputs: Iterable[Model]) -> list[bytes]:
    """The records that outputs become."""
    return [outgoing(one, "/test").value for one in outputs]


# what can stand in a log


class Row(NamedTuple):
    """A reading on its way into a batch."""

    series: SeriesColumns
    time_ms: int
    value: float
    identity: str
    quality: int = int(Quality.GOOD)


Item = Row | Model


def series(device: str = "d1", name: str = "flow", zone: str = "z1") -> SeriesColumns:
    return SeriesColumns(device, name, "m3/h", f"f-{device}", FacilityClass.FLOW_METER, zone)


def row(seq: int, value: float = 0.0, time_ms: int = NOW, *, of: SeriesColumns | None = None, quality: int = 0) -> Row:
    return Row(of or series(), time_ms, value, f"a::{seq}", quality)


def batch(*rows: Row, shard: str = "s1") -> BatchColumns:
    """Rows in one record; only series that occur stand in it, as ingest writes them."""
    known = list(dict.fromkeys(one.series for one in rows))
    return BatchColumns(
        shard=shard,
        series=known,
        series_index=[known.index(one.series) for one in rows],
        phenomenon_time=[one.time_ms for one in rows],
        result=[one.value for one in rows],
        identity=[one.identity for one in rows],
        result_quality=[one.quality for one in rows],
        arrival_time=[one.time_ms + 7 for one in rows],
    )


def tick(now_ms: int = NOW, *, generation: int = 1, cadence_ms: int = 1000, **received_to: int) -> Tick:
    """A tick; without ``received_to`` the one shard has received everything."""
    return Tick(
        time=from_ms(now_ms),
        generation=generation,
        cadence_ms=cadence_ms,
        ticker="s1",
        received_to=received_to or {"s1": now_ms},
    )


def camera(identity: str, *, track: str = "t1", zone: str = "z1", at_ms: int = NOW, quality: int = 0) -> CameraEvent:
    return CameraEvent(
        device="cam",
        facility=f"kerb-{zone}",
        zone=zone,
        phase=TrackPhase.UPDATE,
        track=track,
        label="car",
        present=True,
        stationary=True,
        confidence=0.9,
        seen=Moment(at_ms),
        came=Moment(at_ms),
        identity=identity,
        result_quality=quality,
        shard="s1",
    )


def facility(name: str = "f-d1", zone: str = "z1", *bindings: DeviceBinding) -> Facility:
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.FLOW_METER,
        zone=zone,
        place=PLACE,
        devices=bindings,
    )


# generated logs


_SERIES = [series()] * 5 + [series(d, n, z) for d in ("d1", "d2") for n in ("flow", "fault") for z in ("z1", "z2")]
_NUMBERED = ["a::0", "a::1", "a::2", "a:boot:1", "a:boot:2"]
_IDENTITIES = st.sampled_from([*_NUMBERED, "b:1:0.0", "b:1:1.0", "c:1:hash:0", "c:2:hash:0", "strange"])
_QUALITIES = st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4])
_VALUES = st.sampled_from([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, POISON])


_SHADOWS = st.sampled_from(["trial-1", "trial-2", "other"])
_TRIALS = st.one_of(
    st.sampled_from([1, 2, 3]).map(  # nobody knows 3
        lambda version: ShadowBegun(shadow=f"trial-{version}", detector="scribe", version=version, what_if=STRICT)
    ),
    st.builds(ShadowPromoted, shadow=_SHADOWS),
    st.builds(ShadowEnded, shadow=_SHADOWS),
)


@st.composite
def logs(draw: st.DrawFn, max_size: int = 40) -> list[Item]:  # noqa: C901 - a line or two for each kind of event
    """A log of two zones, two shards and several devices in which everything happens that a log allows."""
    now_ms = NOW
    received = {"s1": NOW}
    items: list[Item] = []
    least = draw(st.sampled_from([0, max_size // 2]))  # left alone, hypothesis likes short lists
    for kind in draw(st.lists(st.sampled_from("rrrrrraattttcflgsxxx"), min_size=least, max_size=max_size)):
        match kind:
            case "r":
                age_ms = draw(st.sampled_from([0, 0, 1, 500, LATENESS_MS, LATENESS_MS + 1, 3 * LATENESS_MS]))
                of = draw(st.sampled_from(_SERIES))
                items.append(Row(of, now_ms - age_ms, draw(_VALUES), draw(_IDENTITIES), draw(_QUALITIES)))
            case "a" if rows := [item for item in items if isinstance(item, Row)]:
                items.append(draw(st.sampled_from(rows))._replace(value=draw(_VALUES)))  # again, maybe in conflict
            case "t":
                now_ms += draw(st.sampled_from([0, 1000, 1000, 2000, 6000, LATENESS_MS]))
                received |= {draw(st.sampled_from(["s1", "s1", "s2"])): now_ms}
                items.append(tick(now_ms, **received))
            case "c":
                zone, track = draw(st.sampled_from(["z1", "z2"])), draw(st.sampled_from(["t1", "t2"]))
                items.append(camera(draw(_IDENTITIES), track=track, zone=zone, at_ms=now_ms, quality=draw(_QUALITIES)))
            case "f":
                items.append(FacilityRegistered(facility=facility(zone=draw(st.sampled_from(["z1", "z3"])))))
            case "l":
                items.append(FacilityLeft(facility="f-d1", zone=draw(st.sampled_from(["z1", "z3"]))))
            case "g":
                items.append(tick(now_ms + 50_000, generation=draw(st.sampled_from([1, 2])), **received))
            case "s":
                after_ms = now_ms + draw(st.sampled_from([-3000, 3000]))
                items.append(ClockStepped(before=from_ms(now_ms), after=from_ms(after_ms), ticker="s1"))
            case "x":
                items.append(draw(_TRIALS))
            case _:
                pass
    return items


def cut(items: Iterable[Item], sizes: Iterator[int]) -> list[Data]:
    """The log with consecutive readings packed into records of these sizes."""
    events: list[Data] = []
    rows: list[Row] = []
    room = next(sizes)
    for item in items:
        if isinstance(item, Row):
            rows.append(item)
            if len(rows) < room:
                continue
        if rows:
            events.append(batch(*rows))
            rows, room = [], next(sizes)
        if not isinstance(item, Row):
            events.append(item)
    return [*events, batch(*rows)] if rows else events


def one_by_one(items: Iterable[Item]) -> list[Data]:
    """The log with every reading in a record of its own."""
    return [batch(item) if isinstance(item, Row) else item for item in items]


def new_fold() -> PartitionFold:
    """Three scribes: one asks for everything, one also hears what is late, one asks for a single property.

    Beside them one that derives what devices sometimes send themselves.
    """
    scribes = (Scribe(), Scribe("listener", hears_late=True), Scribe("choosy", wants="fault"))
    detectors = (*scribes, Deriver(wants="fault", makes="flow"))
    return PartitionFold(detectors, LATENESS_MS, (scribe(2),))


def scribe(version: int) -> Scribe:
    """One of another version."""
    made = Scribe()
    made.version = version
    return made
