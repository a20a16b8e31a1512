"""Folds partitions one after the other, here or in processes beside each other: they know nothing of one another."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from typing import Final

from ops.orphans import end_with_parent
from ops.past import Bounds
from ops.replay.part import Advance, Part, fold_partition
from ops.replay.question import Question
from runtime.errors import RetryableError
from runtime.settings import KafkaSettings

LOOK_S: Final = 0.2

Fold = Callable[[int, Advance], Part]


class InterruptedReplayError(RetryableError):
    """It was asked to end; what is done is kept."""


def fold_all(
    settings: KafkaSettings,
    bounds: Bounds,
    question: Question,
    partitions: Iterable[int],
    *,
    jobs: int,
    advance: Advance,
    stopped: Callable[[], bool],
) -> Iterator[Part]:
    """The partitions as they are done, in any order.

    Raises:
        InterruptedReplayError: ``stopped`` became true.
        kafka.errors.KafkaError: Kafka cannot be reached, or no longer holds what comes next.
    """
    partitions = list(partitions)
    if jobs > 1 and len(partitions) > 1:
        yield from _beside(settings, bounds, question, partitions, min(jobs, len(partitions)), advance, stopped)
        return

    def told(records: int, events: int) -> None:
        advance(records, events)
        if stopped():
            raise InterruptedReplayError

    for partition in partitions:
        yield fold_partition(settings, bounds, question, partition, told)


def _beside(
    settings: KafkaSettings,
    bounds: Bounds,
    question: Question,
    partitions: list[int],
    jobs: int,
    advance: Advance,
    stopped: Callable[[], bool],
) -> Iterator[Part]:
    context = multiprocessing.get_context("spawn")  # nothing is forked under clients and their threads
    ended, news = context.Event(), context.SimpleQueue()
    with ProcessPoolExecutor(jobs, context, _begin, (settings, bounds, question, ended, news)) as pool:
        try:
            waiting = iter(partitions)
            pending = {pool.submit(_fold, partition) for partition in islice(waiting, jobs)}
            while pending:
                done, pending = wait(pending, LOOK_S, FIRST_COMPLETED)
                while not news.empty():
                    advance(*news.get())
                for future in done:
                    yield future.result()
                if pending and stopped():
                    raise InterruptedReplayError
                pending |= {pool.submit(_fold, partition) for partition in islice(waiting, len(done))}
        except BrokenProcessPool as error:
            raise RetryableError("a process of the replay was killed; the same command goes on") from error
        finally:
            ended.set()


_here: tuple[KafkaSettings, Bounds, Question, Event, "SimpleQueue[tuple[int, int]]"] | None = None
"""What a process of the pool folds; set once, when it begins."""


def _begin(
    settings: KafkaSettings, bounds: Bounds, question: Question, ended: Event, news: "SimpleQueue[tuple[int, int]]"
) -> None:
    global _here  # noqa: PLW0603 - a pool's process has no other place for it
    _here = settings, bounds, question, ended, news
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal asks all of us; the one that began us says when to end
    end_with_parent()


def _fold(partition: int) -> Part:
    assert _here is not None, "the pool began this process"
    settings, bounds, question, ended, news = _here

    def told(records: int, events: int) -> None:
        news.put((records, events))
        if ended.is_set():
            raise InterruptedReplayError

    return fold_partition(settings, bounds, question, partition, told)
