"""The supervisor with small real processes; no servers needed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ops.supervise import NotReadyError, ProcessSpec, RestartPolicy, State, Supervisor
from ops.supervise.child import cap_log, describe_exit
from tests.waiting import eventually

QUICK = RestartPolicy(first_delay_s=0.05, longest_delay_s=0.2, loop_crashes=4)
SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def spec(tmp_path: Path, name: str, code: str = SLEEP, **more: object) -> ProcessSpec:
    values: dict[str, object] = {"restart": QUICK, "health_interval_s": 0.1, **more}
    argv = (sys.executable, "-I", "-S", "-c", code)
    return ProcessSpec(name=name, argv=argv, log_file=tmp_path / f"{name}.log", **values)  # type: ignore[arg-type]


@contextmanager
def running(*specs: ProcessSpec) -> Iterator[Supervisor]:
    supervisor = Supervisor(specs)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def test_starts_in_order_and_stops_in_reverse(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import signal, sys, time\n"
        f"say = lambda word: open({str(order)!r}, 'a').write(word + NAME + chr(10))\n"
        "def end(*_): time.sleep(0.2); say('-'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); say('+'); time.sleep(600)"
    )

    def check(name: str) -> Callable[[], None]:
        def ask() -> None:
            if not order.exists() or f"+{name}" not in order.read_text():
                raise NotReadyError("not yet")

        return ask

    def make(name: str, *after: str) -> ProcessSpec:
        return spec(tmp_path, name, f"NAME={name!r}\n{code}", after=after, ready=check(name))

    with running(make("a"), make("b", "a"), make("c", "b")) as supervisor:
        assert supervisor.wait_ready(20)
    assert order.read_text().split() == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert [one.state for one in supervisor.status()] == [State.STOPPED] * 3


def test_restarts_what_is_killed_and_says_so(tmp_path: Path) -> None:
    with running(spec(tmp_path, "a")) as supervisor:
        assert supervisor.wait_ready(20)
        pid = supervisor.kill("a")
        eventually(lambda: supervisor.status()[0].healthy and supervisor.status()[0].pid != pid)
        assert supervisor.status()[0].restarts == 1


def test_a_crash_loop_is_reported_and_start_is_tried_again(tmp_path: Path) -> None:
    with running(spec(tmp_path, "a", "print('why'); raise SystemExit(3)")) as supervisor:
        eventually(lambda: supervisor.status()[0].state is State.CRASH_LOOPING)
        status = supervisor.status()[0]
        assert "exited with status 3" in status.detail
        assert not status.healthy
        eventually(lambda: supervisor.status()[0].restarts > status.restarts)
    assert "why" in (tmp_path / "a.log").read_text()


def test_a_program_that_is_missing_is_a_crash(tmp_path: Path) -> None:
    missing = ProcessSpec(name="a", argv=("/nonexistent",), log_file=tmp_path / "a.log", restart=QUICK)
    with running(missing) as supervisor:
        eventually(lambda: supervisor.status()[0].restarts > 0)
    assert "cannot start /nonexistent" in (tmp_path / "a.log").read_text()


def test_a_process_that_never_gets_ready_is_killed_and_started_again(tmp_path: Path) -> None:
    def never() -> None:
        raise NotReadyError("still warming up")

    with running(spec(tmp_path, "a", ready=never, ready_timeout_s=0.3)) as supervisor:
        eventually(lambda: "warming" in supervisor.status()[0].detail)
        eventually(lambda: supervisor.status()[0].restarts > 0)


def test_health_is_lost_and_found(tmp_path: Path) -> None:
    ill = tmp_path / "ill"

    def check() -> None:
        if ill.exists():
            raise OSError("no answer")

    with running(spec(tmp_path, "a", ready=check)) as supervisor:
        assert supervisor.wait_ready(20)
        ill.touch()
        eventually(lambda: not supervisor.status()[0].healthy)
        assert supervisor.status()[0].state is State.RUNNING
        assert supervisor.status()[0].detail == "OSError: no answer"
        ill.unlink()
        eventually(lambda: supervisor.status()[0].healthy)
        assert supervisor.status()[0].restarts == 0


def test_stop_start_and_restart_of_one(tmp_path: Path) -> None:
    with running(spec(tmp_path, "a"), spec(tmp_path, "b", after=("a",))) as supervisor:
        assert supervisor.wait_ready(20)
        before = supervisor.status()
        supervisor.stop_one("a")
        eventually(lambda: supervisor.status()[0].state is State.STOPPED)
        assert supervisor.status()[1].pid == before[1].pid  # what comes after keeps running
        assert supervisor.kill("a") is None
        supervisor.start_one("a")
        assert supervisor.wait_ready(20)
        again = supervisor.status()[0].pid
        supervisor.restart_one("a")
        eventually(lambda: supervisor.status()[0].healthy and supervisor.status()[0].pid not in {None, again})


def test_a_stubborn_process_is_killed_after_its_time(tmp_path: Path) -> None:
    with running(spec(tmp_path, "a", STUBBORN, stop_timeout_s=0.3)) as supervisor:
        log = tmp_path / "a.log"
        eventually(lambda: log.exists() and "up" in log.read_text())
        pid = supervisor.status()[0].pid
        began = time.monotonic()
    assert 0.3 <= time.monotonic() - began < 5
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_nothing_survives_a_kill_of_the_supervisor(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom ops.supervise import ProcessSpec, Supervisor\n"
        f"s = Supervisor([ProcessSpec(name='a', argv=(sys.executable, '-c', {SLEEP!r}), "
        f"log_file=Path({str(tmp_path)!r}) / 'a.log')])\n"
        "s.start(); s.wait_ready(20); print(s.status()[0].pid, flush=True); time.sleep(600)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    with supervisor.stdout:
        # The supervisor logs to the same stream; the pid is the line that is a number.
        child = next(psutil.Process(int(line)) for line in supervisor.stdout if line.strip().isdigit())
        os.kill(supervisor.pid, signal.SIGKILL)
        supervisor.wait()
        assert psutil.wait_procs([child], timeout=10)[1] == []


def test_logs_are_capped(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    cap_log(log, 10)  # not there yet: fine
    with log.open("ab") as file:
        file.write(b"x" * 20)
        file.flush()
        cap_log(log, 10)
        file.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "a.log.1").read_bytes() == b"x" * 20


def test_exits_are_described() -> None:
    assert describe_exit(3) == "exited with status 3"
    assert describe_exit(-9) == "killed by SIGKILL"
    assert describe_exit(-200) == "killed by signal 200"
