"""The command line as a person meets it: help with examples, one clear line when something is missing, and a message's
way from ``eyes publish`` to ``eyes tail``."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import click
import pytest
import typer
from typer.testing import CliRunner

from ops.cli.main import app
from ops.topics import ensure_topics
from tests import warm
from tests.servers import TestStack, free_ports
from tests.waiting import eventually

EYES = (sys.executable, "-m", "ops.cli.main")


def commands(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, groups too."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_helps(path: tuple[str, ...]) -> None:
    told = CliRunner().invoke(app, [*path, "--help"])
    assert told.exit_code == 0, told.output
    assert "Usage:" in told.output
    command = ALL[path]
    assert command.help
    for option in command.params:
        assert getattr(option, "help", None) or option.param_type_name == "argument", option.name
    if not hasattr(command, "commands"):
        assert re.search(rf"eyes {' '.join(path)}\b", command.help), "an example"


def eyes(*arguments: str, env: dict[str, str], said: str | None = None) -> subprocess.CompletedProcess[str]:
    if said is None:
        return warm.run([*EYES, *arguments], env)
    return subprocess.run(
        [*EYES, *arguments], env=env, input=said, capture_output=True, text=True, timeout=400, check=False
    )


def line(text: str) -> str:
    """What was said, as if the terminal were wide enough."""
    return " ".join(text.split())


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """Settings by which nobody is to be found."""
    (port,) = free_ports(1)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EYES_")}
    return {
        **clean,
        "EYES_CONFIG": str(tmp_path / "none.toml"),
        "EYES_STACK__DIR": str(tmp_path / "stack"),
        "EYES_KAFKA__BOOTSTRAP": f"127.0.0.1:{port},localhost:{port}",
        "EYES_MQTT__PORT": str(port),
        "EYES_DATABASE__DSN": f"host=127.0.0.1 port={port} dbname=x user=y",
        "EYES_DATABASE__PASSWORD": "geheim-1",
        "EYES_MQTT__PASSWORD": "geheim-2",
        "EYES_KAFKA__SASL_PASSWORD": "geheim-3",
        "EYES_CLOCK__MODE": "feed",
    }


ID = "00000000-0000-0000-0000-000000000000"
WITHOUT_SERVERS = {
    "topics create": "no Kafka on 127.0.0.1:",
    "tail anomalies -F": "no Kafka on 127.0.0.1:",
    "tail anomalies": "no Kafka on 127.0.0.1:",
    "quarantine list": "no Kafka on 127.0.0.1:",
    f"quarantine show {ID}": "no Kafka on 127.0.0.1:",
    f"quarantine retry {ID}": "no Kafka on 127.0.0.1:",
    f"trace {ID}": "no Kafka on 127.0.0.1:",
    "trace nonsense": "'nonsense' is no id: at least 8 hexadecimal digits, or DEVICE/PROPERTY/IDENTITY",
    "registry list": "no Kafka on 127.0.0.1:",
    "registry show x": "no Kafka on 127.0.0.1:",
    "registry remove x": "no Kafka on 127.0.0.1:",
    "feed demo": "no Kafka on 127.0.0.1:",
    "verify": "no Kafka on 127.0.0.1:",
    "replay -p cover": "no Kafka on 127.0.0.1:",
    "replay -p lid": "no detector 'lid'; there are:",
    "replay -p cover --against missing.toml": "missing.toml: No such file or directory",
    "db status": "cannot reach the database (host=127.0.0.1 port=",
    "db migrate": "cannot reach the database (host=127.0.0.1 port=",
    "publish - --device x": "no MQTT broker on 127.0.0.1:",
    "publish -": 'line 1: where to? Give --device or --topic, or write {"topic": ..., "payload": ...}',
    "publish - --device x --topic y": "--topic and --device exclude each other",
    "publish missing.json": "missing.json: [Errno 2] No such file",
    "tail nonsense": "no topic 'nonsense'; there are: city.events.v1",
    "quarantine show nonsense": "'nonsense' is not an id",
    "registry load missing.csv": "missing.csv: No such file or directory",
    "feed ltown missing": "scada_5min_centi.parquet is missing",
    "feed ltown missing --start-at next --as-now": "scada_5min_centi.parquet is missing",
    "water list": "no Kafka on 127.0.0.1:",
    "water configure missing": "missing is no folder: DIR holds an EPANET file (.inp) and sensors.toml",
    "feed replay missing": "missing: [Errno 2] No such file",
    "db drop-chunks --older-than 5": "cannot reach the database",
}


def test_without_servers_everything_ends_with_one_clear_line(nowhere: dict[str, str]) -> None:
    def run(command: str) -> subprocess.CompletedProcess[str]:
        return eyes(*command.split(), env=nowhere, said='{"property":"flow","value":1}\n')

    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(WITHOUT_SERVERS, pool.map(run, WITHOUT_SERVERS), strict=True))
    for command, expected in WITHOUT_SERVERS.items():
        answer = answers[command]
        assert answer.returncode == 1, command
        assert line(answer.stderr).startswith("eyes: "), (command, answer.stderr)
        assert expected in line(answer.stderr), (command, answer.stderr)
        assert "Traceback" not in answer.stderr, command
        assert "geheim" not in answer.stdout + answer.stderr
        if "no Kafka" in expected or "no MQTT" in expected:
            assert "eyes stack status" in line(answer.stderr)


def test_config_hides_secrets_and_is_json(nowhere: dict[str, str]) -> None:
    answer = eyes("config", env=nowhere)
    assert answer.returncode == 0
    told = json.loads(answer.stdout)
    assert told["database"]["dsn"] == nowhere["EYES_DATABASE__DSN"]
    assert {told["database"]["password"], told["mqtt"]["password"], told["kafka"]["sasl_password"]} == {"**********"}
    assert "geheim" not in answer.stdout + answer.stderr
    assert "none.toml (not there)" in line(answer.stderr)


def test_a_wrong_setting_is_named_without_its_value(nowhere: dict[str, str]) -> None:
    for name, value in (("EYES_KAFKA__NONSENSE", "geheim"), ("EYES_LOG__LEVEL", "geheim")):
        answer = eyes("config", env={**nowhere, name: value})
        assert answer.returncode == 1
        assert name.removeprefix("EYES_").lower().replace("__", ".") in answer.stderr
        assert "geheim" not in answer.stderr
        assert "Traceback" not in answer.stderr


def test_the_catalogue_is_listed_without_any_server(nowhere: dict[str, str]) -> None:
    answer = eyes("topics", "list", env={**nowhere, "COLUMNS": "250", "EYES_KAFKA__TOPIC_PREFIX": "trial."})
    assert answer.returncode == 0
    assert "trial.city.events.v1" in answer.stdout


# -------------------------------------------------------------------------------------------------- on real servers


@pytest.fixture
def env(stack: TestStack, tmp_path: Path) -> dict[str, str]:
    """A site and topics of its own on the session's servers."""
    kafka = stack.settings.kafka.model_copy(update={"topic_prefix": stack.fresh_prefix()})
    ensure_topics(kafka)
    site = kafka.topic_prefix.removesuffix(".")
    return {
        **os.environ,
        **stack.env,
        "EYES_CONFIG": str(tmp_path / "none.toml"),
        "EYES_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
        "EYES_SITE": site,
        "EYES_INGEST__CLIENT_ID": f"ingest-{site}",
        "EYES_INGEST__TOPIC_FILTERS": json.dumps([f"eyes/v1/{site}/#"]),
        "COLUMNS": "250",
    }


