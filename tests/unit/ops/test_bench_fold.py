"""The benchmark of the fold measures what it says it does; how fast it is here is no matter of a test."""

import pytest

from ops.bench import fold
from ops.bench.fold import bench_fold, named
from processors.detectors import ALL


def test_it_loads_a_city_writes_it_down_and_folds_what_was_asked_for() -> None:
    told: list[str] = []
    result = bench_fold(400, 800, 100, told.append)
    assert told == [
        "registering 400 facilities",
        f"loading what {fold.ROUNDS_BEFORE * 380:,} readings left behind",
        "writing it down",
        "folding 800 readings",
        "loading the same city, at the kerb",
        "folding 100 camera events",
    ]
    assert (result.facilities, result.readings, result.camera_events) == (400, 800, 100)
    assert 0.1 < result.state_mb < 10
    figures = (result.cpu_s_per_million_readings, result.cpu_s_per_million_camera_events, result.yardstick_s)
    assert min(figures) > 0


def test_with_some_detectors_or_none() -> None:
    assert named("all") == ALL
    assert [one.name for one in named("silence,cover")] == ["cover", "silence"]  # in the order in which they are asked
    result = bench_fold(200, 400, 100, lambda _: None, named("none"))
    assert (result.detectors, result.findings) == ("", 0)
    assert result.cpu_s_per_million_readings > 0
    with pytest.raises(ValueError, match=r"no detector lid; there are .*cover.*, all and none"):
        named("lid")
