"""A name means one detector, and a wrong one says which there are."""

import pytest
from fold_kit import Scribe

from processors import detectors
from processors.detectors import ALL
from processors.variants import variant
from runtime.errors import FatalError

LIVE = next(one for one in ALL if one.name == "cover")


class NewCover(Scribe):
    version = 99


@pytest.fixture
def candidates(monkeypatch: pytest.MonkeyPatch) -> tuple[Scribe, ...]:
    both = (NewCover("cover"), NewCover("bin"))
    monkeypatch.setattr(detectors, "CANDIDATES", both)
    return both


@pytest.mark.parametrize("detector", ALL, ids=lambda one: one.name)
def test_a_live_detector_is_found_by_name_and_by_its_version(detector: Scribe) -> None:
    assert variant(detector.name) is detector
    assert variant(f"{detector.name}@{detector.version}") is detector


def test_a_candidate_is_found_by_its_version_and_never_instead_of_a_live_one(candidates: tuple[Scribe, ...]) -> None:
    assert variant("cover@99") is candidates[0]
    assert variant("cover") is LIVE


def test_a_detector_that_was_never_live_needs_no_version(candidates: tuple[Scribe, ...]) -> None:
    assert variant("bin") is candidates[1]


@pytest.mark.parametrize("said", ["covr", "cover@98", "", "@99"])
def test_a_wrong_name_or_version_lists_those_that_there_are(said: str, candidates: tuple[Scribe, ...]) -> None:
    with pytest.raises(FatalError) as refused:
        variant(said)
    told = str(refused.value)
    assert repr(said) in told
    assert f"cover@{LIVE.version}, parking@" in told
    assert "cover@99 (a candidate)" in told
