"""Messages of cameras in the composed fold: who keeps what, and what becomes of one that a detector cannot stomach."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from fold_kit import LATENESS_MS, NOW, Scribe, Told, batch, briefs, camera, facility, row, series, tick
from state_kit import restored, state

from processors.detectors import ALL
from processors.detectors.silence import SilenceDetector
from processors.engine.composed import PartitionFold
from processors.engine.contract import QUIET, Clock, Detector, Outcome, ZoneEvent
from processors.engine.slot import Slot
from schemas.camera import CameraEvent
from schemas.facility import DeviceBinding
from schemas.model import Model
from schemas.registry import FacilityRegistered


class Choosy(Scribe):
    """Has no business with facility ``stranger``, and spoils its state before it raises at track ``poison``."""

    def sees(self, state: Told, device: str, facility: str) -> bool:
        return facility != "stranger"

    def fold(self, state: Told, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        (event,) = events
        track = event.track if isinstance(event, CameraEvent) else ""
        outcome = super().fold(state, events, clock)
        if track == "poison":
            raise ValueError("cannot stomach it")
        return outcome


def fold_of(*detectors: Detector[Any]) -> PartitionFold:
    fold = PartitionFold(detectors, LATENESS_MS)
    fold.fold([tick()])
    return fold


def stranger(identity: str) -> CameraEvent:
    return msgspec.structs.replace(camera(identity), facility="stranger")


def said(fold: PartitionFold, *events: CameraEvent) -> list[str]:
    return briefs(one for one in fold.fold(events) if isinstance(one, Model))


def test_what_is_none_of_a_detectors_business_is_kept_for_those_whose_it_is() -> None:
    fold = fold_of(Choosy("choosy"), Scribe())
    assert said(fold, *(stranger(f"a::{n}") for n in range(3))) == [f"scribe@z1: camera t1 a::{n}" for n in range(3)]
    kept = [entry for entry in fold._known("z1").journal.entries if not isinstance(entry, Clock)]
    assert [entry.slot.label for entry in kept] == ["scribe"] * 3


def test_fewer_messages_of_cameras_than_readings_are_kept() -> None:
    fold = fold_of(Scribe())
    kept: dict[str, int] = {}
    for number in range(60):
        for what, event in (
            ("camera", camera(f"a::{number}", zone="z1")),
            ("reading", batch(row(number, of=series(zone="z2")))),
        ):
            fold.fold([event])
            zone = fold._known("z1" if what == "camera" else "z2")
            kept[what] = max(kept.get(what, 0), len(zone.journal.entries))
    assert 3 * kept["camera"] < kept["reading"] <= 40


def test_a_message_that_one_detector_cannot_stomach_reaches_the_others_and_leaves_no_trace_in_it() -> None:
    messages = [camera("a::1"), stranger("a::2"), camera("a::3", track="poison"), camera("a::4")]
    fold, unspoilt = (fold_of(Choosy("choosy"), Scribe()) for _ in range(2))
    heard = said(fold, *messages)
    assert [one for one in heard if one != "Quarantined"] == [
        "choosy@z1: camera t1 a::1",
        "scribe@z1: camera t1 a::1",
        "scribe@z1: camera t1 a::2",
        "scribe@z1: camera poison a::3",
        "choosy@z1: camera t1 a::4",
        "scribe@z1: camera t1 a::4",
    ]
    assert heard.count("Quarantined") == fold.take_counts().poison["choosy"] == 1
    unspoilt.fold([messages[0], messages[3]])
    choosy, other = (one._known("z1").slot("choosy") for one in (fold, unspoilt))
    assert choosy.snapshot() == other.snapshot()
    assert said(restored(fold), camera("a::5")) == said(fold, camera("a::5"))


SEERS = [detector for detector in ALL if detector.hears_cameras]


@pytest.mark.parametrize("detector", SEERS, ids=lambda detector: detector.name)
def test_who_does_not_see_is_untouched(detector: Detector[Any]) -> None:
    known, event = detector.initial("z1"), camera("a::1")
    before = detector.snapshot(known)
    sees = Slot(detector, "z1").sees(event.device, event.facility)
    assert sees is (detector.name == "parking")  # which remembers when each camera was heard
    assert detector.fold(known, (event,), Clock(NOW, {"s1": NOW})) is QUIET
    assert (detector.snapshot(known) != before) is sees


def test_who_did_not_see_is_asked_again_after_a_registration() -> None:
    fold = PartitionFold([SilenceDetector()], LATENESS_MS)
    fold.fold([tick(), camera("a::1")])
    assert not fold._known("z1").journal.entries
    expected = DeviceBinding(device="cam", interval_s=60.0)
    fold.fold([FacilityRegistered(facility=facility("kerb-z1", "z1", expected)), camera("a::2")])
    assert [entry.event.identity for entry in fold._known("z1").journal.entries[1:]] == ["a::2"]


@pytest.mark.parametrize("identity", ["b:1000000:17", "c:1000000:0123456789abcdef:0"])
def test_copies_are_known_by_what_they_say_where_cameras_do_not_number_their_words(identity: str) -> None:
    fold = fold_of(Scribe())
    assert len(fold.fold([camera(identity), camera(identity)])) == 1
    assert fold.take_counts().duplicates == 1
    assert len(fold.fold([camera(f"{identity}1", track="t2")])) == 1
    assert state(fold) == state(restored(fold))
