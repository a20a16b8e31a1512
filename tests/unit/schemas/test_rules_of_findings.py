"""Every kind of finding has the rule by which it is made, or says why it has none."""

import json

import pytest

from schemas.anomaly import Anomaly, AnomalyKind
from schemas.rules import RULES
from schemas.rules.found import NO_RULE, rule_of

MAKERS = sorted({rule.processor for rule in RULES.values()})
BESIDE = {"beside"}
"""It decides whether another rule of the same kind makes a finding."""


@pytest.mark.parametrize("kind", AnomalyKind)
def test_a_kind_has_a_rule_or_says_why_none(kind: AnomalyKind) -> None:
    by = [rule for maker in MAKERS if (rule := rule_of(kind, maker)) is not None]
    assert bool(by) != bool(NO_RULE.get(kind))


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_is_that_of_its_kinds_where_it_is_the_only_one(name: str) -> None:
    rule = RULES[name]
    for kind in rule.kinds:
        rivals = [one.name for one in RULES.values() if one.processor == rule.processor and kind in one.kinds]
        said = rule_of(kind, rule.processor)
        assert said == name if len(rivals) == 1 else said in {rivals[0], rule.family}
        if rule.family is None and len(rivals) > 1 and not set(rivals) & BESIDE:
            assert kind is AnomalyKind.NO_STOPPING  # parking says which of the two


def test_another_detector_goes_by_another_rule_or_by_none() -> None:
    assert rule_of(AnomalyKind.DRAIN_HIGH, "cover") == "cover"
    assert rule_of(AnomalyKind.DRAIN_HIGH, "level") == "drain"
    assert rule_of(AnomalyKind.DEVICE_DRIFT, "health") == "drift"
    assert rule_of(AnomalyKind.DEVICE_DRIFT, "pipe_leak") is None


def test_a_finding_of_before_there_were_rules_in_it_is_still_read() -> None:
    old = """{"id": "00000000-0000-0000-0000-000000000001", "transition": "raised", "kind": "cover_open", "numbers": {},
        "severity": "critical", "zone": "z", "subject": "c", "place": {"lon": 113.85, "lat": 34.03}, "summary": "open",
        "since": "2026-03-01T00:00:00Z", "at": "2026-03-01T00:00:00Z", "detector": "cover", "detectorVersion": 1}"""
    assert Anomaly.model_validate_json(old).rule is None
    assert Anomaly.model_validate_json(json.dumps(json.loads(old) | {"rule": "cover"})).rule == "cover"
