"""A rebuild from beginning to end; stopped anywhere, the next goes on from the offsets of the unfinished generation."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg
from psycopg import Connection, sql

from ops.database.generations import Generation, analyze, current, drop, filling, make
from ops.database.migrate import connect
from ops.rebuild.carry import Carry
from ops.rebuild.count import count, shrunk
from ops.rebuild.fill import Filler, InterruptedRebuildError
from ops.rebuild.log import Log
from ops.rebuild.past import Past
from ops.rebuild.report import Report
from ops.rebuild.space import space
from ops.rebuild.switch import BusyError, switch
from processors.archive.records import GROUP
from processors.archive.sink import Partition, Sink
from processors.archive.tables import Horizon
from runtime.errors import FatalError, OutcomeUnknownError, RetryableError
from runtime.lifecycle import Shutdown
from runtime.settings import Settings
from runtime.version import VERSION

_LOCK: Final = 0x65796567  # one rebuild per database, beside the migrations' "eyes"
_TRIES: Final = 60  # to get between the readers
_MEANWHILE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did."""

    old: Generation
    new: Generation
    rows: Mapping[str, int]
    """Rows of each table, counted shortly before the switch."""


@contextmanager
def sole(settings: Settings) -> Iterator[Connection]:
    """A connection that holds the right to rebuild, or to drop generations.

    Raises:
        FatalError: somebody else has it, or the database cannot be reached.
    """
    with connect(settings.database) as connection:
        connection.execute("SET timezone = 'UTC'")
        if connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone() != (True,):
            raise FatalError("another rebuild is at work on this database: wait for it, or stop it")
        yield connection


def abandon(settings: Settings) -> Generation | None:
    """Drop what an interrupted rebuild has left; None if there is nothing.

    Raises:
        FatalError: a rebuild is at work.
    """
    with sole(settings) as connection:
        left = filling(connection)
        if left is not None:
            drop(connection, left)
        return left


class Rebuild:
    """Makes a generation, fills it, and puts it in the current one's place."""

    def __init__(self, settings: Settings, shutdown: Shutdown, report: Report, *, discard: datetime | None) -> None:
        self._settings = settings
        self._shutdown = shutdown
        self._report = report
        self._discard = discard
        self._name = settings.kafka.topic_prefix + GROUP
        lateness_ms = round(settings.ingest.lateness_s * 1000)
        self._horizon = Horizon(lateness_ms, lateness_ms + settings.ingest.session_expiry_s * 1000)

    def run(self, *, check_space: bool = True) -> Rebuilt:
        """Do it.

        Raises:
            InterruptedRebuildError: asked to end; the next rebuild goes on.
            FatalError: a person must act; the message says how.
        """
        try:
            with sole(self._settings) as connection, closing(Log(self._settings.kafka)) as log:
                return self._run(connection, log, check_space=check_space)
        except (RetryableError, OutcomeUnknownError, psycopg.Error) as error:
            raise FatalError(
                f"the database failed ({' '.join(str(error).split())}); what was stored stays: run `eyes rebuild` "
                "again, it goes on there"
            ) from error

    def _run(self, connection: Connection, log: Log, *, check_space: bool) -> Rebuilt:
        old, new = current(connection), filling(connection)
        self._require_one_archive(connection, old)
        if new is not None and new.made_by != VERSION:
            raise FatalError(
                f"version {new.made_by} began generation {new.number}, this is {VERSION}, which may store differently: "
                "end it with that version, or drop it with `eyes rebuild --abandon`"
            )
        if check_space:
            space(connection, self._settings, old, new).require()
        if new is None:
            new = make(connection)
            self._report.say(f"generation {new.number} is filled beside generation {old.number}, which stays in use")
        else:
            self._report.say(f"going on with generation {new.number}, begun {new.made_at:%Y-%m-%d %H:%M} UTC")
        with closing(Sink(self._settings.database, self._name, filling=new.number)) as sink:
            sink.take_over(dict.fromkeys(log.partitions, 0))
            filler = Filler(
                sink,
                log,
                self._horizon,
                batch_rows=self._settings.archive.batch_rows,
                shutdown=self._shutdown,
                report=self._report,
            )
            past = Past(
                connection,
                log,
                filler,
                carry=Carry(connection, old, new, self._discard),
                old=old,
                prefix=self._settings.kafka.topic_prefix,
                report=self._report,
            )
            past.catch_up()
            rows = self._hold_against(connection, past, old, new)
            self._switch(connection, log, filler, past, old, new)
        return Rebuilt(old, new, rows)

    def _hold_against(self, connection: Connection, past: Past, old: Generation, new: Generation) -> Mapping[str, int]:
        """Check that no table has become smaller.

        The old one is counted at one moment; then the new one is filled to the end of the log, which is at least where
        the old one stood, and counted.
        """
        self._report.stage("counting", 0)
        analyze(connection, new)  # whoever reads after the switch needs good plans at once
        before = count(connection, old, self._discard)
        past.catch_up(near=0)
        after = count(connection, new, self._discard)
        if smaller := shrunk(before, after):
            raise FatalError(self._refusal(smaller, new))
        return count(connection, new, None).rows if self._discard else after.rows

    def _refusal(self, smaller: Mapping[str, tuple[int, int]], new: Generation) -> str:
        tables = ", ".join(f"{table} {rows:,} instead of {was:,}" for table, (was, rows) in smaller.items())
        since = "" if self._discard is None else f" since {self._discard:%Y-%m-%d %H:%M:%S} UTC"
        return (
            f"not switched: tables would become smaller{since}: {tables}. Look at schema {new.schema} (eyes db psql); "
            "then drop it with `eyes rebuild --abandon`, or accept the loss of rows that arrived before a time with "
            "`eyes rebuild --discard-before TIME`"
        )

    def _switch(
        self, connection: Connection, log: Log, filler: Filler, past: Past, old: Generation, new: Generation
    ) -> None:
        def drain(stored: Mapping[Partition, int]) -> None:
            ends = log.ends()
            filler.fill({one: min(offset, ends[one]) for one, offset in stored.items() if one in ends})

        for _ in range(_TRIES):
            past.catch_up()
            self._report.stage("switching", 0)
            began = time.monotonic()
            try:
                switch(connection, old, new, drain)
            except BusyError as error:
                self._report.say(f"somebody reads or writes, trying again: {str(error).splitlines()[0]}")
                if self._shutdown.wait(_MEANWHILE_S):
                    raise InterruptedRebuildError from error
            else:
                self._report.say(f"switched within {time.monotonic() - began:.2f} s")
                return
        raise FatalError(
            "not switched: long queries read the tables all the time; end them (pg_stat_activity) and run "
            "`eyes rebuild` again, it goes on here"
        )

    def _require_one_archive(self, connection: Connection, old: Generation) -> None:
        query = sql.SQL("SELECT DISTINCT archive FROM {}.archive_offsets WHERE archive <> %s ORDER BY 1")
        rows = connection.execute(query.format(sql.Identifier(old.schema)), [self._name]).fetchall()
        if rows:
            others = ", ".join(row[0] for row in rows)
            raise FatalError(
                f"this database is also filled by {others}, whose log is another (kafka.topic_prefix): a rebuild from "
                f"the log of {self._name} would lose what came from there"
            )
