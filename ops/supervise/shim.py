"""Runs between fork and exec of a supervised process: ``python -I -S shim.py PARENT SIGNAL -- PROGRAM ...``.

It asks the kernel to send SIGNAL when the supervisor dies, checks that it has not died already, and becomes
the program. This is a program of its own because it must run after a wrapper that changes identity (that
would clear the request), and because code between fork and exec is unsafe in a process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
EXEC_FAILED = 127


def main(argv: list[str]) -> int:
    """Become the program; return an exit status only if that fails."""
    parent, number, separator, *program = argv
    assert separator == "--", argv
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        sys.stderr.write(f"prctl: {os.strerror(ctypes.get_errno())}\n")
        return EXEC_FAILED
    if os.getppid() != int(parent):
        return 0  # the supervisor died before the request was made
    # Python ignores these for itself, and an ignored signal would stay ignored in the program.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvp(program[0], program)  # noqa: S606 - that is what it is for
    except OSError as error:
        sys.stderr.write(f"cannot start {program[0]}: {error.strerror}\n")
        return EXEC_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
