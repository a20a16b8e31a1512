"""The life of one supervised process as a state machine; stepped by the supervisor's thread."""

import signal
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from ops.supervise.child import Child, describe_exit
from ops.supervise.policy import CrashHistory, after_crash
from ops.supervise.spec import NotReadyError, ProcessSpec, ProcessStatus, State

CHECK_AGAIN_S = 0.1
UNHEALTHY_AFTER = 2  # failed checks in a row; one may be a hiccup


@dataclass
class Check:
    """The readiness check of one process: when it comes next, and what it last said."""

    next_at: float = 0.0
    running: Future[object] | None = None
    failures: int = 0
    said: str = ""


class Keeper:
    """Keeps one process in the state that is wanted. Not thread-safe: the supervisor's lock guards it."""

    def __init__(self, spec: ProcessSpec, pool: ThreadPoolExecutor, log: structlog.stdlib.BoundLogger) -> None:
        self.spec = spec
        self.wanted = False
        self.state = State.STOPPED
        self._pool = pool
        self._log = log.bind(process=spec.name)
        self._child: Child | None = None
        self._started_at = 0.0
        self._ready_at: float | None = None
        self._start_again_at = 0.0
        self._kill_at = 0.0
        self._check = Check()
        self._history = CrashHistory()
        self._restarts = 0
        self._detail = ""
        self._again = False

    def want(self) -> None:
        """It is wanted now: a wait after a crash is cut short."""
        self.wanted = True
        if self.state in {State.BACKOFF, State.CRASH_LOOPING}:
            self._start_again_at = 0.0

    def restart(self) -> None:
        """Stop it and start it again."""
        if self._child is None:
            self.want()
        else:
            self.wanted, self._again = False, True

    def signal(self, number: signal.Signals) -> int | None:
        """Send a signal; return the pid that got it."""
        if self._child is None:
            return None
        self._child.send(number)
        return self._child.pid

    def abandon(self) -> None:
        """Kill it without ceremony."""
        if self._child is not None:
            self._child.kill_group()

    def status(self, now: float) -> ProcessStatus:
        """A snapshot."""
        return ProcessStatus(
            name=self.spec.name,
            state=self.state,
            healthy=self.state is State.RUNNING and self._check.failures < UNHEALTHY_AFTER,
            pid=self._child.pid if self._child else None,
            uptime_s=now - self._started_at if self._child else None,
            restarts=self._restarts,
            detail=self._detail or (self._check.said if self._child else ""),
            log_file=self.spec.log_file,
        )

    def step(self, now: float, may_start: bool) -> None:  # noqa: FBT001 - one caller
        """Do what is due."""
        status = self._child.poll() if self._child else None
        if status is not None:
            self._ended(now, status)
        if self._child is None:
            self._step_down(now, may_start=may_start)
        elif self.state is State.STOPPING:
            if now >= self._kill_at:
                self._log.warning("process.kill", after_s=self.spec.stop_timeout_s)
                self._child.kill_group()
        elif not self.wanted:
            self._child.send(self.spec.stop_signal)
            self.state, self._kill_at = State.STOPPING, now + self.spec.stop_timeout_s
        else:
            self._step_check(now)

    def _step_down(self, now: float, *, may_start: bool) -> None:
        if self._again:
            self._again, self.wanted = False, True
        if not self.wanted:
            self.state = State.STOPPED
        elif self.state in {State.BACKOFF, State.CRASH_LOOPING} and now < self._start_again_at:
            pass
        elif not may_start:
            self.state, self._detail = State.WAITING, f"for {', '.join(self.spec.after)}"
        else:
            self._spawn(now)

    def _spawn(self, now: float) -> None:
        self._check, self._ready_at, self._started_at = Check(), None, now
        try:
            self._child = Child(self.spec)
        except OSError as error:
            self._crashed(now, f"cannot start: {error}")
            return
        self.state = State.STARTING
        # A looping process keeps its label and reason until it is ready again.
        if not self._history.recent:
            self._detail = ""
        self._log.info("process.started", pid=self._child.pid)

    def _ended(self, now: float, status: int) -> None:
        assert self._child is not None
        pid, self._child = self._child.pid, None
        if self.state is State.STOPPING:
            self._log.info("process.stopped", pid=pid, status=status)
            self.state, self._detail = State.STOPPED, ""
            self._history = CrashHistory()
        else:
            self._crashed(now, describe_exit(status))

    def _crashed(self, now: float, why: str) -> None:
        ready_for = now - self._ready_at if self._ready_at is not None else 0.0
        verdict = after_crash(self.spec.restart, self._history, now=now, ready_for_s=ready_for)
        self._history, self._ready_at = verdict.history, None
        self._start_again_at = now + verdict.delay_s
        self._restarts += 1
        self.state = State.CRASH_LOOPING if verdict.looping else State.BACKOFF
        self._detail = f"{why}; see {self.spec.log_file}"
        self._log.error("process.crashed", why=why, again_in_s=verdict.delay_s, looping=verdict.looping)

    def _step_check(self, now: float) -> None:
        assert self._child is not None
        check = self._check
        if self.spec.ready is None:
            self._passed(now)
        elif check.running is None:
            if now >= check.next_at:
                check.running = self._pool.submit(self.spec.ready)
        elif check.running.done():
            error = check.running.exception()
            check.running = None
            if error is None:
                self._passed(now)
            else:
                self._not_passed(now, error)
        if self._ready_at is None and now - self._started_at > self.spec.ready_timeout_s:
            self._log.error("process.not_ready", after_s=self.spec.ready_timeout_s, said=check.said)
            self._child.kill_group()
            self._started_at = now  # once is enough; its end is seen at the next step

    def _passed(self, now: float) -> None:
        check = self._check
        if self.state is not State.RUNNING:
            self.state, self._ready_at, self._detail = State.RUNNING, now, ""
            self._log.info("process.ready", after_s=round(now - self._started_at, 2))
        elif check.failures >= UNHEALTHY_AFTER:
            self._log.info("process.healthy")
        check.failures, check.said = 0, ""
        check.next_at = now + self.spec.health_interval_s

    def _not_passed(self, now: float, error: BaseException) -> None:
        check = self._check
        said = str(error).strip() or type(error).__name__
        check.said = said if isinstance(error, NotReadyError) else f"{type(error).__name__}: {said}"
        check.next_at = now + (CHECK_AGAIN_S if self._ready_at is None else min(1.0, self.spec.health_interval_s))
        if self._ready_at is not None:
            check.failures += 1
            if check.failures == UNHEALTHY_AFTER:
                self._log.error("process.unhealthy", said=check.said)
