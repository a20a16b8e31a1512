"""The command line as a whole: it starts without the parts that belong to one process alone."""

import os
import socket
import subprocess
import sys
from pathlib import Path

PROCESSES = (
    "ingest.service",
    "processors.service",
    "processors.sequencer.service",
    "processors.correlators.service",
    "processors.archive.service",
)


def test_no_command_loads_another_process_metrics() -> None:
    # One registry per process: two that declare the same metric cannot live together.
    code = f"import sys, ops.cli.main; print([m for m in {PROCESSES!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def eyes(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops.cli.main", *arguments]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def test_a_wrong_configuration_is_said_key_by_key_without_its_values(tmp_path: Path) -> None:
    answer = eyes("config", EYES_KAFKA__FOO="1", EYES_DATABASE__DSN="host=x password=hush")
    assert answer.returncode == 1
    assert "kafka.foo" in answer.stderr
    assert "EYES_DATABASE__DSN" in answer.stderr
    assert "hush" not in answer.stderr
    assert "Traceback" not in answer.stderr
    file = tmp_path / "eyes.toml"
    file.write_text("[kafka\n")
    broken = eyes("config", EYES_CONFIG=str(file))
    assert broken.returncode == 1
    assert str(file) in broken.stderr.replace("\n", "")


def test_a_metrics_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = eyes("process", "--metrics-port", str(port))
    assert answer.returncode == 1
    assert f"metrics port {port} is taken" in answer.stderr
    assert "Traceback" not in answer.stderr
