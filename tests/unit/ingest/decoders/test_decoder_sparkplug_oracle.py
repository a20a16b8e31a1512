"""Against pysparkplug, an independent implementation, in an environment of its own below set-up's cache."""

import base64
import fcntl
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from sparkplug_kit import T0, message, payload

from ingest.decoders.base import Message
from ingest.decoders.sparkplug.decoder import SparkplugB
from ingest.decoders.sparkplug.wire import MESSAGES, parse, scalar
from ingest.messages import Kind
from ops.setup.layout import cache_dir, content_key

NEEDS = ("pysparkplug==0.6.1", "paho-mqtt==1.6.1", "protobuf==6.33.1")
SCRIPT = Path(__file__).with_name("sparkplug_oracle.py")


def _environment() -> Path:
    """The oracle's Python, made on first use; a half-made one is thrown away."""
    key = content_key(*NEEDS, sys.version, sys.base_prefix)
    home = cache_dir() / f"oracle-{key}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "oracle.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / ".complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            venv.create(home, with_pip=True)
            command = [
                home / "bin" / "python",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                *NEEDS,
            ]
            made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
            if made.returncode != 0:
                shutil.rmtree(home, ignore_errors=True)
                pytest.skip(f"pysparkplug cannot be installed here: {made.stderr.strip()[-300:]}")
            (home / ".complete").touch()
    return home / "bin" / "python"


def _ask(python: Path, *arguments: str) -> Any:
    return json.loads(subprocess.check_output([python, SCRIPT, *arguments], text=True, timeout=60))


@pytest.fixture(scope="module")
def oracle_python() -> Path:
    return _environment()


@pytest.fixture(scope="module")
def oracle(oracle_python: Path) -> Any:
    return _ask(oracle_python)


def test_every_datatype_has_the_value_that_was_sent(oracle: Any) -> None:
    assert len(oracle["values"]) == 15
    for case in oracle["values"]:
        birth = parse(base64.b64decode(case["birth"]))
        data = parse(base64.b64decode(case["data"]))
        datatype = birth.metrics[0].datatype
        assert not data.metrics[0].datatype
        assert scalar(birth.metrics[0], datatype) == case["value"]
        assert scalar(data.metrics[0], datatype) == case["value"]
        assert type(scalar(birth.metrics[0], datatype)) is type(case["value"])


def test_a_session_is_understood(oracle: Any) -> None:
    decoder = SparkplugB()
    said = [decoder.decode(message(kind, base64.b64decode(data), device)) for kind, device, data in oracle["session"]]
    assert [one.refusal for one in said] == [None] * 7
    assert [one.requests for one in said] == [()] * 7
    assert [one.reports[0].kind for one in said] == [
        Kind.BIRTH,
        Kind.BIRTH,
        Kind.TELEMETRY,
        Kind.TELEMETRY,
        Kind.TELEMETRY,
        Kind.DEATH,
        Kind.DEATH,
    ]
    readings = [[(m.observed_property, m.value) for m in one.reports[0].measurements] for one in said]
    assert readings == [
        [("online", 1.0)],
        [("online", 1.0), ("pressure", 250_000.0), ("fault", 0.0)],
        [("pressure", 350_000.0), ("fault", 1.0)],
        [],
        [("pressure", 150_000.0)],
        [("online", 0.0)],
        [("online", 0.0)],
    ]
    assert [one.device for one in said[-1].reports] == ["works/plc1", "works/plc1/d"]
    state = SparkplugB().decode(Message("spBv1.0/STATE/h", oracle["state"][0].encode(), 0))
    assert (state.reports[0].online, state.reports[0].time_ms) == (True, T0)


def test_our_wish_for_a_rebirth_is_understood(oracle_python: Path) -> None:
    (request,) = SparkplugB().decode(message("NDATA", payload(4, {"alias": 1, "int_value": 1}))).requests
    understood = _ask(oracle_python, base64.b64encode(request.payload).decode())["understood"]
    assert understood == [["Node Control/Rebirth", True, "BOOLEAN"]]


def test_the_fields_we_do_not_read_are_kept_when_written_again(oracle: Any) -> None:
    for case in oracle["values"]:
        raw = base64.b64decode(case["birth"])
        assert MESSAGES["Payload"].FromString(raw).SerializeToString() == raw
