"""What can be seen of purity without running anything: imports, and loops over what has no order."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import processors.detectors
import processors.leak
import processors.novelty

FOLDER = Path(processors.detectors.__file__).parent
CORES = (processors.leak, processors.novelty)
CORRELATORS = FOLDER.parent / "correlators" / "gateway.py"
MODULES = sorted(
    (
        *FOLDER.rglob("*.py"),
        *(module for core in CORES for module in Path(core.__file__).parent.rglob("*.py")),
        CORRELATORS,
    )
)
CLIENTS = {
    "kafka",
    "paho",
    "psycopg",
    "prometheus_client",
    "structlog",
    "requests",
    "httpx",
    "runtime",
    "ingest",
    "ops",
}
WORLD = {"os", "io", "sys", "pathlib", "socket", "subprocess", "threading", "asyncio", "logging", "tempfile", "shutil"}
CHANCE = {"time", "random", "secrets", "zoneinfo"}
FORBIDDEN = CLIENTS | WORLD | CHANCE
FORBIDDEN_NAMES = {"uuid.uuid1", "uuid.uuid4", "numpy.random"}
FORBIDDEN_ATTRIBUTES = {"uuid1", "uuid4", "now", "utcnow", "today", "default_rng", "urandom", "random"}
FORBIDDEN_CALLS = {"open", "print", "input", "id", "hash", "eval", "exec", "vars", "globals"}
OURS = {
    "schemas",
    "processors.engine.contract",
    "processors.engine.kept",
    "processors.detectors",
    "processors.leak",
    "processors.novelty",
}
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_set(node: ast.AST, names: frozenset[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp() | ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Name(id=name):
            return name in names
        case ast.Call(func=ast.Attribute(attr=method, value=value)):
            return method in SET_METHODS and is_set(value, names)
        case ast.BinOp(left=left, right=right, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return is_set(left, names) or is_set(right, names)
        case _:
            return False


def sets_by_name(tree: ast.AST) -> frozenset[str]:
    """Names that are given a set somewhere in the module; enough for the small modules that detectors are."""
    names: set[str] = set()
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign) and is_set(node.value, frozenset(names)):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and value is not None:
            names |= {node.target.id} if is_set(value, frozenset(names)) else set()
    return frozenset(names)


def leaks_order(tree: ast.AST) -> Iterator[int]:
    """Lines where the order of a set could get out: loops, and what makes a sequence without sorting it."""
    names = sets_by_name(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension):
            ordered: list[ast.AST] = [node.iter]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            makes_sequence = node.func.id in {"list", "tuple", "iter", "next", "enumerate", "zip", "map", "sum", "fsum"}
            ordered = list(node.args) if makes_sequence else []
        elif isinstance(node, ast.Starred):
            ordered = [node.value]
        else:
            continue
        for candidate in ordered:
            if is_set(candidate, names):
                yield candidate.lineno  # type: ignore[attr-defined]


def in_sorted(tree: ast.AST) -> set[int]:
    """Lines of generators that a ``sorted`` (or another that asks for no order) takes up at once."""
    return {
        generator.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in {"sorted", "set", "frozenset", "any", "all", "min", "max"}
        for generator in node.args
        if isinstance(generator, ast.GeneratorExp)
    }


def offences(source: str) -> list[str]:
    tree = ast.parse(source)
    found = []
    for name in imported(tree):
        root = name.partition(".")[0]
        if root in FORBIDDEN or any(name == one or name.startswith(f"{one}.") for one in FORBIDDEN_NAMES):
            found.append(f"imports {name}")
        if root == "processors" and not any(name.startswith(f"{ours}.") for ours in OURS):
            found.append(f"imports {name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES:
            found.append(f"line {node.lineno}: .{node.attr}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            found.append(f"line {node.lineno}: {node.func.id}()")
    found += [f"line {line}: order of a set" for line in leaks_order(tree) if line not in in_sorted(tree)]
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_detector_knows_no_world_no_chance_and_no_order_of_sets(module: Path) -> None:
    assert offences(module.read_text(encoding="utf-8")) == []


def test_there_are_modules_to_look_at() -> None:
    assert {"cover.py", "detector.py", "surface.py", "silence.py", "clock.py", "leak.py", "common.py"} <= {
        m.name for m in MODULES
    }


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from random import choice",
        "import secrets as s",
        "from uuid import uuid4",
        "import uuid\nuuid.uuid4()",
        "import numpy as np\nnp.random.default_rng()",
        "from datetime import datetime\ndatetime.now()",
        "from kafka import KafkaConsumer",
        "from processors.engine.kafka_adapter import KafkaSink",
        "from processors.engine import composed",
        "from runtime.settings import Settings",
        "open('x')",
        "hash('x')",
        "for x in {1, 2}:\n    pass",
        "y = [x for x in set(z)]",
        "y = list({x for x in z})",
        "a = {1, 2}\nfor x in a:\n    pass",
        "a: set[int] = set()\ny = tuple(a | b)",
        "y = [*set(z)]",
        "y = sum({0.1, 0.2})",
    ],
)
def test_an_offence_is_seen(source: str) -> None:
    assert offences(source)


@pytest.mark.parametrize(
    "source",
    [
        "from uuid import UUID, uuid5",
        "import numpy as np\nnp.sort(x)",
        "y = x in {1, 2}",
        "for x in sorted({1, 2}):\n    pass",
        "y = sorted(f(x) for x in set(z))",
        "from processors.engine.contract import Clock",
        "from processors.detectors.common import Turn",
        "y = {1: 2}\nfor x in y:\n    pass",
    ],
)
def test_what_is_allowed_is_allowed(source: str) -> None:
    assert offences(source) == []
