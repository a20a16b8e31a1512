"""Every panel's query and every alert's expression, on the real servers."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import psycopg
import pytest

from ops.database.migrate import connect, migrate
from ops.grafana import operators, sre
from ops.grafana.panels import Panel
from ops.setup.layout import layout
from runtime.settings import DatabaseSettings

pytestmark = pytest.mark.servers

RULES = Path("ops/prometheus/eyes.rules.yml").resolve()

_MACROS = (
    (r"\$__timeFilter\(([^)]+)\)", r"\1 BETWEEN now() - INTERVAL '7 days' AND now()"),
    (r"\$__timeGroupAlias\(([^,]+),\s*'([^']+)'\)", r"time_bucket('\2', \1) AS time"),
)


def expand(sql: str) -> str:
    """The query as Grafana sends it; a macro that is not listed here fails the test."""
    for pattern, replacement in _MACROS:
        sql = re.sub(pattern, replacement, sql)
    assert "$__" not in sql, sql
    return sql


@pytest.fixture(scope="module")
def database(stack: Any) -> Iterator[DatabaseSettings]:
    with stack.fresh_database() as settings:
        with connect(settings) as connection:
            migrate(connection)
        yield settings


@pytest.mark.parametrize("panel", operators.PANELS, ids=lambda panel: panel.title)
def test_every_operators_panel_runs(panel: Panel, database: DatabaseSettings) -> None:
    assert database.password is not None
    password = database.password.get_secret_value()
    with psycopg.connect(database.dsn, password=password) as connection:
        connection.execute(expand(panel.sql).encode()).fetchall()


@pytest.mark.parametrize("panel", sre.PANELS, ids=lambda panel: panel.title)
def test_every_sre_panel_runs(panel: Panel, stack: Any) -> None:
    for expression in panel.promql.values():
        assert query(stack, expression)["status"] == "success", expression


def test_every_alert_is_loaded_and_runs(stack: Any) -> None:
    groups = get(stack, "rules")["data"]["groups"]
    rules = [rule for group in groups if group["name"] == "digital-eyes" for rule in group["rules"]]
    assert {rule["name"] for rule in rules} >= {"EyesTargetDown", "EyesTimeStopped", "EyesQuarantineSpike"}
    for rule in rules:
        assert query(stack, rule["query"])["status"] == "success", rule["name"]


def test_promtool_finds_nothing_to_complain_about() -> None:
    checked = subprocess.run(
        [str(layout().servers / "usr/bin/promtool"), "check", "rules", str(RULES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def query(stack: Any, expression: str) -> Any:
    return get(stack, f"query?query={quote(expression)}")


def get(stack: Any, path: str) -> Any:
    settings = stack.settings.stack
    with urlopen(f"http://{settings.host}:{settings.prometheus_port}/api/v1/{path}") as answer:
        return json.load(answer)
