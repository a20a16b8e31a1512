"""What the composed fold costs, of all detectors or some: readings and tracks of cameras, with a city's state loaded.

Only the fold is measured, by CPU time on one core: no server, no decoding, nothing written.
"""

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Final

from ops.bench.fleet import SENSORS_A_ZONE, Device, facilities, fleet, zones
from ops.bench.place import Report
from ops.bench.yardstick import yardstick_s
from processors.detectors import ALL
from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector
from processors.engine.snapshot import SHARDS
from runtime.memory import relax
from schemas.camera import CameraEvent, TrackPhase
from schemas.clock import Tick
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import Data
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.identity import numbered
from schemas.model import Moment, from_ms
from schemas.properties import PROPERTIES
from schemas.registry import FacilityRegistered

SHARD: Final = "bench"
START_MS: Final = 1_772_452_800_000
"""20:00 in the city: its lamps burn."""
LATENESS_MS: Final = 86_400_000
TICK_MS: Final = 1_000
ROUND_MS: Final = 600_000
"""Every device speaks that often, so a million readings of 170,000 facilities are an hour of their city."""
ROUNDS_BEFORE: Final = 18
"""Of readings that are part of the state that is loaded, three hours: by then every fold knows what is usual, and
journals are as long as they get."""
CAMERA_TICK_MS: Final = 10_000
ROWS_A_BATCH: Final = 100
KERBS_A_CAMERA: Final = 3
CHUNK: Final = 20_000
PASSING, TOO_LONG, CHURN = 0.65, 0.02, 0.035
"""Shares: of vehicles that only pass; of stops that are long where none is allowed; of minutes in which ids change."""
_ACTIVITIES: Final = ("no_stopping", "parking", "fire_lane", "parking", "bus_stop", "parking")
"""Half of the kerbs are for parking: there vehicles stand for long, and nearly all messages say that they still do."""


