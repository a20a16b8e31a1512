"""What set-up says: one line per step, progress in place on a terminal, and errors that say what to do."""

import sys
import time


class SetupError(Exception):
    """Set-up cannot go on; ``str()`` says why and what to do about it."""


class Progress:
    """The line of one step: ``name ... detail`` while it runs, ``name  12.3 s`` when it is done.

    On a terminal the line is rewritten; elsewhere a new line comes at most every five seconds.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.monotonic()
        self._last = self._began
        self._terminal = sys.stdout.isatty()
        self._say(f"  {name} ...", temporary=True)

    def update(self, detail: str) -> None:
        """Show how far the step is; cheap enough to be called for every line of a tool's output."""
        now = time.monotonic()
        if now - self._last < (0.1 if self._terminal else 5.0):
            return
        self._last = now
        self._say(f"  {self._name} ... {detail}", temporary=True)

    def done(self, detail: str = "") -> None:
        """End the line."""
        took = time.monotonic() - self._began
        self._say(f"  {self._name}: {detail or 'done'} ({took:.1f} s)", temporary=False)

    def _say(self, line: str, *, temporary: bool) -> None:
        if self._terminal:
            sys.stdout.write(f"\r\033[K{line[:150]}{'' if temporary else chr(10)}")
        else:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
