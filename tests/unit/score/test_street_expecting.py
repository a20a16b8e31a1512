"""Findings within planned works are to say so, and no others."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from ops.score.street.expecting import Expecting, expecting
from ops.score.street.run import score_city
from ops.simulate.city.city import City
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.facility import Place
from schemas.model import from_ms
from schemas.works import MaintenancePlanned

MINUTE = 60_000
BEGINS, ENDS = 100 * MINUTE, 400 * MINUTE


def works(**more: object) -> MaintenancePlanned:
    return MaintenancePlanned(works="w", zone="segment:1", begins=from_ms(BEGINS), ends=from_ms(ENDS), **more)  # type: ignore[arg-type]


def finding(
    expected: str | None,
    *,
    zone: str = "segment:1",
    transition: Transition = Transition.RAISED,
    id_: UUID | None = None,
) -> Anomaly:
    return Anomaly(
        id=id_ or uuid4(),
        transition=transition,
        kind=AnomalyKind.COVER_OPEN,
        severity=Severity.MAJOR,
        zone=zone,
        subject="c",
        facility="c",
        place=Place(lon=113.8, lat=34.0),
        since=from_ms(0),
        at=from_ms(0),
        summary="s",
        numbers={},
        expected=expected,
        detector="d",
        detector_version=1,
    )


def judged(plan: MaintenancePlanned, one: Anomaly, at_minutes: float) -> Expecting:
    return expecting([plan], [one], {str(one.id): round(at_minutes * MINUTE)})


@pytest.mark.parametrize(
    ("at_minutes", "marked", "result"),
    [
        (200, True, Expecting(1, 1, 0)),
        (200, False, Expecting(1, 0, 0)),
        (50, True, Expecting(0, 0, 1)),
        (50, False, Expecting(0, 0, 0)),
        (99, True, Expecting(0, 0, 0)),  # at the edge either is right
        (105, False, Expecting(0, 0, 0)),
        (411, True, Expecting(0, 0, 1)),
    ],
)
def test_the_time_decides(at_minutes: float, *, marked: bool, result: Expecting) -> None:
    assert judged(works(), finding("w" if marked else None), at_minutes) == result


def test_place_and_kind_decide() -> None:
    wrong = Expecting(0, 0, 1)
    assert judged(works(facility="c"), finding("w"), 200) == Expecting(1, 1, 0)
    assert judged(works(facility="d"), finding("w"), 200) == wrong
    assert judged(works(kinds=(AnomalyKind.COVER_OPEN,)), finding("w"), 200) == Expecting(1, 1, 0)
    assert judged(works(kinds=(AnomalyKind.BIN_FULL,)), finding("w"), 200) == wrong
    assert judged(works(), finding("w", zone="segment:2"), 200) == wrong


def test_only_that_it_is_raised_counts() -> None:
    cleared = finding("w", transition=Transition.CLEARED)
    assert judged(works(), cleared, 200) == Expecting(0, 0, 0)


def test_in_a_city_they_are_marked() -> None:
    score = score_city(City(3, 300, noise=0, only=frozenset({"tank", "feeder", "drain"})), tick_ms=60_000)
    within = score.expecting.within
    assert within >= 2
    assert score.expecting == Expecting(within, within, 0)
    assert score.figures.as_json()["expected"] == {"within_works": within, "marked": within, "wrongly_marked": 0}
    whole = [one for one in score.city.works if one.facility is None]
    assert all(one.ends - one.begins <= timedelta(hours=10) for one in whole)
