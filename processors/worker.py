"""One worker of a consumer group: what ``eyes process`` and ``eyes sequence`` have in common around their loops."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from processors.engine.kafka_adapter import KafkaSink, KafkaSource, retryable
from processors.engine.places import Places
from processors.engine.ports import Owner
from runtime.errors import OutcomeUnknownError, RetryableError
from runtime.exposition import HealthReport, serve
from runtime.kafka import require_topics
from runtime.lifecycle import Progress, Shutdown, start_watchdog
from runtime.settings import KafkaSettings
from schemas.topics import Topic

log: Final = structlog.get_logger()

_RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)


class Loop(Owner, Protocol):
    """What is driven: :class:`processors.engine.runner.Runner` and :class:`processors.sequencer.loop.Sequencer`."""

    @property
    def live(self) -> list[int]:
        """The partitions that are worked at."""

    @property
    def recovering(self) -> list[int]:
        """The partitions whose state is being made."""

    @property
    def stopped(self) -> list[int]:
        """The partitions that wait for an operator."""

    def step(self) -> None:
        """One turn.

        Raises:
            RetryableError: nothing happened; call again after a while.
            FencedError: another process has our name; stop.
        """

    def close(self) -> None:
        """Publish what is done and let go.

        Raises:
            OutcomeUnknownError: the last transaction may or may not have happened.
        """


class Worker:
    """Connects, drives the loop, waits where Kafka is away, and says how it is."""

    def __init__(
        self,
        kafka: KafkaSettings,
        shutdown: Shutdown,
        progress: Progress,
        *,
        group: str,
        instance: str,
        inputs: Places,
        topics: Sequence[Topic],
        stage: str,
        make_loop: Callable[[KafkaSource, KafkaSink], Loop],
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is connected before :meth:`run`.

        Args:
            kafka: where the log is.
            shutdown: asked after every turn.
            progress: what the loop tells of its work.
            group: the consumer group.
            instance: which of its members this is; stable.
            inputs: what the group reads.
            topics: all that must exist.
            stage: begins the names of its failpoints.
            make_loop: makes what is driven.
            let_go: called at the end, for what the loop uses beside its source and sink.
        """
        self._kafka = kafka
        self._shutdown = shutdown
        self._progress = progress
        self._group = group
        self._instance = instance
        self._inputs = inputs
        self._topics = topics
        self._stage = stage
        self._make_loop = make_loop
        self._let_go = let_go
        self._loop: Loop | None = None
        self._trouble = "not connected yet"

    def report(self) -> HealthReport:
        """What ``/healthz`` says: whether the work gets done and no partition waits for an operator."""
        loop = self._loop
        return {
            "healthy": self._progress.healthy and not (loop is not None and loop.stopped),
            "stalledForS": round(self._progress.stalled_for_s, 1),
            "trouble": self._trouble,
            "live": [] if loop is None else list(map(self._name, loop.live)),
            "recovering": [] if loop is None else list(map(self._name, loop.recovering)),
            "stopped": [] if loop is None else list(map(self._name, loop.stopped)),
        }

    def serve(self, host: str, port: int, process: str) -> None:
        """Serve metrics and health, be watched over, and :meth:`run`.

        Raises:
            FencedError: another process works under our instance name.
            OSError: the metrics port is taken.
        """
        port = serve(host, port, process, self.report)
        log.info("metrics_served", port=port)
        start_watchdog(self._progress)
        self.run()
        log.info("ended")

    def run(self) -> None:
        """Work until asked to end; Kafka may be away for any length of time.

        Raises:
            FencedError: another process works under our instance name.
        """
        source = self._connect()
        if source is None:
            return
        sink = KafkaSink(
            self._kafka, f"{self._group}-{self._instance}", self._inputs, source.membership, stage=self._stage
        )
        try:
            loop = self._loop = self._make_loop(source, sink)
            source.subscribe(loop)
            self._work(loop)
            loop.close()
        except OutcomeUnknownError as error:  # of the last commit: whoever comes next finds out
            log.warning("ended in doubt", error=str(error))
        finally:
            sink.close()
            self._let_go()
            source.close()

    def _connect(self) -> KafkaSource | None:
        failures = 0
        while not self._shutdown.requested:
            try:
                with retryable():
                    require_topics(self._kafka, self._topics)
                return KafkaSource(self._kafka, self._inputs, self._group, self._instance)
            except RetryableError as error:
                failures = self._wait(error, failures)
        return None

    def _work(self, loop: Loop) -> None:
        failures = 0
        while not self._shutdown.requested:
            try:
                loop.step()
            except RetryableError as error:
                failures = self._wait(error, failures)
            else:
                failures = 0
                self._trouble = ""

    def _wait(self, error: RetryableError, failures: int) -> int:
        self._trouble = str(error)
        self._progress.done()  # waiting for a server is no fault of ours that a restart would mend
        log.warning("waiting for kafka", error=str(error))
        self._shutdown.wait(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
        return failures + 1

    def _name(self, number: int) -> int | str:
        topic, partition = self._inputs.at(number)
        return partition if len(self._inputs.topics) == 1 else f"{topic.name}/{partition}"
