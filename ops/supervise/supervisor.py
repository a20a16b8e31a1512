"""The supervisor: one thread that owns all the processes and steps each through its life."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from ops.supervise.child import cap_log
from ops.supervise.keeper import Keeper
from ops.supervise.spec import ProcessSpec, ProcessStatus, State
from runtime.lifecycle import Latch

TICK_S = 0.05
LOG_CHECK_S = 5.0


class Supervisor:
    """Keeps a set of processes running until told to stop.

    Every method may be called from any thread; they only say what is wanted, and one thread of its own does
    it, because the processes die with the thread that started them. That also means that nothing outlives
    the supervisor, even when it is killed.

    Args:
        specs: The processes, each after those it names in ``after``.
    """

    def __init__(self, specs: Sequence[ProcessSpec]) -> None:
        names = [spec.name for spec in specs]
        assert len(set(names)) == len(names), names
        for number, spec in enumerate(specs):
            assert set(spec.after) <= set(names[:number]), f"{spec.name} must come behind those it starts after"
        self._log = structlog.get_logger("supervise")
        self._checks = ThreadPoolExecutor(max_workers=2 * len(specs) + 1, thread_name_prefix="check")
        self._keepers = {spec.name: Keeper(spec, self._checks, self._log) for spec in specs}
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._closing = False
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._loop, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to start everything; returns at once."""
        with self._lock:
            for keeper in self._keepers.values():
                keeper.wanted = True
        if not self._thread.is_alive():
            self._thread.start()

    def stop(self) -> None:
        """Stop everything, each process after those that come after it, and return when all have ended."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._checks.shutdown(wait=False, cancel_futures=True)

    def start_one(self, name: str) -> None:
        """Start one process that was stopped, at once even where it was waiting after a crash."""
        with self._lock:
            self._keepers[name].want()
        self._wake.set()

    def stop_one(self, name: str) -> None:
        """Stop one process and leave it stopped; those that come after it keep running."""
        with self._lock:
            self._keepers[name].wanted = False
        self._wake.set()

    def restart_one(self, name: str) -> None:
        """Stop one process and start it again."""
        with self._lock:
            self._keepers[name].restart()
        self._wake.set()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Send a process a signal, as an accident would; return its pid, or ``None`` when it is not running."""
        with self._lock:
            return self._keepers[name].signal(number)

    def status(self) -> list[ProcessStatus]:
        """How every process is, in the order given."""
        with self._lock:
            now = time.monotonic()
            return [keeper.status(now) for keeper in self._keepers.values()]

    def wait_for(self, condition: Callable[[list[ProcessStatus]], bool], timeout_s: float) -> bool:
        """Wait until a condition holds for the status; return whether it came to hold in time."""
        deadline = time.monotonic() + timeout_s
        while not condition(self.status()):
            if self._failed is not None or time.monotonic() > deadline:
                return False
            time.sleep(TICK_S)
        return True

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until every process is running and healthy; return whether that came in time."""
        return self.wait_for(lambda all_: all(one.healthy for one in all_), timeout_s)

    def run_forever(self, on_started: Callable[[], None] = lambda: None) -> None:
        """Start everything, and stop it in order at SIGTERM or SIGINT; call it from the main thread.

        Raises:
            RuntimeError: The supervisor itself failed; its processes have ended.
        """
        asked = Latch()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked.set())
        self.start()
        on_started()
        while not asked.wait(0.2) and self._failed is None:
            pass
        self.stop()
        if self._failed is not None:
            raise RuntimeError("the supervisor failed") from self._failed

    def _loop(self) -> None:
        log_check_at = 0.0
        try:
            while True:
                with self._lock:
                    now = time.monotonic()
                    if self._closing:
                        self._want_less()
                    for keeper in self._keepers.values():
                        keeper.step(now, self._may_start(keeper.spec))
                    if self._closing and all(one.state is State.STOPPED for one in self._keepers.values()):
                        return
                if now >= log_check_at:
                    log_check_at = now + LOG_CHECK_S
                    for keeper in self._keepers.values():
                        cap_log(keeper.spec.log_file, keeper.spec.log_max_bytes)
                self._wake.wait(TICK_S)
                self._wake.clear()
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing may keep running unwatched
            self._log.exception("supervisor.failed")
            for keeper in self._keepers.values():
                keeper.abandon()
            self._failed = error

    def _may_start(self, spec: ProcessSpec) -> bool:
        return all(self._keepers[name].state is State.RUNNING for name in spec.after)

    def _want_less(self) -> None:
        """While closing: stop those that nothing running comes after."""
        for name, keeper in self._keepers.items():
            dependants = (one for one in self._keepers.values() if name in one.spec.after)
            if all(one.state is State.STOPPED for one in dependants):
                keeper.wanted = False