@dataclass(frozen=True, slots=True)
class FoldResult:
    """CPU seconds per million, on one core."""

    detectors: str
    facilities: int
    readings: int
    camera_events: int
    cpu_s_per_million_readings: float
    cpu_s_per_million_camera_events: float
    findings: int
    registering_s: float
    snapshot_s: float
    """To write the state of the whole city down, as a worker does with it piece by piece every minute."""
    state_mb: float
    """Of 10^6 bytes."""
    yardstick_s: float
    """CPU seconds of a fixed piece of work, the mean of before, between and after: how fast the machine was."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


class _Meter:
    """A fold, how long it took, and what it said."""

    def __init__(self, detectors: Sequence[Detector[Any]]) -> None:
        self.fold = PartitionFold(detectors, LATENESS_MS)
        self.findings = 0

    def take(self, events: Iterator[Data]) -> float:
        """Fold them all; gives the CPU seconds of the fold alone."""
        cpu_s = 0.0
        while chunk := [event for _, event in zip(range(CHUNK), events, strict=False)]:
            begin = time.process_time()
            said = self.fold.fold(chunk)
            cpu_s += time.process_time() - begin
            self.findings += len(said)
        return cpu_s

    def settle(self) -> float:
        """Tell detectors what was kept from them, which is part of what readings cost; gives the CPU seconds."""
        begin = time.process_time()
        self.fold.settle()
        return time.process_time() - begin

    def write_down(self) -> tuple[float, int]:
        """Take snapshots of all there is; gives the CPU seconds and the bytes."""
        begin, size = time.process_time(), sum(len(self.fold.snapshot(shard, 0)) for shard in range(SHARDS))
        return time.process_time() - begin, size


def named(text: str) -> tuple[Detector[Any], ...]:
    """The detectors of these names, with commas between them; or ``all``; or ``none``, which leaves the engine alone.

    Raises:
        ValueError: there is no such detector.
    """
    if text == "all":
        return ALL
    wanted = [] if text == "none" else text.split(",")
    known = [detector.name for detector in ALL]
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"no detector {', '.join(unknown)}; there are {', '.join(known)}, all and none")
    return tuple(detector for detector in ALL if detector.name in wanted)


def bench_fold(
    size: int, readings: int, camera_events: int, report: Report, detectors: Sequence[Detector[Any]] = ALL
) -> FoldResult:
    """Measure with ``size`` facilities registered, of which one in twenty is a stretch of kerb before a camera."""
    devices = fleet(size * 19 // 20)
    kerbs = list(_kerbs(size - len(devices)))
    yardsticks = [yardstick_s()]
    relax()
    meter = _Meter(detectors)
    report(f"registering {len(devices) + len(kerbs):,} facilities")
    registering_s = meter.take(_registered(devices, kerbs, ROUND_MS / 1000))
    before = ROUNDS_BEFORE * len(devices)
    said = _readings(devices, before + readings)  # in one go: a gap in its ticks would be a time of blindness
    report(f"loading what {before:,} readings left behind")
    meter.take(_first(said, before))
    report("writing it down")
    snapshot_s, state_bytes = meter.write_down()
    gc.collect()  # what loading left behind is no cost of what follows
    report(f"folding {readings:,} readings")
    reading_s = meter.take(said) + meter.settle()
    findings = meter.findings
    yardsticks.append(yardstick_s())
    meter = _Meter(detectors)  # nobody is missed in this one, however long the vehicles stand
    report("loading the same city, at the kerb")
    meter.take(_registered(devices, kerbs, None))
    meter.take(_readings(devices, len(devices)))
    gc.collect()
    report(f"folding {camera_events:,} camera events")
    camera_s = meter.take(_sightings(kerbs, camera_events))
    yardsticks.append(yardstick_s())
    return FoldResult(
        detectors=",".join(one.name for one in detectors),
        facilities=size,
        readings=readings,
        camera_events=camera_events,
        cpu_s_per_million_readings=round(reading_s / readings * 1e6, 2),
        cpu_s_per_million_camera_events=round(camera_s / camera_events * 1e6, 2),
        findings=findings + meter.findings,
        registering_s=round(registering_s, 1),
        snapshot_s=round(snapshot_s, 1),
        state_mb=round(state_bytes / 1e6, 1),
        yardstick_s=round(sum(yardsticks) / len(yardsticks), 4),
    )


def _registered(devices: list[Device], kerbs: list[Facility], interval_s: float | None) -> Iterator[Data]:
    yield from zones(devices)
    for facility in (*facilities(devices, interval_s), *kerbs):
        yield FacilityRegistered(facility=facility)


def _kerbs(number: int) -> Iterator[Facility]:
    for index in range(number):
        yield Facility(
            facility=f"bench-kerb-{index}",
            scheme=CodeScheme.LOCAL,
            facility_class=FacilityClass.CURB_ZONE,
            zone=f"segment:bench-{index // SENSORS_A_ZONE}",
            place=Place(lon=113.85, lat=34.03),
            devices=(
                DeviceBinding(device=f"bench-cam-{index // KERBS_A_CAMERA}", properties=(), camera_zone=str(index)),
            ),
            policy=Policy.model_validate({"activity": _ACTIVITIES[index % len(_ACTIVITIES)]}),
        )


def _tick(at_ms: int, cadence_ms: int = TICK_MS) -> Tick:
    return Tick(time=from_ms(at_ms), generation=1, cadence_ms=cadence_ms, ticker=SHARD, received_to={SHARD: at_ms})


def _readings(devices: list[Device], number: int) -> Iterator[Data]:
    """So many from the beginning on, each device in turn, a hundred a record."""
    series = [
        SeriesColumns(
            device=device.name,
            observed_property=device.kind.observed_property,
            unit=PROPERTIES[device.kind.observed_property].unit,
            facility=device.name,
            facility_class=device.kind.facility_class,
            zone=device.zone,
        )
        for device in devices
    ]
    tick_ms = START_MS
    for first in range(0, number, ROWS_A_BATCH):
        at_ms = _reading_ms(first, len(devices))
        while tick_ms <= at_ms:
            yield _tick(tick_ms)
            tick_ms += TICK_MS
        turns = [divmod(row, len(devices)) for row in range(first, min(first + ROWS_A_BATCH, number))]
        kinds = [devices[index].kind for _, index in turns]
        yield BatchColumns(
            shard=SHARD,
            series=[series[index] for _, index in turns],
            series_index=list(range(len(turns))),
            phenomenon_time=[at_ms] * len(turns),
            result=[kind.values[turn % len(kind.values)] for kind, (turn, _) in zip(kinds, turns, strict=True)],
            identity=[numbered("", turn) for turn, _ in turns],
            result_quality=[0] * len(turns),
            arrival_time=[at_ms] * len(turns),
        )


def _first(said: Iterator[Data], readings: int) -> Iterator[Data]:
    """What is said up to so many readings; what comes then is left."""
    while readings > 0 and (event := next(said, None)) is not None:
        yield event
        if isinstance(event, BatchColumns):
            readings -= len(event.series_index)


def _reading_ms(number: int, devices: int) -> int:
    return START_MS + number * ROUND_MS // devices


def _sightings(kerbs: list[Facility], number: int) -> Iterator[Data]:
    """Vehicles as Frigate tells of them: most pass, some stand, and a third of those change ids in ten minutes."""
    rng = Random("bench tracks")  # noqa: S311 - a load, no secret
    at_ms, written = START_MS + ROUND_MS, 0
    standing: dict[int, tuple[str, int]] = {}  # by kerb: the track, and how many more minutes it stands
    many = max(len(kerbs) // 6, 1)  # of which one tells within ten seconds
    while written < number:
        for index, kerb in enumerate(kerbs):
            if index % many == 0:
                at_ms += CAMERA_TICK_MS
                yield _tick(at_ms, CAMERA_TICK_MS)
            for event in _minute(kerb, index, at_ms, standing, rng):
                written += 1
                yield event


def _minute(
    kerb: Facility, index: int, at_ms: int, standing: dict[int, tuple[str, int]], rng: Random
) -> Iterator[CameraEvent]:
    if index not in standing:
        track = f"{at_ms / 1000:.3f}-{index}"
        yield _seen(kerb, track, at_ms, TrackPhase.NEW)
        if rng.random() < PASSING:
            yield _seen(kerb, track, at_ms + 4_000, TrackPhase.UPDATE, present=False)
            return
        if kerb.policy.activity != "parking" and rng.random() > TOO_LONG:
            yield _seen(kerb, track, at_ms + 10_000, TrackPhase.UPDATE, still_s=10.0)
            yield _seen(kerb, track, at_ms + 40_000, TrackPhase.UPDATE, present=False)
            yield _seen(kerb, track, at_ms + 44_000, TrackPhase.END, present=False)
            return
        standing[index] = track, int(rng.uniform(5, 120))
    track, minutes = standing.pop(index)
    if minutes == 0:
        yield _seen(kerb, track, at_ms, TrackPhase.UPDATE, present=False)
        yield _seen(kerb, track, at_ms + 4_000, TrackPhase.END, present=False)
        return
    if rng.random() < CHURN:
        yield _seen(kerb, track, at_ms, TrackPhase.END, present=False, lost=True)
        track = f"{at_ms / 1000:.3f}-{index}"
        yield _seen(kerb, track, at_ms + 3_000, TrackPhase.NEW)
    yield _seen(kerb, track, at_ms + 10_000, TrackPhase.UPDATE, still_s=10.0)
    standing[index] = track, minutes - 1


def _seen(
    kerb: Facility,
    track: str,
    at_ms: int,
    phase: TrackPhase,
    *,
    present: bool = True,
    lost: bool = False,
    still_s: float | None = None,
) -> CameraEvent:
    return CameraEvent(
        device=kerb.devices[0].device,
        facility=kerb.facility,
        zone=kerb.zone,
        phase=phase,
        track=track,
        label="car",
        present=present,
        lost=lost,
        stationary=still_s is not None,
        confidence=0.9,
        box=(100.0, 300.0, 240.0, 390.0),
        still_s=still_s,
        seen=Moment(at_ms),
        came=Moment(at_ms),
        identity=f"b:{at_ms}:{track}",
        shard=SHARD,
    )
