"""Value templates; where Jinja itself renders a form, it is the oracle."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from ingest.decoders.ha_functions import UNDEFINED, TemplateFaultError
from ingest.decoders.ha_template import Template
from tests.examples import examples

VALUE = {"a": {"b": [3, 4]}, "t": 21.46, "n": "17", "s": "On", "z": None, "f": False}

AS_JINJA = [
    "{{ value_json.t }}",
    "{{ value_json['a'].b[1] }}",
    "{{value_json.a.b[-1]+1}}",
    "{{ value_json.t | round(1) }}",
    "{{ (value_json.t * 2 - 1) / 4 }}",
    "{{ value_json.t // 2 }} {{ value_json.t % 4 }} {{ -value_json.t }}",
    "{{ value_json.n | int * 10 }}",
    "{{ value_json.n | float + 0.5 }}",
    "{{ value_json.missing | default('x') }}",
    "{{ value_json.missing }}|",
    "{{ 'yes' if value_json.f else 'no' }}",
    "{{ 'yes' if value_json.t > 20 and not value_json.f or false }}",
    "{% if value_json.s == 'On' %}1{% elif value_json.t %}2{% else %}3{% endif %}",
    "{% if value_json.q is defined %}1{% else %}0{% endif %}",
    "{% set x = value_json.t %}{{ x + 1 }}",
    "{{ value_json.s | lower }}{{ value_json.s|upper }}",
    "{{ value_json.s.lower() }}{{ value[1:3] }}",
    "{{ {'On': 'A', 'Off': 'B'}[value_json.s] }}",
    "{{ value_json.get('t', 3) }}{{ value_json.get('q', 3) }}",
    "{{ value_json.s in ['On', 'Off'] }} {{ 3 not in value_json.a.b }}",
    "{{ value_json.a.b | length }} {{ value_json.a.b | first }} {{ value_json.a.b | last }}",
    "{{ 'a' ~ value_json.t ~ 'b' }}",
    "{{ value.split(',')[0] }}",
    "{{ value_json.z is none }} {{ value_json.z }}",
    "{{ 1 < 2 < 3 }}{{ value_json.f }}",
    "{{ value | replace('\"', '') | trim }}",
    "text",
    "{# nothing #}",
]


@pytest.mark.parametrize("text", AS_JINJA)
def test_common_forms_mean_what_jinja_means(text: str) -> None:
    value = json.dumps(VALUE)
    expected = Environment().from_string(text).render(value=value, value_json=VALUE).strip()
    assert Template(text).render(value, VALUE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ value_json.x | float(7) }}", "7"),
        ("{{ float(value_json.n) }}", "17.0"),
        ("{{ value_json.n | multiply(0.1) }}", "1.7000000000000002"),
        ("{{ value_json.s | bool }}", "True"),
        ("{{ value_json.f | iif('a', 'b') }}", "b"),
        ("{{ is_number(value_json.n) }}", "True"),
        ("{{ value_json.t | is_defined }}", "21.46"),
        ("{{ value_json.x.y.z }}", ""),
        ("{{ 'ff' | int(0, 16) }}", "255"),
        ("{{ 6 | bitwise_and(3) }}", "2"),
    ],
)
def test_forms_of_home_assistant(text: str, expected: str) -> None:
    assert Template(text).render("", VALUE) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{% for x in range(9) %}{% endfor %}",
        "{{ states('sensor.x') }}",
        "{{ value.__class__ }}{{ range(99) }}",
        "{{ value | pprint }}",
        "{{ value.format(1) }}",
        "{{ value is divisibleby(3) }}",
        "{{ 9 ** 9 }}",
        "{% macro m() %}{% endmacro %}",
        "{{ value_json.get(*value) }}",
        "{% include 'x' %}",
        "{{ ",
        "{{ 1 " + "+ 1" * 300 + " }}",
        "{{ " + "(" * 1500 + "1" + ")" * 1500 + " }}",
        "x" * 5000,
    ],
)
def test_anything_else_is_not_evaluated(text: str) -> None:
    with pytest.raises(TemplateFaultError):
        Template(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ value | float }}",
        "{{ 1 / 0 }}",
        "{{ value * 9 }}",
        "{{ value[::2] }}",
        "{{ value_json.t | round(1, 'ceil') }}",
        "{{ value > 3 }}",
    ],
)
def test_a_template_fails_on_a_value(text: str) -> None:
    with pytest.raises(TemplateFaultError):
        Template(text).render("abc", VALUE)


def test_attributes_of_python_cannot_be_reached() -> None:
    assert (
        Template("{{ value.__class__.__mro__ }}{{ value_json.keys }}{{ value_json.a.append }}").render("x", {"a": []})
        == ""
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ value ~ value ~ value }}", "result too long"),
        ("{{ value + value }}", "result too long"),
        ("{{ value | replace('a', value) }}", "replacement too long"),  # refused before it is made
    ],
)
def test_results_are_bounded(text: str, why: str) -> None:
    with pytest.raises(TemplateFaultError, match=why):
        Template(text).render("a" * 40_000, UNDEFINED)


@settings(max_examples=examples(300), deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(
            [
                *"(){}[]|.+-*/%~<>=!,:'\"",
                " ",
                "{{",
                "}}",
                "{%",
                "%}",
                "if",
                "else",
                "endif",
                "set",
                "value",
                "value_json",
            ]
        )
        | st.sampled_from(
            ["round", "float", "int", "is", "not", "defined", "1", "0.5", "'a'", "in", "and", "get", "x"]
        ),
        max_size=24,
    ),
    value=st.text(max_size=12),
    value_json=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda i: st.lists(i) | st.dictionaries(st.text(max_size=2), i),
        max_leaves=5,
    ),
)
def test_any_template_on_any_value(parts: list[str], value: str, value_json: Any) -> None:
    try:
        made = Template("".join(parts)).render(value, value_json)
    except TemplateFaultError:
        return
    assert len(made) <= 65_536


def test_work_is_bounded_by_the_template() -> None:
    text = "{{ " + " ~ ".join(["(value | replace('b', 'c'))"] * 90) + " }}"
    with pytest.raises(TemplateFaultError):
        Template(text).render("ab" * 30_000, None)