@pytest.fixture
def ingest(env: dict[str, str], tmp_path: Path) -> Iterator[None]:
    (port,) = free_ports(1)
    with (tmp_path / "ingest.log").open("wb") as log:
        process = subprocess.Popen([*EYES, "ingest", "--metrics-port", str(port)], env=env, stdout=log, stderr=log)

    def hears() -> bool:
        # Well it is before it has subscribed; what is published until then, nobody hears.
        assert process.poll() is None, (tmp_path / "ingest.log").read_text()
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                return bool(json.load(answer)["ready"])
        except OSError:
            return False

    try:
        eventually(hears)
        yield
    finally:
        process.kill()
        process.wait(30)


def shown(env: dict[str, str], *arguments: str, having: str) -> str:
    """What a command prints, once it prints this."""

    def ask() -> str:
        answer = eyes(*arguments, env=env)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout if having in answer.stdout else ""

    found: str = eventually(ask)
    return found


@pytest.mark.servers
def test_a_message_of_ones_own_from_publish_to_tail(env: dict[str, str], ingest: None, tmp_path: Path) -> None:
    reading = '{"property":"tilt_angle","value":17.0,"unit":"deg"}\n'
    sent = eyes("publish", "-", "--device", "x", env=env, said=reading)
    assert sent.returncode == 0, sent.stderr
    assert sent.stdout == f"line 1: accepted eyes/v1/{env['EYES_SITE']}/x/observations\n"
    assert '"device":"x"' in shown(env, "tail", "unregistered", "-F", having="unregistered.readings")

    file = tmp_path / "covers.csv"
    head = "facility,scheme,facility_class,zone,lon,lat,device\n"
    file.write_text(head + "c-1,local,manhole_cover,grid:1,113.85,34.03,x\n", encoding="utf-8")
    assert eyes("registry", "load", str(file), env=env).returncode == 0
    shown(env, "tail", "unregistered", "-F", having="unregistered.released")

    with subprocess.Popen([*EYES, "tail", "events", "-n", "0"], env=env, stdout=subprocess.PIPE, text=True) as tail:
        try:
            found: list[str] = []

            def heard() -> bool:
                # The tail may begin after any of them: what is sent often enough is seen.
                eyes("publish", "-", "--device", "x", env=env, said=reading)
                return "observation.batch  1 readings of x" in "".join(found)

            with ThreadPoolExecutor(1) as pool:
                assert tail.stdout is not None
                pool.submit(lambda: found.extend(iter(tail.stdout.readline, "")))  # type: ignore[union-attr]
                eventually(heard)
                tail.send_signal(signal.SIGTERM)
            assert tail.wait(30) == 0
        finally:
            tail.kill()
    whole = shown(env, "tail", "events", "-F", "-n", "5000", "--json", having="org.digital-eyes.observation.batch.v1")
    batches = [one for one in map(json.loads, whole.splitlines()) if one["type"].endswith("observation.batch.v1")]
    assert {series["device"] for one in batches for series in one["data"]["series"]} == {"x"}


