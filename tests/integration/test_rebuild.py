"""``eyes rebuild`` on real servers: the new tables equal the old, whatever runs, dies or is in the way meanwhile."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archive_kit import EYES, Store, connect, readings
from rebuild_kit import EVERYTHING, Silent, archived, difference, environment, eyes, generation
from test_archive import _write_one_of_each
from test_archive_faults import Load

from ops.database.generations import current
from ops.rebuild import service
from ops.rebuild import space as spaces
from ops.rebuild.fill import InterruptedRebuildError
from ops.rebuild.service import _LOCK, Rebuild
from ops.rebuild.switch import switch as switch_generations
from runtime.errors import FatalError
from runtime.failpoint import VARIABLE
from runtime.lifecycle import Shutdown
from tests.servers import TestStack
from tests.waiting import eventually

pytestmark = pytest.mark.servers


@pytest.fixture
def city(stack: TestStack) -> Iterator[Store]:
    with Store.on(stack) as city:
        yield city


def test_it_equals_the_original_row_for_row(city: Store, tmp_path: Path) -> None:
    _write_one_of_each(city)
    for number in range(20):
        ids = [f"a:b:{number * 50 + n}" for n in range(60)]  # each tenth again
        city.write(readings(ids, device=f"d-{number % 3}"), partition=number % 4)
    archived(city, tmp_path)
    assert all(city.count(table) for table in EVERYTHING)
    said = eyes(city, tmp_path, "rebuild")
    assert "generation 2 is current" in said
    assert "carried over" not in said
    assert generation(city) == 2
    assert difference(city, "eyes_g1", "eyes_g2") == {}
    # The comparison itself sees a row that is missing, one too many, and one that differs.
    city.run("DELETE FROM observations WHERE identity = 'a:b:7'")
    city.run("UPDATE facilities SET name = 'x' WHERE facility = 'f-gone'")
    city.run(
        "INSERT INTO zones SELECT 'z', kind, name, lon, lat, grid, district, address, policy, changed_at FROM zones"
    )
    assert difference(city, "eyes_g1", "eyes_g2") == {"readings": (1, 0), "facilities": (1, 1), "zones": (0, 1)}

    assert "generation 1 is current" in eyes(city, tmp_path, "rebuild", "revert")
    assert city.sql("SELECT name FROM facilities WHERE facility = 'f-gone'") == [(None,)]
    assert "old" in eyes(city, tmp_path, "rebuild", "status")
    assert "generation 2 is dropped" in eyes(city, tmp_path, "rebuild", "drop-old")
    assert "no old generation" in eyes(city, tmp_path, "rebuild", "drop-old")
    archived(city, tmp_path)


def test_under_load_killed_and_resumed_nothing_is_lost_or_doubled(city: Store, tmp_path: Path) -> None:
    _write_one_of_each(city)
    load = Load(city)
    with load.running(), city.archive(tmp_path) as archive:
        load.more(2_000)
        for place, so_far in (("archive.stored", False), ("archive.committed", True)):
            dying = environment(city, tmp_path) | {VARIABLE: f"{place}:1:{tmp_path / place}"}
            died = subprocess.run([*EYES, "rebuild"], env=dying, capture_output=True, timeout=400, check=False)
            assert died.returncode == -signal.SIGKILL, died.stderr
            assert (tmp_path / place).exists()
            ((reached,),) = city.sql("SELECT sum(next_offset) FROM eyes_g2.archive_offsets")
            assert (reached > 0) is so_far
            assert city.sql("SELECT state FROM projection ORDER BY generation") == [("current",), ("filling",)]
        load.more()
        assert archive.process is not None
        assert archive.process.poll() is None  # nobody has noticed

        said = eyes(city, tmp_path, "rebuild")
        assert "going on with generation 2" in said
        assert [(reached,)] < city.sql("SELECT sum(next_offset) FROM eyes_g2.archive_offsets")
        assert generation(city) == 2
        assert archive.wait() == 75
        assert archive.said("fenced")
        before = city.count("eyes_g1.observations")
        archive.start()
        load.more()
        assert archive.said("archive.database_up")[-1]["generation"] == 2
        load._done.set()
        load._thread.join()
        eventually(lambda: city.count("observations") >= len(load.sent) + 1)
        assert city.identities() == sorted([*load.sent, "a:b:1"])
        assert city.count("eyes_g1.observations") == before
        assert archive.stop() == 0
    eyes(city, tmp_path, "rebuild")
    assert difference(city, "eyes_g2", "eyes_g3") == {}


def test_two_at_once_are_refused_and_what_was_begun_can_be_abandoned(city: Store, tmp_path: Path) -> None:
    city.write(*(readings([f"a:b:{n}"]) for n in range(50)))
    archived(city, tmp_path)
    with connect(city.database) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        for arguments in (("rebuild",), ("rebuild", "--abandon"), ("rebuild", "drop-old")):
            assert "another rebuild is at work" in eyes(city, tmp_path, *arguments, code=1)
    city.run("INSERT INTO zones VALUES ('only here', 'grid', NULL, 1, 1, NULL, NULL, NULL, '{}', now())")
    refused = eyes(city, tmp_path, "rebuild", code=1)
    assert "tables would become smaller: zones 0 instead of 1" in refused
    assert generation(city) == 1
    city.run("UPDATE projection SET made_by = '0.0.1' WHERE generation = 2")
    assert "version 0.0.1 began generation 2" in eyes(city, tmp_path, "rebuild", code=1)
    assert "generation 2 is dropped" in eyes(city, tmp_path, "rebuild", "--abandon")
    assert "no unfinished rebuild" in eyes(city, tmp_path, "rebuild", "--abandon")
    assert city.sql("SELECT to_regnamespace('eyes_g2')") == [(None,)]


def test_asked_to_end_it_says_how_to_go_on(city: Store, tmp_path: Path) -> None:
    city.write(*(readings([f"a:b:{n}"]) for n in range(50)))
    archived(city, tmp_path)
    output = tmp_path / "rebuild.log"
    with connect(city.database) as holder, holder.transaction():
        holder.execute("SELECT FROM projection FOR UPDATE")  # it cannot be switched
        with output.open("wb") as log:
            process = subprocess.Popen([*EYES, "rebuild"], env=environment(city, tmp_path), stdout=log, stderr=log)
        eventually(lambda: "trying again" in output.read_text())
        process.terminate()
        assert process.wait(60) == 75
    assert "`eyes rebuild` goes on" in output.read_text()
    assert generation(city) == 1
    assert "going on with generation 2" in eyes(city, tmp_path, "rebuild")
    assert city.identities() == sorted(f"a:b:{n}" for n in range(50))


def test_asked_to_end_it_does_not_fill_on(city: Store, tmp_path: Path) -> None:
    city.write(*(readings([f"a:b:{n}"]) for n in range(1_000)))
    archived(city, tmp_path)
    settings = city.stack.settings.model_copy(update={"database": city.database, "kafka": city.kafka})
    settings = settings.model_copy(update={"archive": settings.archive.model_copy(update={"batch_rows": 1})})
    shutdown = Shutdown()

    class Watcher(Silent):
        def advance(self, done: int, rows: int = 0) -> None:
            shutdown.request()

    with pytest.raises(InterruptedRebuildError):
        Rebuild(settings, shutdown, Watcher(), discard=None).run()
    assert 0 < city.count("eyes_g2.observations") < 1_000
    Rebuild(settings, Shutdown(), Silent(), discard=None).run()
    assert difference(city, "eyes_g1", "eyes_g2") == {}


def test_room_on_the_disk_is_asked_for_first(city: Store, tmp_path: Path) -> None:
    settings = city.stack.settings.model_copy(update={"database": city.database, "kafka": city.kafka})
    with connect(city.database) as connection:
        found = spaces.space(connection, settings, current(connection), None)
    assert found.free is not None
    assert found.folder == settings.stack.dir / "data" / "postgres"
    assert found.needed > 1024**3  # the write-ahead log may take so much

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spaces.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 5}))
        with pytest.raises(FatalError, match=r"needs about .* GiB in .*, where 5 B are free: make room"):
            Rebuild(settings, Shutdown(), Silent(), discard=None).run()
    hidden = settings.model_copy(update={"stack": settings.stack.model_copy(update={"postgres_port": 1})})
    with pytest.raises(FatalError, match="cannot be seen from here: look there"):
        Rebuild(hidden, Shutdown(), Silent(), discard=None).run()
    assert city.sql("SELECT generation FROM projection") == [(1,)]  # nothing was begun
    Rebuild(hidden, Shutdown(), Silent(), discard=None).run(check_space=False)
    assert generation(city) == 2


def test_without_the_right_to_make_schemas_nothing_is_begun(city: Store, tmp_path: Path) -> None:
    with city.superuser() as admin:
        admin.execute(f'ALTER DATABASE "{city.name}" OWNER TO postgres'.encode())
        admin.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{city.name}" TO eyes'.encode())
    said = eyes(city, tmp_path, "rebuild", code=1)
    assert "permission denied for database" in said
    assert city.sql("SELECT generation FROM projection") == [(1,)]


def test_a_reader_in_the_way_is_waited_for_and_then_sees_the_new_tables(city: Store, tmp_path: Path) -> None:
    city.write(readings(["a:b:0"]))
    archived(city, tmp_path)
    env = environment(city, tmp_path)
    with connect(city.database) as reader:
        with reader.transaction():
            assert reader.execute("SELECT count(*) FROM readings").fetchone() == (1,)
            with (tmp_path / "rebuild.log").open("wb") as log:
                process = subprocess.Popen([*EYES, "rebuild"], env=env, stdout=log, stderr=log)
            eventually(lambda: "trying again" in (tmp_path / "rebuild.log").read_text())
            assert reader.execute("SELECT identity FROM readings").fetchall() == [("a:b:0",)]
            assert generation(city) == 1
        assert process.wait(90) == 0
        city.run("UPDATE observations SET result = 7")
        assert reader.execute("SELECT result FROM readings").fetchall() == [(7.0,)]


def test_at_the_switch_readers_lose_nothing_they_have_seen(
    city: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = city.stack.settings.model_copy(update={"database": city.database, "kafka": city.kafka})
    city.write(readings(["a:b:0"]))
    with city.archive(tmp_path) as archive:
        eventually(lambda: city.identities() == ["a:b:0"])

        def at_the_last_moment(*arguments: Any) -> None:
            city.write(*(readings([f"a:c:{n}"]) for n in range(10)))
            eventually(lambda: city.count("eyes_g1.observations") == 11)
            switch_generations(*arguments)

        monkeypatch.setattr(service, "switch", at_the_last_moment)
        Rebuild(settings, Shutdown(), Silent(), discard=None).run()
        assert city.count("observations") == 11
        assert generation(city) == 2
        city.write(readings(["a:d:0"]))
        assert archive.wait() == 75
    assert difference(city, "eyes_g1", "eyes_g2") == {}


def test_a_database_filled_by_another_log_too_is_refused(city: Store, tmp_path: Path) -> None:
    city.run(
        "INSERT INTO archive_offsets (archive, topic, partition, next_offset) VALUES ('east.eyes-archive', 't', 0, 1)"
    )
    said = eyes(city, tmp_path, "rebuild", code=1)
    assert "also filled by east.eyes-archive" in said
    assert city.sql("SELECT generation FROM projection") == [(1,)]
