"""The tables of kinds, classes and properties are whole, and the pages name what is in them."""

import re
from pathlib import Path

import pytest

from schemas.anomaly import KINDS, AnomalyKind, Severity
from schemas.facility import Activity, FacilityClass

REGISTRY = Path(__file__).parents[3] / "docs" / "registry.md"
OWN = {"0192", "0196", "0284", "0496"}
"""Codes of one city; all others are of the standard."""


@pytest.mark.parametrize("kind", AnomalyKind)
def test_a_kind_has_a_label_in_both_languages_a_severity_and_a_code_or_none(kind: AnomalyKind) -> None:
    info = KINDS[kind]
    assert re.fullmatch(r"[a-z][a-z ,-]+", info.label)
    assert re.fullmatch(r"[\u4e00-\u9fff]+", info.label_zh)
    assert info.matter is None or re.fullmatch(r"\d{4}", info.matter)
    assert info.matter is None or int(info.matter[2:]) < 80 or info.matter in OWN  # local ones count down from 99
    assert kind.value == kind.name.lower()


def test_no_two_kinds_are_called_alike() -> None:
    assert len(KINDS) == len(AnomalyKind)
    for labels in ([info.label for info in KINDS.values()], [info.label_zh for info in KINDS.values()]):
        assert len(set(labels)) == len(labels)


def test_what_a_device_suffers_from_is_no_case_of_the_street() -> None:
    of_devices = {kind for kind in AnomalyKind if kind.value.startswith(("device_", "property_", "gateway_"))}
    assert {KINDS[kind].matter for kind in of_devices} == {None}
    assert Severity.CRITICAL not in {KINDS[kind].severity for kind in of_devices}


@pytest.mark.parametrize(
    ("column", "choices"), [("facility_class", set(FacilityClass)), ("activity", set(Activity.__args__))]
)
def test_the_page_of_the_registry_names_every_choice(column: str, choices: set[str]) -> None:
    row = next(line for line in REGISTRY.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{column}`"))
    assert set(re.findall(r"`(\w+)`", row)) - {column, "zone"} == choices
