"""``eyes archive`` on bad days, on real servers: each id once whatever is killed, cut, frozen, doubled or taken."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from archive_kit import Store, readings

from tests.servers import TestStack
from tests.waiting import eventually

pytestmark = pytest.mark.servers

PARTITIONS = (0, 5)


@pytest.fixture
def city(stack: TestStack) -> Iterator[Store]:
    with Store.on(stack) as city:
        yield city


class Load:
    """Writes batches of readings to two partitions until told to stop; remembers every identity."""

    def __init__(self, city: Store) -> None:
        self.city = city
        self.sent: list[str] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._done.wait(0.01):
            number = len(self.sent)
            for partition in PARTITIONS:
                ids = [f"a:p{partition}:{number + n}" for n in range(20)]
                self.city.write(readings(ids, device=f"d-{partition}"), partition=partition)
                self.sent += ids

    @contextmanager
    def running(self) -> Iterator["Load"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._done.set()
            self._thread.join()

    def more(self, count: int = 400) -> None:
        """Return when so many more were sent and so many of the sent are stored."""
        goal = self.city.count("observations") + count
        eventually(lambda: len(self.sent) >= goal and self.city.count("observations") >= goal)


def assert_stored_once(city: Store, load: Load) -> None:
    eventually(lambda: city.count("observations") >= len(load.sent))
    assert city.identities() == sorted(load.sent)


def test_killed_under_load_and_started_again_each_id_is_stored_once(city: Store, tmp_path: Path) -> None:
    load = Load(city)
    with load.running(), city.archive(tmp_path) as archive:
        for _ in range(3):
            load.more()
            archive.kill()
            archive.start()
        load.more()
        load._done.set()
        load._thread.join()
        assert_stored_once(city, load)
        assert archive.stop() == 0


def test_a_connection_cut_inside_commit_loses_and_doubles_nothing(city: Store, tmp_path: Path) -> None:
    """Both outcomes: cut before the commit took place, and after it but before its answer."""
    load = Load(city)
    with load.running(), city.archive(tmp_path) as archive:
        load.more()
        # A deferred trigger runs inside COMMIT, where it waits until it is cut.
        city.run("CREATE TABLE gate (shut boolean NOT NULL)")
        city.run("INSERT INTO gate VALUES (TRUE)")
        city.run(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF EXISTS (SELECT FROM gate WHERE shut) THEN PERFORM pg_sleep(3600); END IF; RETURN NULL; END $$"
        )
        city.run(
            "CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON archive_offsets DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION hold()"
        )
        eventually(lambda: _cut(city, "PgSleep"))
        city.run("DELETE FROM gate")
        load.more()
        assert any(one["unknown"] for one in archive.said("archive.database_away"))

        before = len(archive.said("archive.database_away"))
        with _nobody_confirms(city):
            eventually(lambda: _cut(city, "SyncRep"))
        load.more()
        assert any(one["unknown"] for one in archive.said("archive.database_away")[before:])
        load._done.set()
        load._thread.join()
        assert_stored_once(city, load)
        assert archive.stop() == 0


def _cut(city: Store, waiting_for: str) -> bool:
    with city.superuser() as admin:
        row = admin.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = %s AND wait_event = %s AND query ILIKE 'commit%%'",
            [city.name, waiting_for],
        ).fetchone()
        return row is not None and row[0] > 0


@contextmanager
def _nobody_confirms(city: Store) -> Iterator[None]:
    """Commits are done and then wait for a standby that there is not."""
    try:
        with city.superuser() as admin:
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            admin.execute("SELECT pg_reload_conf()")
        yield
    finally:
        with city.superuser() as admin:
            admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
            admin.execute("SELECT pg_reload_conf()")


def test_a_database_that_is_away_pauses_the_archive_and_memory_stays_bounded(city: Store, tmp_path: Path) -> None:
    payload = "x" * 2_000
    with city.archive(tmp_path) as archive:
        city.write(readings(["a:b:0"]))
        eventually(lambda: city.count("observations") == 1)
        assert archive.health()["healthy"]
        assert archive.process is not None
        with city.away():
            city.write(readings(["a:b:1"]))
            eventually(lambda: archive.health().get("database") == "down")
            assert archive.health()["status"] == 503
            assert archive.metrics("eyes_archive_database_up")[""] == 0
            before = psutil.Process(archive.process.pid).memory_info().rss
            for number in range(60):  # 60 MB of log
                ids = [f"a:{payload}:{number * 500 + n}" for n in range(500)]
                city.write(readings(ids))
            goal = len(archive.said("archive.database_away")) + 2
            eventually(lambda: len(archive.said("archive.database_away")) >= goal)
            grown = psutil.Process(archive.process.pid).memory_info().rss - before
            assert grown < 40 * 1024 * 1024, f"{grown / 2**20:.0f} MiB"  # what the client may hold is 16 MiB
            assert archive.process.poll() is None
        eventually(lambda: city.offset() == 62)
        assert city.count("observations") == city.count("(SELECT DISTINCT identity FROM observations) AS d") == 30_002
        eventually(lambda: archive.health().get("healthy"))
        assert archive.stop() == 0


def test_a_frozen_archive_that_wakes_up_after_another_took_over_cannot_write(city: Store, tmp_path: Path) -> None:
    load = Load(city)
    with load.running(), city.archive(tmp_path, "one") as one, city.archive(tmp_path, "two") as two:
        load.more()
        # Both are in the group by now: who is frozen before it joined takes nothing away with it.
        for each in (one, two):
            eventually(lambda each=each: any(said["partitions"] for said in each.said("archive.took_over")))
        one.send(signal.SIGSTOP)
        # The group gives all partitions to the other, which takes them over anew.
        before = {partition: _epoch(city, partition) for partition in PARTITIONS}
        eventually(lambda: all(_epoch(city, partition) > before[partition] for partition in PARTITIONS))
        load.more()
        one.send(signal.SIGCONT)
        load.more()
        load._done.set()
        load._thread.join()
        assert_stored_once(city, load)
        assert two.process is not None
        assert one.process is not None
        assert one.process.poll() in (None, 75)  # it is fenced, or the group took it in again
        assert two.process.poll() in (None, 75)


def _epoch(city: Store, partition: int) -> int:
    rows = city.sql("SELECT epoch FROM archive_offsets WHERE topic = %s AND partition = %s", city.topic(), partition)
    return int(rows[0][0])


def test_a_second_archive_of_the_same_name_replaces_the_first(city: Store, tmp_path: Path) -> None:
    load = Load(city)
    second = tmp_path / "second"
    second.mkdir()
    with load.running(), city.archive(tmp_path) as first:
        load.more()
        with city.archive(second) as other:
            assert first.wait() == 75
            assert first.said("fenced")
            load.more()
            load._done.set()
            load._thread.join()
            assert_stored_once(city, load)
            assert other.stop() == 0
