"""The whole replay: look how far the log reaches, fold what is not folded yet, compare."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kafka.errors import OffsetOutOfRangeError

from ops.past import Bounds, bounds
from ops.replay.compare import Comparison, compare
from ops.replay.jobs import InterruptedReplayError, fold_all
from ops.replay.lives import lives, versions
from ops.replay.part import Part
from ops.replay.question import Question
from ops.replay.readings import Compared
from ops.replay.work import Work
from runtime.errors import FatalError
from runtime.settings import Settings
from schemas.topics import EVENTS


class Watcher(Protocol):
    """Whoever shows how it goes on."""

    def begin(self, records: int, done: int, total: int, *, resumed: bool) -> None:
        """So many records are to be folded; of ``total`` partitions so many are done already."""

    def advance(self, records: int, events: int) -> None:
        """So many more were folded."""

    def partition_done(self, skipped: int) -> None:
        """A partition is done; so many records of it lay behind the range."""


@dataclass(frozen=True)
class Outcome:
    """What came out, and what an engineer must know to believe it."""

    question: Question
    comparison: Comparison
    versions: dict[int, int]
    """Published steps of findings in the range, by the version that said them."""
    matched: tuple[int, ...]
    failed: int
    failures: tuple[str, ...]
    unreadable: int
    records: int
    events: int
    readings: Compared | None = None
    """Of a detector that derives readings."""

    @property
    def different(self) -> bool:
        """Whether anything differs from what was published."""
        return bool(self.comparison.differences) or (self.readings is not None and self.readings.different)


@dataclass(frozen=True)
class Replay:
    """A question put to a log.

    Args:
        settings: where the log is.
        question: what is asked.
        work: below here what is done is kept.
        jobs: how many processes fold beside each other.
        fresh: begin anew, whatever was done before.
    """

    settings: Settings
    question: Question
    work: Path
    jobs: int = 1
    fresh: bool = False

    def run(self, watcher: Watcher, stopped: Callable[[], bool]) -> Outcome:
        """Fold and compare; nothing is published and nobody's offset moves.

        Raises:
            InterruptedReplayError: ``stopped`` became true; the same replay goes on where it was.
            FatalError: the log no longer holds its beginning, or the folder of work cannot be used.
            kafka.errors.KafkaError: Kafka cannot be reached.
        """
        now = bounds(self.settings.kafka)
        work = Work(self.work / self.question.key(self.settings, now.log))
        resumed = work.interrupted and not self.fresh
        then = work.begin(now, fresh=self.fresh)
        parts = work.parts()
        todo = [partition for partition in range(EVENTS.partitions) if partition not in parts]
        _require_beginning(now, todo)
        watcher.begin(
            sum(then.events[number].records for number in todo), len(parts), EVENTS.partitions, resumed=resumed
        )
        try:
            for part in fold_all(
                self.settings.kafka,
                then,
                self.question,
                todo,
                jobs=self.jobs,
                advance=watcher.advance,
                stopped=stopped,
            ):
                work.keep(part)
                parts[part.partition] = part
                watcher.partition_done(then.events[part.partition].records - part.records)
        except InterruptedReplayError as error:
            done = f"{len(parts)} of {EVENTS.partitions} partitions are done and kept in {work.folder}"
            raise InterruptedReplayError(f"interrupted; {done}: the same command goes on from there") from error
        except OffsetOutOfRangeError:
            _require_beginning(bounds(self.settings.kafka), todo)
            raise
        work.finish(parts)
        return _outcome(self.question, parts)


def _require_beginning(now: Bounds, partitions: list[int]) -> None:
    gone = [f"{number} (begins at {now.events[number].start})" for number in partitions if now.events[number].start]
    if gone:
        raise FatalError(
            f"the log no longer holds its beginning in partition {', '.join(gone)}, so no detector's state can be made "
            "again from it: keep events for as long as you want to replay them (kafka.retention, or retention.ms of "
            f"{EVENTS.name})"
        )


def _outcome(question: Question, parts: dict[int, Part]) -> Outcome:
    ordered = [parts[number] for number in sorted(parts)]
    published = [step for part in ordered for step in part.published]
    comparison = compare(
        lives(published),
        lives(step for part in ordered for step in part.replayed),
        begin_ms=question.begin_ms,
        end_ms=question.end_ms,
    )
    readings = [part.readings for part in ordered if part.readings is not None]
    return Outcome(
        question=question,
        comparison=comparison,
        readings=sum(readings[1:], readings[0]) if readings else None,
        versions=versions(published, question.begin_ms, question.end_ms),
        matched=tuple(map(sum, zip(*(part.matched for part in ordered), strict=True))),
        failed=sum(part.failed for part in ordered),
        failures=tuple(failure for part in ordered for failure in part.failures)[:3],
        unreadable=sum(part.unreadable for part in ordered),
        records=sum(part.records for part in ordered),
        events=sum(part.events for part in ordered),
    )
