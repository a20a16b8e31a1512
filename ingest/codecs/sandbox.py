"""Our end of the process in which codecs run (:mod:`ingest.codecs.worker`): started when needed, and after its end."""

import os
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ingest.codecs.library import Codec

_WORKER: Final = Path(__file__).with_name("worker.py")
_WALL_S: Final = 30.0
"""Far above the CPU time a call may take: only a process that somebody stopped is waited for as long."""
_FRAME_MAX: Final = 1024 * 1024


class CodecError(Exception):
    """A codec failed on one uplink; the message says how."""


class Sandbox:
    """Runs codecs, one call at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._known: set[int] = set()
        self._lock = threading.Lock()

    def run(self, codec: Codec, uplink: Mapping[str, Any]) -> dict[str, Any]:
        """What a codec says to an uplink: ``said`` and, where it can, ``normalised``.

        Raises:
            CodecError: it failed, took too long or too much, or returned what is no JSON.
        """
        with self._lock:
            try:
                answer = self._ask(codec, uplink)
            except (OSError, EOFError):
                code = self._end()
                why = "took too much time" if code == -27 else f"its process ended ({code})"  # noqa: PLR2004 - SIGPROF
                raise CodecError(why) from None
            except msgspec.DecodeError:
                raise CodecError("returned text that is no Unicode") from None
            except BaseException:
                self._end()  # or the next answer would be this one's
                raise
        if "error" in answer:
            raise CodecError(str(answer["error"]))
        return answer

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, codec: Codec, uplink: Mapping[str, Any]) -> dict[str, Any]:
        process = self._process or self._start()
        request: dict[str, Any] = {"codec": codec.number, "uplink": uplink}
        if codec.number not in self._known:
            request["source"] = codec.source
            self._known.add(codec.number)
        frame = msgspec.json.encode(request)
        assert process.stdin is not None
        process.stdin.write(struct.pack(">I", len(frame)) + frame)
        process.stdin.flush()
        size = struct.unpack(">I", self._read(process, 4))[0]
        if size > _FRAME_MAX:
            raise EOFError
        answer: dict[str, Any] = msgspec.json.decode(self._read(process, size))
        return answer

    @staticmethod
    def _read(process: subprocess.Popen[bytes], size: int) -> bytes:
        assert process.stdout is not None
        parts: list[bytes] = []
        while size:
            if not select.select([process.stdout], [], [], _WALL_S)[0]:
                process.kill()
                raise EOFError
            part = os.read(process.stdout.fileno(), size)  # unbuffered, or select would miss what was read ahead
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _start(self) -> subprocess.Popen[bytes]:
        self._known.clear()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,  # Ctrl-C is for us: it ends with its stdin
        )
        return self._process

    def _end(self) -> int | None:
        process, self._process = self._process, None
        self._known.clear()
        if process is None:
            return None
        for stream in (process.stdin, process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except OSError:
                pass
        try:
            return process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
