"""Compiled modules are those of just these sources, and say what their sources say."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.setup import compiled as setup
from ops.setup.console import Progress, SetupError
from ops.setup.layout import Layout
from runtime import compiled

CHECKOUT = Path(__file__).parents[3]
TELL = """
import hashlib
from ops.score.street.drive import Driver
from ops.simulate.city.city import City
from processors.engine import calm
from processors.engine.snapshot import SHARDS
from runtime.compiled import is_compiled

driver = Driver(City(4, 60, 1, 2.0), tick_ms=20_000)
said = driver.run()
told = hashlib.sha256()
for finding in said.findings:
    told.update(finding.model_dump_json().encode())
for shard in range(SHARDS):
    told.update(driver._fold.snapshot(shard, 0))
print(is_compiled(calm), said.poison, len(said.findings), told.hexdigest())
"""

NETWORK = """
import hashlib
from ops.score.driven import Driven, rows
from processors.leak import hush
from processors.leak.network import sensors_of
from runtime.compiled import is_compiled
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, burst, readings
from tests.unit.processors.test_leak_plain import AT, DAYS, behind_a_tank, with_tank

network = with_tank()
driven = Driven(network)
values = behind_a_tank(readings(network, DAYS, [(7, burst(DAYS, AT, 6.0))]), AT)
assert values.shape[1] == len(sensors_of(network))
driven.live(rows(network, values, FIRST))
driven.close()
told = hashlib.sha256(driven.detector.snapshot(driven.state))
for finding in driven.findings:
    told.update(finding.model_dump_json().encode())
print(is_compiled(hush), 0, len(driven.findings), told.hexdigest())
"""


def lies_there() -> bool:
    return compiled.place(CHECKOUT, Path(sys.prefix)).is_dir()


needs_compiled = pytest.mark.skipif(not lies_there(), reason="set-up found no C compiler or no headers of Python here")


def story(switch: str, tell: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", tell],
        env={**os.environ, compiled.SWITCH: switch},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@needs_compiled
@pytest.mark.parametrize("tell", [TELL, NETWORK], ids=["a day of a city", "two weeks of a water network"])
def test_what_is_said_is_the_same_byte_by_byte_compiled_or_not(tell: str) -> None:
    with_c, without = story("1", tell), story("0", tell)
    assert (with_c[0], without[0]) == ("True", "False")
    assert int(with_c[2]) > 0, "nothing was found: it proves nothing"
    assert with_c[1:] == without[1:]


def test_every_module_that_is_compiled_is_there_as_a_source() -> None:
    named = compiled.sources(CHECKOUT)
    assert "processors.engine.calm" in named
    assert all(file.is_file() for files in named.values() for file in files)


@pytest.mark.parametrize("ending", [".py", ".pxd"])
def test_other_sources_lie_elsewhere(tmp_path: Path, ending: str) -> None:
    for name in ("a", "b"):
        for kind in (".py", ".pxd"):
            file = tmp_path / "processors" / f"{name}{kind}"
            file.parent.mkdir(exist_ok=True)
            file.write_text("x = 1\n")
    before = compiled.place(tmp_path, tmp_path)
    assert compiled.place(tmp_path, tmp_path) == before
    (tmp_path / "processors" / f"b{ending}").write_text("x = 2\n")
    assert compiled.place(tmp_path, tmp_path) != before


def test_what_is_not_there_is_left_to_its_source(tmp_path: Path) -> None:
    (tmp_path / f"some.module{compiled.SUFFIX}").write_bytes(b"")
    finder = compiled.Finder(tmp_path)
    found = finder.find_spec("some.module", None)
    assert found is not None
    assert found.origin == str(tmp_path / f"some.module{compiled.SUFFIX}")
    assert finder.find_spec("some.other", None) is None


def test_without_a_compiler_set_up_is_done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = Layout(tmp_path, tmp_path)
    monkeypatch.setenv("CC", "false")
    assert setup.compiler() == []
    assert setup.is_compiled(here)
    monkeypatch.setenv("CC", "no-such-compiler-anywhere")
    assert setup.is_compiled(here)


def python_of(checkout: Path) -> Path:
    """Put a Python into the environment of a checkout: this one."""
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


ADD = """
import sys
from pathlib import Path
from runtime.compiled import Finder

sys.meta_path.insert(0, Finder(Path(sys.argv[1])))
from processors.sums import total

print(total(2, 3))
try:
    total("a", "b")
except TypeError:
    print("numbers only")
"""


@needs_compiled
def test_set_up_compiles_what_is_there_and_throws_away_what_was(tmp_path: Path) -> None:
    package, python = tmp_path / "processors", python_of(tmp_path)
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sums.py").write_text("def total(one, other):\n    return one + other\n")
    (package / "sums.pxd").write_text("cpdef long long total(long long one, long long other)\n")
    here = Layout(tmp_path / "cache", tmp_path)
    before = here.venv / "compiled" / "before"
    before.mkdir(parents=True)
    assert not setup.is_compiled(here)
    setup.compile_modules(here, Progress("test"))
    target = compiled.place(tmp_path, here.venv)
    assert setup.is_compiled(here)
    assert not before.exists()
    assert [file.name for file in target.iterdir()] == [f"processors.sums{compiled.SUFFIX}"]
    told = subprocess.run(
        [sys.executable, "-c", ADD, str(target)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), compiled.SWITCH: "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split("\n")[:2] == ["5", "numbers only"]
    python.write_text("no Python")
    shutil.rmtree(target)
    setup.compile_modules(here, Progress("test"))
    assert setup.is_compiled(here), "another checkout of these sources takes what is there"


@needs_compiled
def test_a_module_that_cython_does_not_understand_is_named(tmp_path: Path) -> None:
    here = Layout(tmp_path, tmp_path)
    python_of(tmp_path)
    (tmp_path / "processors").mkdir()
    (tmp_path / "processors" / "odd.py").write_text("def odd(:\n")
    (tmp_path / "processors" / "odd.pxd").write_text("")
    with pytest.raises(SetupError, match=r"processors\.odd"):
        setup.compile_modules(here, Progress("test"))
    assert not setup.is_compiled(here)
