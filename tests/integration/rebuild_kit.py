"""What the tests of rebuilds share: the commands, two generations held against each other, a log that forgets."""

import os
from pathlib import Path
from typing import Any

from archive_kit import EYES, Store
from kafka import TopicPartition

from runtime.kafka import admin, reader
from schemas.topics import EVENTS, Topic
from tests import warm
from tests.waiting import eventually

EVERYTHING = {
    # Not compared: wall times of storing, and a generation's own numbers of series and origins (readings has names).
    "readings": ("stored_at",),
    "camera_events": ("stored_at",),
    "anomaly_events": ("stored_at",),
    "anomalies": (),
    "quarantine": ("stored_at",),
    "unregistered": ("stored_at",),
    "facilities": (),
    "zones": (),
    "ticks_latest": ("stored_at",),
    "series": ("series_id",),
    "origins": ("origin_id",),
    "archive_offsets": ("epoch", "moved_at"),
}


def difference(city: Store, old: str, new: str) -> dict[str, tuple[int, int]]:
    """Per table: rows only in the old generation, rows only in the new."""
    found = {}
    for table, apart in EVERYTHING.items():
        names = city.sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            f"{old}.{table}",
        )
        columns = ", ".join(name for (name,) in names if name not in apart)

        def only_in(one: str, other: str, table: str = table, columns: str = columns) -> int:
            rows = f"SELECT {columns} FROM {one}.{table} EXCEPT ALL SELECT {columns} FROM {other}.{table}"
            return int(city.sql(f"SELECT count(*) FROM ({rows}) AS d")[0][0])

        if (counts := (only_in(old, new), only_in(new, old))) != (0, 0):
            found[table] = counts
    return found


def environment(city: Store, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        **city.stack.env,
        "EYES_CONFIG": str(folder / "none.toml"),
        "EYES_KAFKA__TOPIC_PREFIX": city.kafka.topic_prefix,
        "EYES_DATABASE__DSN": city.database.dsn,
        "COLUMNS": "200",
    }


def eyes(city: Store, folder: Path, *arguments: str, code: int = 0, **env: str) -> str:
    """Run a command; returns what it said."""
    done = warm.run([*EYES, *arguments], environment(city, folder) | env)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    return " ".join(said.split())


def archived(city: Store, folder: Path) -> None:
    """Have everything in the log stored by the archive, and end it."""
    with city.archive(folder) as archive:
        eventually(lambda: archive.health().get("taken"))
        eventually(lambda: set(archive.metrics("eyes_archive_lag_records").values()) == {0})
        assert archive.stop() == 0


def expire(city: Store, topic: Topic, partition: int, before: int) -> None:
    client = admin(city.kafka)
    client.delete_records({TopicPartition(city.topic(topic), partition): before})
    client.close()


def generation(city: Store) -> int:
    return int(city.sql("SELECT generation FROM projection WHERE state = 'current'")[0][0])


class Silent:
    """A report nobody reads."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def raw_records(city: Store, partition: int, count: int, topic: Topic = EVENTS) -> list[Any]:
    """The first records of a partition as the client gives them."""
    consumer = reader(city.kafka, "test")
    at = TopicPartition(city.topic(topic), partition)
    consumer.assign([at])
    consumer.seek_to_beginning(at)
    found: list[Any] = []
    while len(found) < count:
        for records in consumer.poll(timeout_ms=200).values():
            found += records
    consumer.close()
    return found[:count]
