"""What the live view makes of a scrape."""

import pytest

from ops.run.snapshot import Samples

HISTOGRAM = "".join(
    f'eyes_end_to_end_seconds_bucket{{stage="{stage}",le="{le}"}} {value}\n'
    for stage, values in {"row": (0, 50, 100, 100), "anomaly": (4, 4, 4, 4)}.items()
    for le, value in zip(("0.1", "0.5", "1.0", "+Inf"), values, strict=True)
)
TEXT = f"""\
# TYPE eyes_rows_total counter
eyes_rows_total{{table="observations"}} 5
eyes_rows_total{{table="quarantine"}} 2
# TYPE eyes_end_to_end_seconds histogram
{HISTOGRAM}"""


def test_totals_are_over_the_series_that_have_the_labels() -> None:
    samples = Samples(TEXT)
    assert samples.total("eyes_rows_total") == 7
    assert samples.total("eyes_rows_total", table="observations") == 5
    assert samples.total("eyes_rows_total", table="nothing") == 0
    assert samples.newest("eyes_rows_total") == 5
    assert samples.newest("eyes_nothing") is None
    assert not Samples("")


@pytest.mark.parametrize(("q", "expected"), [(0.25, 0.3), (0.5, 0.5), (0.75, 0.75), (1.0, 1.0)])
def test_quantiles_are_interpolated_within_their_bucket(q: float, expected: float) -> None:
    assert Samples(TEXT).quantile("eyes_end_to_end_seconds", q, stage="row") == pytest.approx(expected)


def test_no_quantile_of_nothing() -> None:
    assert Samples(TEXT).quantile("eyes_end_to_end_seconds", 0.5, stage="other") is None
    beyond = 'x_bucket{le="1.0"} 0\nx_bucket{le="+Inf"} 3\n'
    assert Samples(f"# TYPE x histogram\n{beyond}").quantile("x", 0.5) == 1.0
