"""At the live edge: a shadow's finding counts as settled only where its published twin must be visible too."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from ops.past import Span
from ops.shadow import said
from ops.shadow.said import Reach, read_said
from runtime.settings import KafkaSettings
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.facility import Place
from schemas.identity import event_id
from schemas.shadow import ShadowBegun

NOW = datetime.fromisoformat("2026-07-06T00:00:00Z")


def finding(number: int) -> Anomaly:
    return Anomaly(
        id=event_id(number),
        transition=Transition.RAISED,
        kind=AnomalyKind.COVER_TILTED,
        severity=Severity.MAJOR,
        zone="segment:1",
        subject=f"c-{number}",
        place=Place(lon=113.85, lat=34.03),
        since=NOW,
        at=NOW,
        summary="tilted",
        detector="cover",
        detector_version=2,
    )


def test_only_what_stands_before_the_first_look_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    def topic(*_: Any) -> Iterator[tuple[int, Anomaly | None]]:
        yield from ((offset, finding(offset)) for offset in (3, 4, 5))
        yield 6, None

    monkeypatch.setattr(said, "published", topic)
    monkeypatch.setattr(said, "on_trial", topic)
    reach = Reach({0: 4}, {0: Span(0, 7)}, {0: Span(0, 7)})
    begun = ShadowBegun(shadow="cover@2", detector="cover", version=2)
    found = read_said(KafkaSettings(), begun, reach, lambda _records: None)
    assert [step.settled for step in found.on_trial] == [True, False, False]
    assert [step.settled for step in found.published] == [True, True, True]
    assert (found.unreadable, reach.records) == (2, 14)
