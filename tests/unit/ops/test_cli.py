"""The command line as a whole: it starts without the parts that belong to one process alone."""

import subprocess
import sys

PROCESSES = ("ingest.service", "processors.service", "processors.archive.service")


def test_no_command_loads_another_process_metrics() -> None:
    # One registry per process: two that declare the same metric cannot live together.
    code = f"import sys, ops.cli.main; print([m for m in {PROCESSES!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
