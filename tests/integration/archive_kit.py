"""What the tests of the archive share: a log and a database of its own, the archive as a process, what is stored."""

import contextlib
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psycopg
from kafka import KafkaProducer

from ops.database.generations import current
from ops.database.migrate import connect, migrate
from ops.topics import ensure_topics
from processors.archive.records import GROUP
from processors.archive.sink import Sink
from processors.archive.tables import Horizon
from runtime.settings import DatabaseSettings, KafkaSettings
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import CloudEvent, encode
from schemas.facility import FacilityClass, Place
from schemas.identity import event_id
from schemas.topics import EVENTS, Topic
from tests import warm
from tests.servers import TestStack, free_ports

EYES = (sys.executable, "-m", "ops.cli.main")
T0 = 1_783_267_200_000
DAY = 86_400_000
NOW = datetime(2026, 7, 6, tzinfo=UTC)
HORIZON = Horizon(lateness_ms=DAY, redelivery_ms=8 * DAY)


def readings(identities: Iterable[str], *, device: str = "d-1", time_ms: int = T0, quality: int = 0) -> BatchColumns:
    """A batch of pressures, one for each identity, a second apart."""
    ids = list(identities)
    series = SeriesColumns(device, "pressure", "Pa", "f-1", FacilityClass.PRESSURE_METER, "dma:1")
    return BatchColumns(
        shard="s",
        series=[series],
        series_index=[0] * len(ids),
        phenomenon_time=[time_ms + 1000 * n for n in range(len(ids))],
        result=[float(n) for n in range(len(ids))],
        identity=ids,
        result_quality=[quality] * len(ids),
        arrival_time=[round(time.time() * 1000)] * len(ids),
    )


def cloud_event(data: Any, identifier: str | None = None, at: datetime | None = None) -> CloudEvent:
    return CloudEvent(id=identifier or str(uuid.uuid4()), source="/test", time=at or NOW, data=data)


def finding(transition: Transition, at: datetime) -> Anomaly:
    """A step in the life of the one finding."""
    return Anomaly(
        id=event_id("one"),
        transition=transition,
        kind=AnomalyKind.COVER_OPEN,
        expected="W-1",
        severity=Severity.CRITICAL,
        zone="grid:1",
        subject="c-1",
        place=Place(lon=113.85, lat=34.03),
        since=NOW,
        at=at,
        summary="cover open",
        numbers={"angle": 17.0},
        evidence=(event_id("reading"),),
        detector="cover",
        detector_version=1,
    )