@pytest.mark.servers
def test_what_is_refused_is_listed_shown_and_sent_again(env: dict[str, str], ingest: None, tmp_path: Path) -> None:
    bad = '{"property":"[/bold]","value":1}'  # must not be taken for the terminal's own markup
    assert eyes("publish", "-", "--device", "x", env=env, said=bad).returncode == 0
    broken = tmp_path / "broken.ndjson"
    broken.write_text("{\n")
    refused = eyes("publish", str(broken), "--device", "x", env=env)
    assert refused.returncode == 1
    assert "line 1 is not JSON" in line(refused.stderr)
    assert eyes("publish", str(broken), "--device", "x", "--raw", env=env).returncode == 0
    listed = shown(env, "quarantine", "list", having="malformed_json")
    listed = shown(env, "quarantine", "list", "--reason", "schema", having="[/bold]")
    assert "malformed_json" not in listed
    assert "[/bold]" in shown(env, "tail", "quarantine", "-F", having="schema")
    (identifier,) = re.findall(r"[0-9a-f-]{36}", listed)
    assert eyes("quarantine", "show", identifier, "--raw", env=env).stdout == bad
    assert "[/bold]" in eyes("quarantine", "show", identifier, env=env).stdout
    again = eyes("quarantine", "retry", identifier, env=env)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith(f"published {len(bad)} bytes on eyes/v1/{env['EYES_SITE']}/x/observations at ")
    unknown = eyes("quarantine", "show", ID, env=env)
    assert unknown.returncode == 1
    assert f"nothing with id {ID}" in line(unknown.stderr)


@pytest.mark.servers
def test_publish_tells_what_became_of_each_line(env: dict[str, str]) -> None:
    answer = eyes("publish", "-", "--device", "x", env=env, said="{}\n\n[]\n")
    assert answer.returncode == 0
    unheard = f"accepted, but nobody listens: is `eyes ingest` running? eyes/v1/{env['EYES_SITE']}/x/observations"
    assert answer.stdout.splitlines() == [f"line 1: {unheard}", f"line 3: {unheard}"]
    forbidden = eyes("publish", "-", "--topic", "eyes/_session/x", env=env, said="{}")
    assert forbidden.returncode == 1
    assert forbidden.stdout == "line 1: refused (Not authorized) eyes/_session/x\n"
    assert line(forbidden.stderr) == "eyes: the broker refused 1 of 1 messages"


@pytest.mark.servers
def test_a_wall_clock_is_not_fed_yesterdays_data(env: dict[str, str], tmp_path: Path) -> None:
    recording = tmp_path / "recorded.ndjson"
    topic = f"eyes/v1/{env['EYES_SITE']}/x/observations"
    reading: dict[str, Any] = {"property": "flow", "value": 1.0, "time": "2026-07-06T00:00:00Z"}
    recording.write_text(json.dumps({"topic": topic, "payload": reading, "at": "2026-07-06T00:00:00Z"}))
    answer = eyes("feed", "replay", str(recording), env=env)
    assert answer.returncode == 1
    assert "this stack runs on wall time" in line(answer.stderr)
    sent = tmp_path / "sent.ndjson"
    fed = eyes("feed", "replay", str(recording), "--as-now", "--sent", str(sent), env=env)
    assert fed.returncode == 0, fed.stderr
    report = json.loads(fed.stdout.splitlines()[-1])
    assert (report["sent"], report["messages"]) == (1, 1)
    assert json.loads(sent.read_text())["value"] == 1.0
