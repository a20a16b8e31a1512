"""The pages of the detectors: the example runs, every detector has one, and their numbers are the code's."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
from state_kit import slot
from street_kit import facility

from processors.correlators import ALL as CORRELATORS
from processors.detectors import ALL, CANDIDATES, counters, leak_judge, leak_life, leak_steps
from processors.engine.driver import PipelineTestDriver
from processors.engine.frontier import BLIND_CADENCES
from schemas.rules import PARAMETERS

FOLDER = Path(__file__).parents[3] / "docs" / "processors"


def page(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_the_example_of_how_to_write_one_runs_as_it_stands() -> None:
    detector, test = re.findall(r"```python\n(.*?)```", page("writing-one"), re.DOTALL)
    names: dict[str, Any] = {"PipelineTestDriver": PipelineTestDriver, "facility": facility, "__name__": "example"}
    exec(compile(detector, "writing-one.md", "exec"), names)
    exec(compile(test, "writing-one.md", "exec"), names)
    driver = names["driver"]
    assert driver.quarantined == []
    made = names["BinDetector"]()
    data = slot(driver.fold, "segment:1").snapshot()
    assert made.snapshot(made.restore("segment:1", data)) == data


def test_the_driver_needs_but_a_few_lines() -> None:
    _, test = re.findall(r"```python\n(.*?)```", page("writing-one"), re.DOTALL)
    assert len(test.splitlines()) <= 6


def test_every_detector_has_a_page_that_names_what_it_says() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {"writing-one"} | {
        one.name for one in (*ALL, *CANDIDATES, *CORRELATORS)
    }


LEAKS = {"leak", "pipe_leak"}  # told by what they compute, in sections of their own


@pytest.mark.parametrize("name", sorted({one.name for one in (*ALL, *CANDIDATES, *CORRELATORS)} - LEAKS))
def test_a_page_tells_inputs_state_rule_limits_and_sources_and_shows_a_case(name: str) -> None:
    text = page(name)
    for part in (
        r"\*\*Hears\*\*",
        r"\*\*(State|Remembers)\*\*|^## State",
        r"\*\*Says\*\*",
        r"\*\*Limits\*\*|^## Limits",
    ):
        assert re.search(part, text, re.MULTILINE), part
    assert re.search(r"\| source \||^## Sources|\*\*Sources\*\*|Sources: |their sources in", text, re.MULTILINE)
    picture = re.search(r"!\[[^]]+\]\((\w+\.svg)\)", text)
    assert picture is not None
    assert (FOLDER / picture[1]).exists()
    assert re.search(r"`(python -m ops\.plots|eyes score novelty [^`]*--plot) ", text), "what draws it"


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("silence", [BLIND_CADENCES]),
        ("counters", [counters.GAP_MIN_S, counters.GAP_INTERVALS, counters.SPAN_MIN_MS, counters.ROLL_MAX_M3_H]),
        ("leak", [leak_judge.PATTERN_LIMIT, leak_judge.INFLOW_LIMIT, leak_life.WARM_UP_MS // 3_600_000]),
        ("leak", [leak_steps.DELAY_MS // 60_000, leak_steps.PATIENCE_MS // 60_000, leak_life._PATIENCE]),
    ],
)
def test_the_numbers_of_a_page_are_those_of_the_code(name: str, numbers: list[float]) -> None:
    for number in numbers:
        assert any(_has(line, number) for line in rows(name)), number


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_row_of_the_page_names_every_parameter_of_its_rules_and_its_default(name: str) -> None:
    rule, parameter = PARAMETERS[name]
    if rule.family is None:
        named = [line for line in rows(rule.processor) if f"`{name}`" in line]
    else:  # a row for all of them, and one for each property that has defaults of its own
        of_all = f"`{rule.family}_PROPERTY.{parameter.name}`"
        of_one = f"`{name.partition('.')[0].removeprefix(rule.family + '_')}`"
        named = [line for line in rows(rule.processor) if of_all in line or (of_one in line and rule.in_force)]
    assert named
    assert any(math.isinf(parameter.default) or _has(line, parameter.default) for line in named)


def rows(name: str) -> list[str]:
    return [line for line in page(name).splitlines() if line.startswith("|")]


def _has(line: str, number: float) -> bool:
    return re.search(rf"(?<![\d.]){re.escape(f'{number:g}')}(?![\d.]\d)", line) is not None
