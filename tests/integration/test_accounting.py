"""The account itself is tested: it must see what is lost, doubled or made up, or its word is worth nothing."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from ops.accounting import Account, account_for, match_truth, reckon, reckoning
from ops.database.migrate import connect, migrate
from runtime.settings import DatabaseSettings
from tests import warm
from tests.servers import TestStack

pytestmark = pytest.mark.servers

READING: dict[str, Any] = {
    "kind": "reading", "device": "d1", "property": "pressure", "identity": "a:b:1", "value": 5.0,
}  # fmt: skip
CAMERA: dict[str, Any] = {"kind": "camera", "device": "cam", "identity": "a:b:1"}


class Held:
    """A database that holds what a test says, and an account over it."""

    def __init__(self, settings: DatabaseSettings, folder: Path) -> None:
        self.settings = settings
        self.file = folder / "sent.ndjson"
        with connect(settings) as connection:
            migrate(connection)

    def run(self, statement: str, *values: object) -> None:
        password = self.settings.password
        assert password is not None
        with psycopg.connect(self.settings.dsn, password=password.get_secret_value()) as connection:
            connection.execute(statement, values)

    def reading(self, *, identity: str = "a:b:1", value: float = 5.0, hour: int = 1) -> None:
        self.run(
            "INSERT INTO series (device, observed_property, unit) VALUES ('d1', 'pressure', 'Pa') "
            "ON CONFLICT DO NOTHING"
        )
        self.run(
            "INSERT INTO observations (time, arrival_time, result, series_id, origin_id, quality, identity) "
            "SELECT %s::timestamptz, now(), %s, series_id, 1, 0, %s FROM series WHERE device = 'd1'",
            f"2026-03-02T{hour:02}:00:00Z",
            value,
            identity,
        )

    def of(self, observed_property: str, identity: str, at_ms: int) -> None:
        """A reading of another property of the same device."""
        self.run(
            "INSERT INTO series (device, observed_property, unit) VALUES ('d1', %s, 'x') ON CONFLICT DO NOTHING",
            observed_property,
        )
        self.run(
            "INSERT INTO observations (time, arrival_time, result, series_id, origin_id, quality, identity) "
            "SELECT timestamptz 'epoch' + %s::bigint * interval '1 millisecond', now(), 1, series_id, 1, 0, %s "
            "FROM series WHERE device = 'd1' AND observed_property = %s",
            at_ms,
            identity,
            observed_property,
        )

    def sighting(self, facility: str, hour: int = 1) -> None:
        self.run(
            "INSERT INTO camera_events (time, arrival_time, confidence, quality, present, stationary, device, "
            "facility, zone, phase, track, label, identity) "
            "VALUES (%s, now(), 1, 0, true, true, 'cam', %s, 'z', 'new', 't', 'car', 'a:b:1')",
            f"2026-03-02T{hour:02}:00:00Z",
            facility,
        )

    def quarantined(self, payload: bytes, *, reason: str = "malformed_json", device: str | None = None) -> None:
        self.run(
            "INSERT INTO quarantine (id, reason, field, detail, mqtt_topic, device, payload, payload_bytes, "
            "arrival_time, source) VALUES (gen_random_uuid(), %s, %s, '', %s, %s, %s, %s, now(), 'test')",
            reason,
            "pressure" if device else None,
            None if device else "t",
            device,
            payload,
            len(payload),
        )

    def account(self, *lines: dict[str, Any]) -> Account:
        self.file.write_text("".join(json.dumps({"n": n} | line) + "\n" for n, line in enumerate(lines)))
        return account_for(self.settings, self.file)


@pytest.fixture
def held(stack: TestStack, tmp_path: Path) -> Iterator[Held]:
    with stack.fresh_database() as settings:
        yield Held(settings, tmp_path)


def garbage(payload: bytes) -> dict[str, Any]:
    return {"kind": "garbage", "topic": "t", "sha256": hashlib.sha256(payload).hexdigest()}


def test_what_is_stored_once_and_what_repeats_it(held: Held) -> None:
    held.reading()
    held.sighting("kerb-1")
    held.sighting("kerb-2")  # one message that touches two places is no double
    account = held.account(READING, CAMERA, READING)
    assert (account.stored, account.identical, account.balanced) == (2, 1, True)


def test_a_lost_line_is_seen_and_named(held: Held) -> None:
    held.reading()
    account = held.account(READING, READING | {"identity": "a:b:2"}, CAMERA, garbage(b"{"))
    assert (account.stored, account.lost, account.balanced) == (1, 3, False)
    assert account.samples[0] == "lost: reading d1 pressure a:b:2"


def test_it_waits_as_long_as_something_arrives_and_no_longer(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    held.account(*(READING | {"identity": f"a:b:{number}"} for number in range(5)))
    now = count()  # each look a second after the one before, with one more reading until there are four
    second = [0]

    def sleep(_s: float) -> None:
        second[0] = next(now)
        if second[0] < 4:
            held.reading(identity=f"a:b:{second[0]}")

    monkeypatch.setattr(reckoning, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: float(second[0])))
    settled = reckon(held.settings, held.file, None, wait_s=3.0)
    assert (settled.account.stored, settled.account.lost, settled.good) == (4, 1, False)
    assert second == [3 + 3]

    held.reading(identity="a:b:4")
    assert reckon(held.settings, held.file, None, wait_s=0.0).good


def test_another_value_is_lost_unless_it_was_refused_by_name(held: Held) -> None:
    held.reading()
    other = READING | {"value": 6.0}
    assert held.account(READING, other).lost == 1
    held.quarantined(b'{"identity":"a:b:1","value":7.0}', reason="conflicting_duplicate", device="d1")
    assert held.account(READING, other).lost == 1  # a refusal of something else explains nothing
    held.quarantined(b'{"identity":"a:b:1","value":6.0}', reason="conflicting_duplicate", device="d1")
    account = held.account(READING, other)
    assert (account.conflicts, account.balanced) == (1, True)


def test_an_identity_stored_twice_is_seen(held: Held) -> None:
    held.reading()
    held.reading(hour=2)
    held.sighting("kerb-1")
    held.sighting("kerb-1", hour=2)
    account = held.account(READING, CAMERA)
    assert (account.doubled, account.balanced) == (2, False)


def test_a_row_nobody_sent_is_seen(held: Held) -> None:
    held.reading()
    held.reading(identity="a:b:9")
    account = held.account(READING)
    assert (account.phantom, account.balanced) == (1, False)


T0 = 1_772_409_600_123
COUNT: dict[str, Any] = {
    "kind": "reading", "device": "d1", "property": "pulse_count", "identity": "a::1", "value": 1.0,
}  # fmt: skip
DELTA = COUNT | {"property": "volume_delta", "identity": "a::3"}


def test_what_was_derived_from_what_is_stored_is_no_phantom(held: Held) -> None:
    held.of("pulse_count", "a::1", T0)
    held.of("pulse_count", "a::2", T0 + 1000)
    held.of("flow", f"d:{T0 + 1000}:{T0}:pulse_count@in:1", T0 + 1000)
    held.of("volume_delta", "a::3", T0 + 2000)
    held.of("flow", f"d:{T0 + 2000}:{T0 + 7}:volume_delta", T0 + 2000)  # its interval began when nothing was said
    account = held.account(COUNT, COUNT | {"identity": "a::2"}, DELTA)
    assert (account.derived, account.phantom, account.stored, account.balanced) == (2, 0, 3, True)


@pytest.mark.parametrize(
    "made_up",
    [
        f"d:{T0 + 1000}:{T0 + 1}:pulse_count",  # of a moment at which nothing was counted
        f"d:{T0 + 1001}:{T0}:pulse_count",
        f"d:{T0 + 1000}:{T0}:meter_reading",  # of a counter that the device does not have
        f"b:{T0 + 1000}:{T0}:pulse_count",
    ],
)
def test_what_follows_from_nothing_is_a_phantom(held: Held, made_up: str) -> None:
    held.of("pulse_count", "a::1", T0)
    held.of("pulse_count", "a::2", T0 + 1000)
    held.of("flow", made_up, T0 + 1000)
    account = held.account(COUNT, COUNT | {"identity": "a::2"})
    assert (account.derived, account.phantom, account.balanced) == (0, 1, False)


def test_garbage_is_matched_by_its_bytes_one_to_one(held: Held) -> None:
    held.quarantined(b"{")
    assert held.account(garbage(b"{")).quarantined == 1
    assert held.account(garbage(b"["), garbage(b"{")).lost == 1
    assert held.account(garbage(b"{"), garbage(b"{")).lost == 1  # set aside once, sent twice


def test_unknown_devices_are_set_aside(held: Held) -> None:
    held.run(
        "INSERT INTO unregistered (device, observed_property, identity, message_id, mqtt_topic, arrival_time, "
        "released, log_partition, log_offset) "
        "VALUES ('d1', 'pressure', 'a:b:1', gen_random_uuid(), 't', now(), false, 0, 0)"
    )
    account = held.account(READING, READING | {"identity": "a:b:2"})
    assert (account.unregistered, account.lost) == (1, 1)


# ------------------------------------------------------------------------------------------------ findings and truth

INCIDENT: dict[str, Any] = {
    "kind": "cover_tilted",
    "subject": "c1",
    "zone": "z",
    "start": "2026-03-02T01:00:00Z",
    "end": "2026-03-02T02:00:00Z",
}


def raised(held: Held, *, kind: str = "cover_tilted", subject: str = "c1", at: str = "2026-03-02T01:10:00Z") -> None:
    held.run(
        "INSERT INTO anomaly_events (at, since, finding_id, event_id, kind, transition, severity, zone, subject, lon, "
        "lat, summary, score, numbers, evidence, detector, detector_version, log_offset) "
        "VALUES (%s, now(), gen_random_uuid(), 'e', %s, 'raised', 'major', 'z', %s, 0, 0, '', 1, '{}', '{}', "
        "'t', 1, 0)",
        at,
        kind,
        subject,
    )


def test_every_incident_needs_its_own_finding(held: Held) -> None:
    raised(held)
    verdict = match_truth(held.settings, [INCIDENT])
    assert (verdict.found, verdict.good) == (1, True)
    verdict = match_truth(held.settings, [INCIDENT, INCIDENT | {"start": "2026-03-02T01:05:00Z"}])
    assert (verdict.found, len(verdict.missed), verdict.good) == (1, 1, False)


@pytest.mark.parametrize(
    "other",
    [{"kind": "cover_open"}, {"subject": "c2"}, {"at": "2026-03-02T00:59:00Z"}, {"at": "2026-03-02T02:31:00Z"}],
)
def test_a_finding_of_something_else_is_false(held: Held, other: dict[str, str]) -> None:
    raised(held, **other)
    verdict = match_truth(held.settings, [INCIDENT])
    assert (verdict.found, len(verdict.missed), len(verdict.false)) == (0, 1, 1)


def test_an_undecided_incident_may_be_found_or_not(held: Held) -> None:
    undecided = INCIDENT | {"undecided": True}
    assert match_truth(held.settings, [undecided]).good
    raised(held)
    assert match_truth(held.settings, [undecided]).good


# --------------------------------------------------------------------------------------------------- the command line


def test_the_command_says_so_by_its_exit_code(held: Held, stack: TestStack) -> None:
    password = held.settings.password
    assert password is not None
    held.reading()

    def eyes_account() -> subprocess.CompletedProcess[str]:
        return warm.run(
            [sys.executable, "-m", "ops.cli.main", "account", str(held.file), "--wait", "0", "--json"],
            {**os.environ, **stack.env, "EYES_DATABASE__DSN": held.settings.dsn},
        )

    held.account(READING)
    good = eyes_account()
    assert (good.returncode, json.loads(good.stdout)["stored"]) == (0, 1)
    held.account(READING, READING | {"identity": "a:b:2"})
    bad = eyes_account()
    assert (bad.returncode, json.loads(bad.stdout)["lost"]) == (1, 1)
    held.file.write_text("no json\n")
    wrong = eyes_account()
    assert wrong.returncode == 1
    assert "is no list of a feeder" in wrong.stderr
