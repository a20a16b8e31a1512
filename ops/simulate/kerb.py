"""Two stretches of kerb under a camera: cars pass, stop briefly, and now and then stay where they must not."""

from collections.abc import Iterator
from heapq import merge
from typing import Final

import numpy as np

from ops.simulate.layout import CAMERA, CAMERA_INTERVAL_S, KERB_NAMES
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Item, Sample, Sighting, Value, heartbeats
from ops.simulate.plan import day_plan
from ops.simulate.rng import stream
from schemas.camera import TrackPhase

STATIONARY_AFTER_MS: Final = 10 * SECOND_MS
UPDATE_EVERY_MS: Final = 60 * SECOND_MS
ROLL_MS: Final = 5 * SECOND_MS
ROOM_MS: Final = 10 * MINUTE_MS
SHORTEST_GAP_MS: Final = 2 * MINUTE_MS
LONGEST_STOP_S: Final = (90, 35)  # kerb without stopping, bus stop: well below what either forbids
BUSY_GAP_MIN: Final = 6.0
QUIET_GAP_MIN: Final = 40.0
QUIET_UNTIL_MS: Final = 6 * HOUR_MS
STOPPING: Final = 0.4
BUSES: Final = 0.6


def stops(seed: int, kerb: int) -> Iterator[tuple[int, int, str]]:
    """Come, go, label of every vehicle in a stretch of kerb, from the start of the feed; one at a time; endless."""
    rng = stream(seed, "kerb", kerb)
    planned = _planned(seed, kerb)
    following = next(planned)
    at = int(rng.uniform(1, 15) * MINUTE_MS)
    while True:
        length, label = _visit(rng, kerb)
        mean_min = QUIET_GAP_MIN if at % DAY_MS < QUIET_UNTIL_MS else BUSY_GAP_MIN
        gap = int(SHORTEST_GAP_MS + rng.exponential(mean_min) * MINUTE_MS)
        if at + length + ROOM_MS > following[0]:
            yield (*following, "car")
            at = following[1] + ROOM_MS + gap
            following = next(planned)
        else:
            yield at, at + length, label
            at += length + gap


def camera(seed: int, start_ms: int) -> Iterator[Item]:
    """All that the camera ever says: what it tracks, and every five minutes that it is well."""
    tracks = (_tracks(seed, kerb, start_ms) for kerb in (0, 1))
    return merge(_well(seed, start_ms), *tracks, key=lambda item: item.at_ms)


def _visit(rng: np.random.Generator, kerb: int) -> tuple[int, str]:
    """How long an ordinary vehicle is in a stretch of kerb, and what it is: most pass, some stop for a moment."""
    length = int(rng.uniform(4, 9) * SECOND_MS)
    if rng.random() < STOPPING:
        length = int(rng.uniform(STATIONARY_AFTER_MS / SECOND_MS, LONGEST_STOP_S[kerb]) * SECOND_MS)
    return length, "bus" if kerb and rng.random() < BUSES else "car"


def _planned(seed: int, kerb: int) -> Iterator[tuple[int, int]]:
    day = 0
    while True:
        plan = day_plan(seed, day)
        for span in (plan.no_stopping, plan.near_stop) if kerb == 0 else (plan.bus_stop,):
            yield span.start_ms, span.end_ms
        day += 1


def _well(seed: int, start_ms: int) -> Iterator[Sample]:
    phase = int(stream(seed, "camera phase").integers(CAMERA_INTERVAL_S * 1000))
    for at_ms in heartbeats(start_ms, CAMERA_INTERVAL_S * 1000, phase):
        yield Sample(at_ms, CAMERA, (Value("fault", False),))  # noqa: FBT003 - a value, not a switch


def _tracks(seed: int, kerb: int, start_ms: int) -> Iterator[Sighting]:
    """The messages of each vehicle: it comes, stands still, is seen every minute, and leaves."""
    rng = stream(seed, "kerb tracks", kerb)
    for number, (come, go, label) in enumerate(stops(seed, kerb)):
        confidence = round(float(rng.uniform(0.8, 0.98)), 2)
        track, zone = f"{start_ms // DAY_MS}-{kerb}-{number}", (KERB_NAMES[kerb],)
        come_ms, go_ms = start_ms + come, start_ms + go

        def seen(
            at_ms: int, phase: TrackPhase, zones: tuple[str, ...], *, still: bool,
            track: str = track, label: str = label, confidence: float = confidence,
        ) -> Sighting:  # fmt: skip
            return Sighting(at_ms, CAMERA, phase, track, label, zones, still, confidence)

        yield seen(come_ms, TrackPhase.NEW, zone, still=False)
        at_ms = come_ms + STATIONARY_AFTER_MS
        while at_ms < go_ms:
            yield seen(at_ms, TrackPhase.UPDATE, zone, still=True)
            at_ms += UPDATE_EVERY_MS
        yield seen(go_ms, TrackPhase.UPDATE, (), still=False)
        yield seen(go_ms + ROLL_MS, TrackPhase.END, (), still=False)
