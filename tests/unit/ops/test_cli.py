"""The command line as a whole: it starts without the parts that belong to one process alone."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ops.cli import score
from ops.cli.main import app

PROCESSES = (
    "ingest.service",
    "processors.service",
    "processors.sequencer.service",
    "processors.correlators.service",
    "processors.archive.service",
)


def test_no_command_loads_another_process_metrics() -> None:
    # One registry per process: two that declare the same metric cannot live together.
    code = (
        "import sys, typer; from ops.cli.main import app; every = list(typer.main.get_group(app).commands.values()); "
        f"print(len(every) > 30, [m for m in {PROCESSES!r} if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "True []"


def test_a_command_loads_nothing_of_the_others() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from ops.cli.main import app; "
        "told = CliRunner().invoke(app, ['{}', '--help']); "
        "print(told.exit_code, sorted(m for m in ('numpy', 'paho', 'ops.cli.bench') if m in sys.modules))"
    )
    for command, needs in {"topics": [], "bench": ["numpy", "ops.cli.bench", "paho"]}.items():
        run = subprocess.run([sys.executable, "-c", code.format(command)], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == f"0 {needs}"


@pytest.mark.parametrize("of", [app, score.app], ids=["eyes", "eyes score"])
def test_the_list_of_commands_says_what_they_say_themselves(of: typer.Typer) -> None:
    group: Any = typer.main.get_group(of)
    said = {name: " ".join(command.help.split("\n\n")[0].split()) for name, command in group.commands.items()}
    assert {entry.name: entry.summary for entry in group.entries} == said


def test_a_command_that_is_not_there_is_told_of_one_that_is() -> None:
    told = CliRunner().invoke(app, ["acount"])
    assert told.exit_code == 2
    assert "Did you mean 'account'?" in " ".join(told.output.split())


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
