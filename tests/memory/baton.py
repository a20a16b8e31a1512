"""Several processes of which one moves at a time: at each I/O point it stops, and the scheduler says who goes on.

A process is a thread that runs the production loop and holds the baton while it moves; so a history depends on nothing
but the order of :meth:`Baton.step`. A process that is not stepped is frozen, one that is killed dies where it stands.
"""

import threading
from collections.abc import Callable

from tests.memory.process import Crash


class Task:
    """One process."""

    def __init__(self, name: str, target: Callable[[], None]) -> None:
        self.name = name
        self.done = False
        self.killed = False
        self.error: BaseException | None = None
        """What ended it, unless it ended in order or was killed."""
        self._target = target
        self.go = threading.Semaphore(0)
        self.stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.go.acquire()
        try:
            if not self.killed:
                self._target()
        except Crash:
            pass
        except BaseException as error:  # noqa: BLE001 - the scheduler's to judge
            self.error = error
        self.done = True
        self.stopped.release()


class Baton:
    """Who moves."""

    def __init__(self) -> None:
        self.points = 0
        """I/O points passed by all of them."""
        self._moving: Task | None = None

    def step(self, task: Task) -> None:
        """Let it go on to its next I/O point, or to its end."""
        assert not task.done, f"{task.name} has ended"
        self._moving = task
        task.go.release()
        task.stopped.acquire()
        self._moving = None

    def kill(self, task: Task) -> None:
        """As SIGKILL does."""
        task.killed = True
        while not task.done:
            self.step(task)

    def io(self, _name: str) -> None:
        """Stop here; called by the process that moves."""
        task = self._moving
        if task is None:
            return
        self.points += 1
        if not task.killed:
            task.stopped.release()
            task.go.acquire()
        if task.killed:
            raise Crash
