import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.meaning.values import amount, flag, ucum
from schemas.units import UNITS


@pytest.mark.parametrize(
    ("said", "value", "unit"),
    [
        (30, 30.0, None),
        ("1700 mm", 1700.0, "mm"),
        ("25 ℃", 25.0, "Cel"),
        ("-3.5e-2V", -0.035, "V"),
        ("0 °", 0.0, "deg"),
        ("24 hours", 24.0, "h"),
        ("7 quux", 7.0, ""),
        (".5", 0.5, None),
    ],
)
def test_a_number_and_what_is_written_behind_it(said: Any, value: float, unit: str | None) -> None:
    assert amount(said) == (value, unit)


@pytest.mark.parametrize(
    "said", ["No Sensor", "", "null", "1 2", "1" * 500, "1e999", math.nan, math.inf, True, None, [1], 10**400]
)
def test_what_is_no_number(said: Any) -> None:
    found = amount(said)
    assert found is None or found.unit == ""


@pytest.mark.parametrize(
    ("said", "code"),
    [("°C", "Cel"), ("kpa", "kPa"), ("KWH", "kWh"), ("mbar", "mbar"), ("MW", "MW"), ("mW", "mW"), ("m³/h", "m3/h")],
)
def test_units_as_people_spell_them(said: str, code: str) -> None:
    assert ucum(said) == code


def test_what_may_be_either_is_neither() -> None:
    assert ucum("Mw") is None  # milliwatts or megawatts
    assert ucum("furlong") is None


@pytest.mark.parametrize("code", sorted(UNITS))
def test_every_code_is_itself(code: str) -> None:
    assert ucum(code) == code


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ON", True),
        ("off", False),
        (1, True),
        (0.0, False),
        ("1", True),
        ("Leak", True),
        (2, None),
        (0.5, None),
        ("maybe", None),
    ],
)
def test_flags(said: Any, meant: bool | None) -> None:
    assert flag(said, frozenset({"leak"}), frozenset({"noleak"})) is meant


@given(st.text(max_size=80))
def test_any_text_is_a_finite_number_or_none(said: str) -> None:
    found = amount(said)
    assert found is None or math.isfinite(found.value)