@dataclass
class Store:
    """A topic prefix and a migrated database on the shared servers."""

    stack: TestStack
    database: DatabaseSettings
    kafka: KafkaSettings
    _producer: KafkaProducer | None = field(default=None)

    @classmethod
    @contextmanager
    def on(cls, stack: TestStack) -> Iterator[Self]:
        kafka = stack.settings.kafka.model_copy(update={"topic_prefix": stack.fresh_prefix()})
        ensure_topics(kafka)
        with stack.fresh_database() as database:
            with connect(database) as connection:
                migrate(connection)
            store = cls(stack, database, kafka)
            try:
                yield store
            finally:
                if store._producer is not None:
                    store._producer.close()

    @property
    def archive_name(self) -> str:
        return self.kafka.topic_prefix + GROUP

    @property
    def name(self) -> str:
        """Of the database."""
        return next(part for part in self.database.dsn.split() if part.startswith("dbname=")).removeprefix("dbname=")

    def topic(self, topic: Topic = EVENTS) -> str:
        return topic.full_name(self.kafka.topic_prefix)

    def sink(self) -> Sink:
        return Sink(self.database, self.archive_name)

    def write(self, *data: Any, partition: int = 0, topic: Topic = EVENTS, at: datetime | None = None) -> int:
        """Put events (or bytes) into the log; returns the offset of the last."""
        if self._producer is None:
            self._producer = KafkaProducer(bootstrap_servers=self.kafka.bootstrap, acks="all", linger_ms=1)
        sent = [
            self._producer.send(
                self.topic(topic),
                value=one if isinstance(one, bytes) else encode(cloud_event(one, at=at)),
                partition=partition,
            )
            for one in data
        ]
        self._producer.flush(30)
        return [future.get(30).offset for future in sent][-1]

    def sql(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """As a reader would ask: through the views."""
        with connect(self.database) as connection:
            return connection.execute(query.encode(), params).fetchall()

    def run(self, statement: str, *params: Any) -> None:
        """On the tables themselves of the current generation."""
        with connect(self.database) as connection:
            connection.execute(f"SET search_path = {current(connection).schema}, public".encode())
            connection.execute(statement.encode(), params)

    def identities(self) -> list[str]:
        """Every stored reading's, with repetitions if there were any."""
        return [row[0] for row in self.sql("SELECT identity FROM observations ORDER BY identity")]

    def count(self, table: str) -> int:
        return int(self.sql(f"SELECT count(*) FROM {table}")[0][0])

    def offset(self, partition: int = 0, topic: Topic = EVENTS) -> int | None:
        rows = self.sql(
            "SELECT next_offset FROM archive_offsets WHERE topic = %s AND partition = %s", self.topic(topic), partition
        )
        return rows[0][0] if rows else None

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        """Outside of this database, so that it may be closed to everybody."""
        with self.stack._admin() as admin:
            yield admin

    def cut_connections(self) -> int:
        """End every session in this database; how many there were."""
        with self.superuser() as admin:
            query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            row = admin.execute(query, [self.name]).fetchone()
            assert row is not None
            return int(row[0])

    @contextmanager
    def away(self) -> Iterator[None]:
        """This database lets nobody in, as if it were stopped; the others on the server do not notice."""
        self._let_in(False)
        self.cut_connections()
        try:
            yield
        finally:
            self._let_in(True)

    def _let_in(self, yes: bool) -> None:
        with self.superuser() as admin:
            admin.execute(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS {str(yes).lower()}'.encode())

    def archive(self, folder: Path, instance: str = "0", **env: str) -> "Archive":
        return Archive(self, folder, instance, env)


class Archive:
    """``eyes archive`` as a process."""

    def __init__(self, store: Store, folder: Path, instance: str, env: dict[str, str]) -> None:
        (self.port,) = free_ports(1)
        self.log = folder / f"archive-{instance}.log"
        self._command = (*EYES, "archive", "--instance", instance, "--metrics-port", str(self.port))
        self._env = {
            **os.environ,
            **store.stack.env,
            "EYES_CONFIG": str(folder / "none.toml"),
            "EYES_KAFKA__TOPIC_PREFIX": store.kafka.topic_prefix,
            "EYES_KAFKA__SESSION_TIMEOUT_MS": "6000",
            "EYES_DATABASE__DSN": store.database.dsn,
            "EYES_LOG__FORMAT": "json",
            **env,
        }
        self.process: warm.Begun | None = None

    def start(self) -> Self:
        self.process = warm.begin(self._command, self._env, self.log)
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None:
            self.show()
        if self.process is not None and self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.kill()

    def show(self) -> None:
        """Print what there is to know of it, for whoever reads about the failed test."""
        with contextlib.suppress(OSError):
            lags = {name: value for name, value in self.metrics("eyes_archive_lag_records").items() if value}
            sys.stdout.write(f"health {self.health()}, lags that are not 0 {lags}\n")
        sys.stdout.write(self.log.read_text()[-10_000:])

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def wait(self) -> int:
        """Until it ends by itself."""
        assert self.process is not None
        return self.process.wait(90)

    def said(self, event: str) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        whole = (line for line in self.log.read_text().splitlines() if line.startswith("{") and line.endswith("}"))
        return [one for one in map(json.loads, whole) if one.get("event") == event]

    def metrics(self, name: str) -> dict[str, float]:
        """Values by label text, e.g. ``table="observations"``."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = {}
        for line in text.splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name:
                found[series.partition("{")[2].rstrip("}")] = float(value)
        return found

    def health(self) -> dict[str, Any]:
        """What ``/healthz`` says; empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
                return dict(json.load(answer), status=answer.status)
        except urllib.error.HTTPError as error:
            return dict(json.load(error), status=error.code)
        except OSError:
            return {}
