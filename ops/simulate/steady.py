"""Covers and lamps: things that report every few minutes whether or not anything happens."""

from collections.abc import Iterator
from typing import Final

from ops.simulate.layout import (
    COVER_INTERVAL_S,
    LAMP_INTERVAL_S,
    cover_device,
    install_angle,
    lamp_device,
)
from ops.simulate.model import DAY_MS, HOUR_MS, Sample, Value, heartbeats
from ops.simulate.plan import Span, day_plan
from ops.simulate.rng import stream

TILT_DEG: Final = 17.0
NEAR_TILT_DEG: Final = 7.0
TILT_NOISE_DEG: Final = 0.15
LAMP_W: Final = 118.0
STANDBY_W: Final = 0.6
LAMPS_ON_H: Final = 18.7
LAMPS_OFF_H: Final = 5.6
UTC_OFFSET_MS: Final = 8 * HOUR_MS
BATTERY_EVERY: Final = 12
OPEN_NOTICE_MS: Final = 2_000  # a contact is reported within seconds, not at the next heartbeat


def cover_phase_ms(seed: int, index: int) -> int:
    """When within its interval a cover reports."""
    return int(stream(seed, "cover phase", index).integers(COVER_INTERVAL_S * 1000))


def lamp_phase_ms(seed: int, index: int) -> int:
    """When within its interval a lamp reports."""
    return int(stream(seed, "lamp phase", index).integers(LAMP_INTERVAL_S * 1000))


def cover(seed: int, index: int, start_ms: int) -> Iterator[Sample]:
    """All that the sensor in one cover ever says."""
    rng = stream(seed, "cover", index)
    flat = install_angle(index)
    battery = float(rng.uniform(70, 99))
    was_open = False
    device = cover_device(index)
    for beat, at_ms in enumerate(heartbeats(start_ms, COVER_INTERVAL_S * 1000, cover_phase_ms(seed, index))):
        noise = float(rng.normal(0, TILT_NOISE_DEG))
        since = at_ms - start_ms
        is_open = _hit(seed, since - OPEN_NOTICE_MS, index, "opened")
        if is_open != was_open:
            yield _contact_change(seed, index, start_ms, since - OPEN_NOTICE_MS, is_open=is_open)
            was_open = is_open
        if _hit(seed, since, index, "silent_cover"):
            continue
        tilt = flat + noise
        if _hit(seed, since, index, "tilted"):
            tilt += TILT_DEG
        elif _hit(seed, since, index, "near_tilt"):
            tilt += NEAR_TILT_DEG
        values = [Value("tilt_angle", round(max(0.0, tilt), 1), "deg"), Value("contact_open", is_open)]
        if beat % BATTERY_EVERY == 0:
            battery = max(20.0, battery - 0.01)
            values.append(Value("battery_percent", round(battery, 1), "%"))
        yield Sample(at_ms, device, tuple(values))


def lamp(seed: int, index: int, start_ms: int) -> Iterator[Sample]:
    """All that the controller of one lamp ever says."""
    rng = stream(seed, "lamp", index)
    for at_ms in heartbeats(start_ms, LAMP_INTERVAL_S * 1000, lamp_phase_ms(seed, index)):
        noise = float(rng.normal(0, 1))
        if _hit(seed, at_ms - start_ms, index, "silent_lamp"):
            continue
        on = is_lit(at_ms)
        power = LAMP_W + 1.5 * noise if on else STANDBY_W + 0.02 * noise
        yield Sample(at_ms, lamp_device(index), (Value("power", round(power, 2), "W"), Value("switch_on", on)))


def is_lit(at_ms: int) -> bool:
    """Whether the lamps are on, by the clock on the wall of the city hall."""
    hour = (at_ms + UTC_OFFSET_MS) % DAY_MS / HOUR_MS
    return hour >= LAMPS_ON_H or hour < LAMPS_OFF_H


def last_word_ms(start_ms: int, interval_s: int, phase_ms: int, silent_from_ms: int) -> int:
    """The last report before a silence begins; both in event time."""
    beats = (silent_from_ms - 1 - start_ms - phase_ms) // (interval_s * 1000)
    return start_ms + phase_ms + beats * interval_s * 1000


def _hit(seed: int, since_ms: int, index: int, what: str) -> bool:
    """Whether the plan has ``what`` for this one now."""
    span: Span = getattr(day_plan(seed, since_ms // DAY_MS), what)
    return span.index == index and span.start_ms <= since_ms < span.end_ms


def _contact_change(seed: int, index: int, start_ms: int, since_ms: int, *, is_open: bool) -> Sample:
    """The message at the very moment a cover is lifted or put back, which lay between the last beat and this one."""
    span = day_plan(seed, since_ms // DAY_MS).opened
    moment = span.start_ms if is_open else span.end_ms
    return Sample(
        start_ms + moment + OPEN_NOTICE_MS, cover_device(index), (Value("contact_open", is_open),), movable=False
    )
