"""What is done is kept, and only for as long as it is true."""

from pathlib import Path

import pytest
from replay_lives import step

from ops.past import Bounds, Span
from ops.replay.part import Part
from ops.replay.work import Work
from runtime.errors import FatalError
from schemas.anomaly import Transition


def bounds(end: int) -> Bounds:
    return Bounds("log", {0: end}, {0: Span(0, 3)}, {0: Span(0, 0)}, {0: Span(0, end), 1: Span(0, end)})


PART = Part(
    1,
    published=[step(5)],
    replayed=[step(5), step(9, Transition.CLEARED, settled=False)],
    records=7,
    events=8,
    matched=[3],
)
FINAL = Part(2, records=1, final=True)


def test_an_interrupted_replay_looks_at_the_log_as_it_was(tmp_path: Path) -> None:
    work = Work(tmp_path / "a" / "b")
    assert not work.interrupted
    assert work.begin(bounds(5), fresh=False) == bounds(5)
    work.keep(PART)
    again = Work(tmp_path / "a" / "b")
    assert again.interrupted
    assert again.begin(bounds(9), fresh=False) == bounds(5)
    assert again.parts() == {1: PART}


def test_fresh_begins_anew(tmp_path: Path) -> None:
    work = Work(tmp_path / "w")
    work.begin(bounds(5), fresh=False)
    work.keep(PART)
    assert work.begin(bounds(9), fresh=True) == bounds(9)
    assert work.parts() == {}


def test_what_the_log_may_still_add_to_is_not_kept_when_all_is_done(tmp_path: Path) -> None:
    work = Work(tmp_path / "w")
    work.begin(bounds(5), fresh=False)
    for part in (PART, FINAL):
        work.keep(part)
    work.finish(work.parts())
    assert not work.interrupted
    assert work.parts() == {2: FINAL}
    assert work.begin(bounds(9), fresh=False) == bounds(9)


def test_nothing_is_left_where_nothing_is_worth_keeping(tmp_path: Path) -> None:
    work = Work(tmp_path / "w")
    work.begin(bounds(5), fresh=False)
    work.keep(PART)
    work.finish(work.parts())
    assert list(tmp_path.iterdir()) == []


def test_a_twin_that_finished_in_between_leaves_no_part_behind(tmp_path: Path) -> None:
    work = Work(tmp_path / "w")
    work.begin(bounds(5), fresh=False)
    Work(work.folder).finish({})
    assert not work.folder.exists()
    work.keep(PART)
    work.keep(FINAL)
    work.begin(bounds(9), fresh=False)
    assert work.parts() == {2: FINAL}


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    work = Work(tmp_path / "w")
    work.begin(bounds(5), fresh=False)
    (work.folder / "part-03.json").write_text("{")
    with pytest.raises(FatalError, match="begin anew with --fresh"):
        work.parts()
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match="--work DIR"):
        Work(tmp_path / "file" / "w").keep(PART)
    with pytest.raises(FatalError, match="--work DIR"):
        Work(tmp_path / "file" / "w").begin(bounds(5), fresh=False)
