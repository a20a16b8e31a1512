"""``eyes verify`` names the first event that differs, and a range of time is a range of time."""

import json
from pathlib import Path

import pytest
from replay_kit import DAY, HOUR, T0, ZONES, Past

from processors.engine.outputs import outgoing
from schemas.model import format_rfc3339, from_ms
from schemas.topics import ANOMALIES
from tests.servers import TestStack

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]


def test_what_differs_first_is_shown_unless_it_lies_outside_of_the_range(stack: TestStack, tmp_path: Path) -> None:
    past = Past.on(stack, tmp_path)
    past.live(1)
    assert past.eyes("verify").returncode == 0
    invented = []
    for hour, zone in ((9, ZONES[1]), (7, ZONES[0])):  # the partition of the later one is looked at first
        said = past.streets[zone].findings[0].model_copy(update={"at": from_ms(T0 + hour * HOUR)})
        invented.append(outgoing(said, f"/{past.settings.site}/process").value)
        past.write(zone, invented[-1:], ANOMALIES)
    answer = past.eyes("verify")
    assert answer.returncode == 1
    told = answer.stdout
    assert f"What differs first, at {format_rfc3339(from_ms(T0 + 7 * HOUR))}:" in told
    flat = "".join(told.split())
    first, second = (flat.index("".join(f"unexplained: {value.decode()}".split())) for value in reversed(invented))
    assert first < second
    figures = json.loads(past.eyes("verify", "--json").stdout)
    assert (figures["unexplained"], figures["missing"], figures["good"]) == (2, 0, False)
    elsewhere = ("--from", format_rfc3339(from_ms(T0)), "--to", format_rfc3339(from_ms(T0 + 7 * HOUR)))
    assert past.eyes("verify", *elsewhere).returncode == 0
    assert past.eyes("verify", "--from", format_rfc3339(from_ms(T0 + DAY))).returncode == 0
    assert past.eyes("verify", "--from", format_rfc3339(from_ms(T0 + 8 * HOUR))).returncode == 1
