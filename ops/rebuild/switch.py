"""Puts one generation in another's place: one transaction, in which readers and archive change over together."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import Connection, sql

from ops.database.generations import Generation
from processors.archive.sink import Partition
from runtime.errors import FatalError

_WAIT: Final = "5s"  # for who reads or writes at this moment, before everybody queues behind us

Drain = Callable[[Mapping[Partition, int]], None]


class BusyError(Exception):
    """Somebody reads or writes for so long that others would have to wait: try again."""


def switch(connection: Connection, now: Generation, then: Generation, drain: Drain | None = None) -> None:
    """Make ``then`` current instead of ``now``.

    The archive's offsets are locked, all of them at once lest each wait for rows that the other has; so the archive
    waits, and ``drain`` stores what ``now`` has of the log and ``then`` has not.
    Then views, states and epochs change and are committed together: the archive finds its epochs raised, is fenced,
    ends, and its successor writes to what is current then (one that lost patience before connects anew, to the same).
    The offsets of ``now`` stay, so there is a way back.

    Raises:
        BusyError: not done; a reader or the archive is in the way.
        FatalError: not done, or it is not known whether; the message says how to find out.
    """
    schema = sql.Identifier(now.schema)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_WAIT)))
            states = connection.execute(
                "SELECT generation, state FROM public.projection WHERE generation = ANY (%s) FOR UPDATE",
                [[now.number, then.number]],
            ).fetchall()
            if dict(states) != {now.number: "current", then.number: then.state}:
                raise FatalError("the generations have changed meanwhile: see `eyes rebuild status`")
            # Readers first: it is they whom we may have to wait for, and the archive shall not wait with us.
            connection.execute("SELECT public.show_generation(%s)", [then.number])
            connection.execute(sql.SQL("LOCK TABLE {}.archive_offsets IN SHARE ROW EXCLUSIVE MODE").format(schema))
            offsets = connection.execute(
                sql.SQL("SELECT topic, partition, next_offset FROM {}.archive_offsets").format(schema)
            ).fetchall()
            if drain is not None:
                drain({(topic, partition): offset for topic, partition, offset in offsets})
            connection.execute(sql.SQL("UPDATE {}.archive_offsets SET epoch = epoch + 1").format(schema))
            # One after the other: no two may be current, not even for a moment.
            connection.execute("UPDATE public.projection SET state = 'old' WHERE generation = %s", [now.number])
            connection.execute(
                "UPDATE public.projection SET state = 'current', current_since = now() WHERE generation = %s",
                [then.number],
            )
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise BusyError(str(error)) from error
    except psycopg.OperationalError as error:
        with suppress(psycopg.Error):
            connection.close()
        raise FatalError(
            f"the database went away during the switch ({error}): `eyes rebuild status` says whether it took place"
        ) from error
