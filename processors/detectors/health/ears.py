"""The short cut of what nearly every reading says of its device: that it is well."""

from typing import Final

from processors.detectors.health import battery, rows, signal, stuck
from processors.detectors.health.bounds import bounds_of
from processors.detectors.health.state import Device, State
from processors.detectors.health.watch import NEVER_MS, Watch
from processors.engine.contract import Calm, Ear
from schemas.rules import Values

COUNTED: Final = frozenset({"uptime", "restart_count"})
"""By which a device says itself that it began anew."""


def of(state: State, device: Device, watch: Watch, prop: str) -> Ear:
    """Who takes in the readings of a series that has been watched."""
    usual = _usual(state, device, watch, prop)
    if prop in COUNTED:
        return _counted(device, watch, usual, prop)
    if prop not in battery.PROPERTIES and prop not in signal.THRESHOLDS:
        return usual
    site = state.sites[device.facility]
    values = state.rules.of(site.facility, site.facility_class)
    if prop in signal.THRESHOLDS:
        return _radio(device, watch, usual, prop, values)
    return _charged(device, watch, usual, prop, values)


def _usual(state: State, device: Device, watch: Watch, prop: str) -> Ear:
    """Takes in readings that stand where they usually do, or move as they may."""
    bounds = bounds_of(state, watch.facility, prop)
    least, most, step, per_ms = bounds.low, bounds.high, bounds.step, bounds.per_ms

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
        since_ms = time_ms - watch.time_ms
        if since_ms <= 0:  # a copy of another time, or overtaken
            return "@" not in identity
        if (
            since_ms > watch.gap_ms
            or time_ms >= watch.due_ms
            or watch.opened
            or device.opened
            or device.begun
            or device.returned
            or "@" in identity
        ):
            return False
        stands = watch.low <= value <= watch.high
        if not stands:
            room = step + per_ms * since_ms
            if not (least <= value <= most and -room <= value - watch.value <= room):
                return False
        row = watch.numbers
        if not rows.goes_on(row, identity) if row is not None else identity.startswith("a:"):
            return False
        if stands:
            watch.still += 1
        else:
            stuck.moved(watch, time_ms, value, bounds)
        watch.time_ms = time_ms
        watch.value = value
        watch.count += 1
        watch.total += value
        watch.counted += 1
        return True

    return hear


def _radio(device: Device, watch: Watch, usual: Ear, prop: str, values: Values) -> Ear:
    """Takes in levels as long as none is weak."""
    threshold, margin = values[signal.THRESHOLDS[prop]], values["signal.margin_db"]

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:
        if time_ms <= watch.time_ms:
            return "@" not in identity
        weak = device.signal.get(prop)
        if weak is None or weak.since_ms is not None:
            return False
        level = signal.smoothed(weak, value, threshold, margin)
        if level < threshold or not usual(time_ms, value, identity, arrival_ms, now_ms, shard):
            return False
        weak.count += 1
        weak.level = level
        return True

    return hear


def _charged(device: Device, watch: Watch, usual: Ear, prop: str, values: Values) -> Ear:
    """Takes in charges of a day that has begun, as long as none is low."""
    low_percent = values["battery.low_percent"]

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:
        if time_ms <= watch.time_ms:
            return "@" not in identity
        charge = device.charge
        if charge is None:
            return False
        if prop == "battery_percent":
            day = (time_ms - charge.first_ms) // battery.DAY_MS
            if charge.told or not charge.days or charge.days[-1][0] != day:
                return False
            is_calm = low_percent < value <= charge.days[-1][1] + battery.REPLACED_PERCENT
            if not (is_calm and usual(time_ms, value, identity, arrival_ms, now_ms, shard)):
                return False
            charge.days[-1] = (day, value)
            charge.low = 0
        else:
            if value > 0 or not usual(time_ms, value, identity, arrival_ms, now_ms, shard):
                return False
            charge.told = 0
        return True

    return hear


def _counted(device: Device, watch: Watch, usual: Ear, prop: str) -> Ear:
    """Takes in counts that go on."""

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:
        if time_ms <= watch.time_ms:
            return "@" not in identity
        known = device.uptime_s if prop == "uptime" else device.restarts
        if known is None or (value < known if prop == "uptime" else value > known):
            return False
        if not usual(time_ms, value, identity, arrival_ms, now_ms, shard):
            return False
        if prop == "uptime":
            device.uptime_s = value
        else:
            device.restarts = value
        return True

    return hear


def calm(state: State, watch: Watch, prop: str) -> Calm | None:
    """What :func:`_usual` takes in whatever was read between."""
    row = watch.numbers
    if watch.opened or (row is not None and row.seq < row.left_seq):
        return None
    bounds = bounds_of(state, watch.facility, prop)
    # Where it moves meanwhile, it stands from then on: for this long at least.
    least_ms = min(bounds.least_ms, bounds.prior_ms)

    return Calm(
        stuck.GoingOn(watch, bounds, least_ms).absorb,
        low=bounds.low,
        high=bounds.high,
        room=bounds.step,
        gap_ms=watch.gap_ms,
        until_ms=min(watch.due_ms, watch.time_ms + least_ms) if bounds.is_judged else NEVER_MS,
        prefix="" if row is None else row.prefix,
        after=-1 if row is None else row.seq,
        newest_ms=watch.time_ms,
    )
