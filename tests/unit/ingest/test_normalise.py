from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ingest.messages import Measurement
from ingest.normalise import Plausibility, is_arrival, measurement_identity, sighting_identity
from schemas.camera import CameraObservation, TrackPhase
from schemas.identity import tier
from schemas.observation import JUDGED, Quality

NOW = 1_795_000_000_000
PLAUSIBLE = Plausibility(future_ms=300_000, lateness_ms=86_400_000)

ms = st.integers(-(10**13), 10**14)


@given(device=st.none() | ms, clock=st.none() | st.integers(0, 10**13), otherwise=st.integers(0, 10**13))
def test_event_time_is_the_devices_only_when_plausible(device: int | None, clock: int | None, otherwise: int) -> None:
    time_ms, quality = PLAUSIBLE.event_time(device, clock, otherwise)
    assert time_ms >= 0
    match quality:
        case Quality.UNTIMED:
            assert device is None
            assert time_ms == otherwise
        case Quality.GOOD:
            assert time_ms == device
            assert clock is None or clock - 86_400_000 <= time_ms <= clock + 300_000
        case Quality.FUTURE:
            assert device is not None
            assert clock is not None
            assert device > clock + 300_000
            assert time_ms == otherwise
        case Quality.LATE:
            assert device is not None
            assert device < 0 or (clock is not None and device < clock - 86_400_000)
            assert time_ms == otherwise
        case _:
            raise AssertionError(quality)


def test_a_cover_sensor_six_minutes_fast_is_heard_and_judged() -> None:
    assert PLAUSIBLE.event_time(NOW + 360_000, NOW, NOW) == (NOW, Quality.FUTURE)
    assert Quality.FUTURE in JUDGED


def test_the_bounds_are_inclusive() -> None:
    assert PLAUSIBLE.event_time(NOW + 300_000, NOW, NOW)[1] is Quality.GOOD
    assert PLAUSIBLE.event_time(NOW + 300_001, NOW, NOW)[1] is Quality.FUTURE
    assert PLAUSIBLE.event_time(NOW - 86_400_000, NOW, NOW)[1] is Quality.GOOD
    assert PLAUSIBLE.event_time(NOW - 86_400_001, NOW, NOW)[1] is Quality.LATE


@given(
    seq=st.none() | st.integers(0, 2**63 - 1),
    time_ms=st.none() | ms,
    value=st.floats(allow_nan=False, allow_infinity=False),
    arrivals=st.tuples(st.integers(0, 10**13), st.integers(0, 10**13)),
)
def test_the_best_identity_is_taken_and_arrival_matters_only_in_the_last_tier(
    seq: int | None, time_ms: int | None, value: float, arrivals: tuple[int, int]
) -> None:
    part = Measurement("flow", value, time_ms, "b", seq)
    first, second = (measurement_identity(part, arrival, "0" * 16, 0) for arrival in arrivals)
    expected = "a" if seq is not None else "b" if time_ms is not None else "c"
    assert tier(first) == expected
    assert is_arrival(part) == (expected == "c")
    assert (first == second) == (expected != "c" or arrivals[0] == arrivals[1])


def test_camera_identities() -> None:
    seen = CameraObservation(phase=TrackPhase.END, track="a:7", label="car")
    assert sighting_identity(seen, 5, "f" * 16, 2) == f"c:5:{'f' * 16}:2"
    timed = seen.model_copy(update={"time": datetime(2026, 1, 1, tzinfo=UTC)})
    assert sighting_identity(timed, 5, "f" * 16, 2) == "b:1767225600000:end:a:7"
    assert sighting_identity(timed.model_copy(update={"boot": "x", "seq": 3}), 5, "", 0) == "a:x:3"
