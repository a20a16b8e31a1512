"""The feeder as a process of its own: nothing of it, and least of all its truth, is within reach of a processor."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ops.supervise import bound_to_us
from runtime.errors import FatalError

START_S: Final = 30.0
STOP_S: Final = 30.0
POLL_S: Final = 0.05


class Feeder:
    """``eyes feed`` as a child; its truth goes to a file without a name that only it and we have open."""

    def __init__(self, arguments: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> None:
        self.sent_file = folder / "sent.ndjson"
        self.log_file = folder / "feeder.log"
        self._status_file = folder / "feeder.status.json"
        self._truth = os.memfd_create("eyes-truth")  # close-on-exec: only a child it is passed to inherits it
        self._process: subprocess.Popen[bytes] | None = None
        self._argv = (
            *(sys.executable, "-m", "ops.cli.main", "feed", *arguments),
            *("--sent", str(self.sent_file), "--status-file", str(self._status_file)),
            *("--truth-fd", str(self._truth)),
        )
        self._env = {**os.environ, **env}

    def start(self) -> None:
        """Return when it feeds; call it from a thread that lives as long as the feed, for it ends with that.

        Raises:
            FatalError: it ended at once, or said nothing for long; its log says why.
        """
        self._status_file.unlink(missing_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                bound_to_us(self._argv),
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._truth,),
                start_new_session=True,  # Ctrl-C reaches us alone, and we stop it in order
            )
        deadline = time.monotonic() + START_S
        while not self.status:
            if self.ended or time.monotonic() > deadline:
                raise FatalError(f"the feeder did not start; see {self.log_file}")
            time.sleep(POLL_S)

    @property
    def ended(self) -> bool:
        """Whether it has ended, by itself or because it was asked to."""
        return self._process is None or self._process.poll() is not None

    @property
    def status(self) -> dict[str, object]:
        """What it last said of itself; empty before it said anything."""
        try:
            said: dict[str, object] = json.loads(self._status_file.read_text())
        except (OSError, ValueError):
            return {}
        return said

    def stop(self) -> None:
        """Let it finish its step and wait until every publication is acknowledged.

        Raises:
            FatalError: it failed, or did not end in time; its log says why.
        """
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise FatalError(f"the feeder did not end within {STOP_S:.0f} s; see {self.log_file}") from None
        if code != 0:
            raise FatalError(f"the feeder failed with exit code {code}; see {self.log_file}")

    def kill(self) -> None:
        """End it at once if it still runs; what it published and wrote down stays."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def truth(self) -> bytes:
        """What it planted; there is something to read only after it ended."""
        os.lseek(self._truth, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._truth), "rb") as file:
            return file.read()
