"""Watches a running pipeline from outside: its metrics, and the findings it publishes."""

import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import structlog
from kafka.errors import KafkaError

from ops.logreader import follow
from ops.pipeline import members
from ops.run.snapshot import Samples, Seen, Snapshot, scrape
from runtime.lifecycle import Shutdown
from runtime.settings import Settings
from schemas.anomaly import Anomaly, Transition
from schemas.topics import ANOMALIES

KEPT: Final = 50
RECONNECT_S: Final = 1.0

log: Final = structlog.get_logger()


class Observer:
    """Takes snapshots; findings are followed in a thread of its own from :meth:`start` on."""

    def __init__(self, settings: Settings, urls: Mapping[str, str]) -> None:
        self._settings = settings
        self._urls = urls
        self._newest: deque[Seen] = deque(maxlen=KEPT)
        self._raised = 0
        self._shutdown = Shutdown()
        self._thread = threading.Thread(target=self._follow, name="observer", daemon=True)
        self._before: tuple[datetime, float] | None = None

    def start(self) -> None:
        """Begin to listen to findings."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._shutdown.request()
        self._thread.join(timeout=5)

    def snapshot(self, processes: Mapping[str, str], feeding: str) -> Snapshot:
        """One look; ``processes`` says how the supervisor sees each member."""
        at = datetime.now(UTC)
        seen: dict[str, Samples] = {}
        for member in members(self._settings):
            seen[member.role] = scrape(member.metrics_url) + seen.get(member.role, Samples(""))
        ingest, processors, archive = seen["ingest"], seen["processors"], seen["archive"]
        sequencer = seen["sequencer"]
        readings = ingest.total("eyes_ingest_readings_total")
        newest_tick = processors.newest("eyes_processor_watermark_seconds")
        return Snapshot(
            at=at,
            clock=datetime.fromtimestamp(newest_tick, UTC) if newest_tick else None,
            messages=ingest.total("eyes_ingest_messages_total"),
            readings=readings,
            readings_per_s=self._rate(at, readings),
            in_flight=ingest.total("eyes_ingest_in_flight"),
            quarantined=sum(one.total("eyes_quarantined_total") for one in (ingest, processors, sequencer)),
            unregistered=ingest.total("eyes_unregistered_total"),
            rows=archive.total("eyes_archive_rows_total", table="observations"),
            findings=self._raised,
            lag=_lag(processors, sequencer, archive),
            processes=processes,
            newest=tuple(self._newest),
            urls=self._urls,
            feeding=feeding,
        )

    def _rate(self, at: datetime, readings: float) -> float:
        before, self._before = self._before, (at, readings)
        if before is None or readings < before[1]:  # a restarted process counts from 0 again
            return 0.0
        return (readings - before[1]) / max(1e-3, (at - before[0]).total_seconds())

    def _follow(self) -> None:
        while not self._shutdown.requested:
            try:
                for entry in follow(self._settings.kafka, ANOMALIES, self._shutdown):
                    if entry.event is not None and isinstance(entry.event.data, Anomaly):
                        self._hear(entry.event.data)
            except KafkaError as error:
                log.warning("observer.lost_kafka", error=str(error))
                self._shutdown.wait(RECONNECT_S)

    def _hear(self, finding: Anomaly) -> None:
        self._raised += finding.transition is Transition.RAISED
        if finding.transition is not Transition.UPDATED:
            self._newest.append(Seen(finding, datetime.now(UTC)))


def _lag(processors: Samples, sequencer: Samples, archive: Samples) -> dict[str, float]:
    lag = {}
    if processors:
        lag["processors"] = processors.total("eyes_processor_lag_records")
    if sequencer:
        lag["sequencer"] = sequencer.total("eyes_sequencer_lag_records")
    if archive:
        lag["archive"] = archive.total("eyes_archive_lag_records")
    return lag
