"""The process in which codecs run: a program of its own, which imports nothing of ours.

Frames on stdin and stdout: four bytes of length (big-endian), then JSON. A request names a codec by number, with its
source the first time; the answer is ``{"said": ..., "normalised": ...}`` or ``{"error": ...}``. QuickJS bounds time,
memory and stack of each call; what it cannot stop (a built-in that loops in C) the kernel ends with this process.
"""

import json
import re
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import quickjs

CPU_S: Final = 0.25
"""CPU time of one call; the longest a codec was seen to need is 3 ms."""
HARD_CPU_S: Final = 1.0
MEMORY_BYTES: Final = 16 * 1024 * 1024
STACK_BYTES: Final = 256 * 1024
_ADDRESS_SPACE: Final = 1024 * 1024 * 1024
_ERROR_MAX: Final = 300
_REUSE_MAX: Final = 10_000
_HARNESS: Final = Path(__file__).with_name("harness.js").read_text(encoding="utf-8")
_ENTRIES: Final = (
    "({"
    + ",".join(
        f"{name}: typeof {name} === 'function' ? {name} : undefined"
        for name in ("decodeUplink", "Decode", "Decoder", "normalizeUplink")
    )
    + "})"
)

_SKIPPED: Final = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`\\$]*`""", re.DOTALL)
_REACHING: Final = re.compile(
    r"\b(?:eval|Function|globalThis|prototype|__proto__|Reflect|Proxy|callee|caller|constructor|import|defineProperty"
    r"|setPrototypeOf|queueMicrotask|Promise|async|WeakRef|Symbol)\b|\b(?:toString|valueOf)\s*=[^=]"
)
_DIVISION: Final = re.compile(r"(?<=[\w)\]])\s*/(?=\s*[\w(])")
_BUILT_IN: Final = ("Array", "Object", "Math", "Number", "String", "Date", "JSON", "Boolean", "Error", "RegExp", "this")
_FUNCTIONS: Final = re.compile(r"(?:\s|;|function\s+[\w$]+\s*\([\w$\s,]*\)\s*\{\})*")


def stateless(source: str) -> bool:
    """Whether a script certainly keeps nothing between two calls but what can be sealed: only functions on top.

    Strict on purpose: whatever could be read wrongly (a regular expression, a template) counts as state.
    """
    code = _SKIPPED.sub(lambda match: " " if match[0].startswith("/") else "0", source)
    if _REACHING.search(code) or "/" in _DIVISION.sub("", code) or any(mark in code for mark in "`\"'"):
        return False
    top: list[str] = []
    depth = 0
    for char in code:
        if char == "}":
            depth -= 1
            if depth < 0:
                return False
        if depth == 0:
            top.append(char)
        if char == "{":
            depth += 1
    if depth != 0 or _FUNCTIONS.fullmatch("".join(top)) is None:
        return False
    kept = "|".join([*_BUILT_IN, *map(re.escape, re.findall(r"function\s+([\w$]+)", code))])
    return re.search(rf"(?:\b|(?<=\$))(?:{kept})\s*(?:[.\[][^;\n(]*?)?(?:[^=!<>]=(?!=)|\+\+|--)", code) is None


class Codec:
    """One codec; its context is made anew for every message unless it certainly keeps no state."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._reusable = stateless(source)
        self._context: quickjs.Context | None = None
        self._harness: Any = None
        self._entries: Any = None
        self._calls = 0

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Decode, and normalise where the codec can; raises :class:`quickjs.JSException` for whatever goes wrong."""
        try:
            answer = self._run(request)
            if self._reusable and not self._harness("untouched", ""):
                self._reusable = False  # it wrote a variable it never declared
                self._forget()
                answer = self._run(request)
            self._calls += 1
            if not self._reusable or self._calls >= _REUSE_MAX:
                self._forget()
        except BaseException:
            self._forget()
            raise
        return answer

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._context is None:
            self._load()
        answer: dict[str, Any] = {"said": json.loads(self._harness("call", json.dumps(request["uplink"])))}
        data = answer["said"].get("data")
        if self._harness("normalises", "") and isinstance(data, dict) and not answer["said"].get("errors"):
            answer["normalised"] = json.loads(self._harness("normalise", json.dumps({"data": data})))
        return answer

    def _load(self) -> None:
        context = quickjs.Context()
        context.set_memory_limit(MEMORY_BYTES)
        context.set_max_stack_size(STACK_BYTES)
        context.set_time_limit(CPU_S)
        harness = context.eval(_HARNESS)
        context.eval(self._source)
        entries = context.eval(_ENTRIES)
        ask = context.eval(
            "(function (harness, entries) { return function (what, text) { switch (what) {"
            " case 'call': return harness.call(entries, text);"
            " case 'normalise': return harness.normalise(entries, text);"
            " case 'normalises': return !!entries.normalizeUplink; case 'untouched': return harness.untouched();"
            " case 'any': return !!(entries.decodeUplink || entries.Decode || entries.Decoder);"
            " case 'seal': harness.seal(); } } })"
        )(harness, entries)
        if not ask("any", ""):
            raise ValueError("has no function decodeUplink, Decode or Decoder")
        if self._reusable:
            ask("seal", "")
        self._context, self._harness, self._calls = context, ask, 0

    def _forget(self) -> None:
        self._harness = self._context = None


def main() -> None:
    """Serve until stdin ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # a pipe is no file
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # nothing more is opened: no file, no socket
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    codecs: dict[int, Codec] = {}
    while (request := _receive(sys.stdin.buffer)) is not None:
        signal.setitimer(signal.ITIMER_PROF, HARD_CPU_S)
        answer = _answer(codecs, request)
        signal.setitimer(signal.ITIMER_PROF, 0)
        frame = json.dumps(answer).encode()
        sys.stdout.buffer.write(struct.pack(">I", len(frame)) + frame)
        sys.stdout.buffer.flush()


def _answer(codecs: dict[int, Codec], request: dict[str, Any]) -> dict[str, Any]:
    if "source" in request:
        codecs[request["codec"]] = Codec(request["source"])
    try:
        return codecs[request["codec"]].run(request)
    except (quickjs.JSException, ValueError, RecursionError, MemoryError, TypeError, AttributeError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return {"error": "out of memory" if first == "null" else first[:_ERROR_MAX]}


def _receive(stream: BinaryIO) -> dict[str, Any] | None:
    head = stream.read(4)
    if len(head) < 4:  # noqa: PLR2004 - the length
        return None
    body = stream.read(int(struct.unpack(">I", head)[0]))
    found: dict[str, Any] = json.loads(body)
    return found


if __name__ == "__main__":
    main()
