"""Counters become flows: what passed between two counts of a meter, over the time between them.

A flow is the mean over that time and stands at the later count's event time (docs/processors/counters.md). Nothing is
invented: where a counter began anew, or nobody heard it for too long, there is no flow. An older count than the newest
changes nothing: what it would say is part of a flow that was said.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from processors.detectors.common import Packed
from processors.engine.contract import QUIET, Clock, Outcome, Reading, Series, ZoneEvent
from schemas.facility import Facility, FacilityClass
from schemas.identity import Derivation, boot_and_channel, derived
from schemas.properties import PROPERTIES
from schemas.registry import FacilityLeft, FacilityRegistered

FLOW: Final = "flow"
_DELTAS: Final = frozenset({"pulse_delta", "volume_delta"})
_PULSES: Final = frozenset({"pulse_delta", "pulse_count"})
_HEARD: Final = frozenset({"pulse_count", "meter_reading"}) | _DELTAS

SPAN_MIN_MS: Final = 1_000
"""Counts nearer than this are one: of a single pulse they would make any flow at all."""
GAP_MIN_S: Final = 7_200.0
GAP_INTERVALS: Final = 3
ROLL_MAX_M3_H: Final = 1_000.0
"""A fall that would be more, as a roll-over, is none, where the policy says no other: a DN 400 main at 2 m/s."""
_HOUR_MS: Final = 3_600_000


class Count(msgspec.Struct, array_like=True):
    """The newest count of one counter."""

    time_ms: int
    value: float
    boot: str
    quality: int


class Meter(msgspec.Struct, array_like=True):
    """What is known of the counters of one facility."""

    m3_per_pulse: float | None
    rolls_over_at: float | None
    max_flow_m3_h: float | None
    gap_s: float | None
    intervals_ms: dict[str, int | None]  # by device
    counts: dict[str, dict[str, Count]] = {}  # by device, and by property and channel

    @property
    def scale(self) -> tuple[float | None, float | None]:
        """What its counts mean."""
        return self.m3_per_pulse, self.rolls_over_at

    def gap_ms(self, device: str) -> float:
        """Counts of a device that are further apart make no flow."""
        if self.gap_s is not None:
            return self.gap_s * 1000
        return max(GAP_MIN_S * 1000, GAP_INTERVALS * (self.intervals_ms.get(device) or 0))


class State(msgspec.Struct, array_like=True):
    """The meters of a zone."""

    zone: str
    meters: dict[str, Meter] = {}


class CountersDetector(Packed[State]):
    """A fold that finds nothing: it derives flows, which the others hear."""

    state_type = State
    name: Final = "counters"
    version: Final = 2
    hears_late: Final = False
    hears_cameras = False

    def initial(self, zone: str) -> State:
        """No meters."""
        return State(zone)

    def wants(self, series: Series) -> bool:
        """Counts."""
        return series.observed_property in _HEARD

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:  # noqa: ARG002 - no time decides
        """Take in counts and registrations."""
        flows: list[Reading] = []
        for event in events:
            match event:
                case Reading():
                    meter = state.meters.get(event.series.facility)
                    flow = None if meter is None else _on_reading(meter, event)
                    if flow is not None:
                        flows.append(flow)
                case FacilityRegistered():
                    _on_registered(state, event.facility)
                case FacilityLeft():
                    state.meters.pop(event.facility, None)
                case _:
                    pass
        return Outcome(readings=flows) if flows else QUIET


def _on_registered(state: State, facility: Facility) -> None:
    policy, name = facility.policy, facility.facility
    before = state.meters.pop(name, None)
    if facility.facility_class is not FacilityClass.FLOW_METER and policy.m3_per_pulse is None:
        return
    meter = Meter(
        policy.m3_per_pulse,
        policy.rolls_over_at,
        policy.max_flow_m3_h,
        policy.count_gap_s,
        _intervals(facility),
    )
    # What a pulse stands for from now on it may not have stood for since the newest count.
    if before is not None and before.scale == meter.scale:
        meter.counts = {device: counts for device, counts in before.counts.items() if device in meter.intervals_ms}
    state.meters[name] = meter


def _intervals(facility: Facility) -> dict[str, int | None]:
    """The shortest interval of each device; None where it has none."""
    found: dict[str, int | None] = {}
    for binding in facility.devices:
        interval_ms = None if binding.interval_s is None else round(binding.interval_s * 1000)
        known = found.get(binding.device)
        found[binding.device] = known if interval_ms is None or (known or interval_ms) < interval_ms else interval_ms
    return found


def _on_reading(meter: Meter, reading: Reading) -> Reading | None:
    """The flow that a reading gives, if it gives one."""
    device, name = reading.series.device, reading.series.observed_property
    weight = meter.m3_per_pulse if name in _PULSES else 1.0
    if weight is None or (meter.m3_per_pulse is not None and name not in _PULSES):
        return None
    if name in _DELTAS:
        span_ms = meter.intervals_ms.get(device)
        return _flow(meter, reading, weight * reading.value, span_ms, reading.quality) if span_ms else None
    return _on_count(meter, reading, weight)


def _on_count(meter: Meter, reading: Reading, weight: float) -> Reading | None:
    device, name = reading.series.device, reading.series.observed_property
    boot, channel = boot_and_channel(reading.identity)
    counts, key = meter.counts.setdefault(device, {}), f"{name}@{channel}"
    last = counts.get(key)
    if last is not None and reading.time_ms < last.time_ms + SPAN_MIN_MS:
        return None
    counts[key] = Count(reading.time_ms, reading.value, boot, reading.quality)
    if last is None:
        return None
    span_ms = reading.time_ms - last.time_ms
    if span_ms > meter.gap_ms(device):
        return None
    rise, modulus = reading.value - last.value, meter.rolls_over_at
    if rise < 0:
        # A device that began anew began at 0 with its counter; that it rolled over just then is not to be believed.
        if modulus is None or boot != last.boot or max(reading.value, last.value) >= modulus:
            return None
        rise += modulus
        if rise * weight > (meter.max_flow_m3_h or ROLL_MAX_M3_H) * span_ms / _HOUR_MS:
            return None
    return _flow(meter, reading, rise * weight, span_ms, max(reading.quality, last.quality))


def _flow(meter: Meter, reading: Reading, volume_m3: float, span_ms: int, quality: int) -> Reading | None:
    """The mean flow of a volume that passed within so long before a reading, unless so much cannot pass."""
    flow = volume_m3 * _HOUR_MS / span_ms
    if flow > (meter.max_flow_m3_h or PROPERTIES[FLOW].high):
        return None
    series, time_ms = reading.series, reading.time_ms
    channel = boot_and_channel(reading.identity)[1]
    return Reading(
        msgspec.structs.replace(series, observed_property=FLOW, unit=PROPERTIES[FLOW].unit),
        time_ms,
        flow,
        derived(Derivation(time_ms, time_ms - span_ms, series.observed_property, channel)),
        quality,
        reading.arrival_ms,
        reading.shard,
    )
