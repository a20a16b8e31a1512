"""Pulses over the real broker become flows in the tables, each once, whatever dies; whoever looks at them agrees."""

import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import EYES, City, Process, rows_of

from ops.database.migrate import connect, migrate
from processors.engine.contract import Reading
from processors.engine.outputs import outgoing
from runtime.failpoint import VARIABLE
from runtime.kafka import idempotent_producer
from runtime.settings import DatabaseSettings
from schemas.columns import SeriesColumns
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.identity import Derivation, derived, numbered
from schemas.model import format_rfc3339, from_ms
from schemas.topics import DERIVED
from tests import warm
from tests.waiting import eventually

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

HOUR = 3_600_000
PULSES, LORA = "wm-1", "24e124713c21aa01"
M3_PER_PULSE = 0.01
COUNTS = (65_000, 65_400, 64, 1_064, 5, 105)  # rolls over behind the second, begins anew behind the fourth
FLOWS = {1: 4.0, 2: 2.0, 3: 10.0, 5: 1.0}
PLACES = ("fold.sent", "fold.offsets_sent", "fold.committed")


def meter(name: str, device: str, **policy: Any) -> Facility:
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.FLOW_METER,
        zone=f"dma:{name}",
        place=Place(lon=113.85, lat=34.03),
        devices=(DeviceBinding(device=device, interval_s=3600),),
        policy=Policy(m3_per_pulse=M3_PER_PULSE, rolls_over_at=65_536, max_flow_m3_h=50, **policy),
    )


@dataclass
class Meters:
    """Two meters in a city of their own, one that speaks our JSON and one behind a LoRaWAN network server."""

    city: City
    database: DatabaseSettings
    folder: Path
    application: str = field(default_factory=lambda: str(uuid.uuid4()))
    begun_ms: int = field(default_factory=lambda: int(time.time()) * 1000 - 8 * HOUR)

    def env(self, **more: str) -> dict[str, str]:
        filters = json.dumps([f"eyes/v1/{self.city.site}/#", f"application/{self.application}/#"])
        own = {"EYES_DATABASE__DSN": self.database.dsn, "EYES_INGEST__TOPIC_FILTERS": filters, "COLUMNS": "250"}
        return self.city.env(self.folder, **(own | more))

    def process(self, name: str, *command: str, **more: str) -> Process:
        return Process(name, (*command, "--metrics-port", "0"), self.folder, self.env(**more))

    def eyes(self, *arguments: str, code: int = 0) -> Any:
        command = [*EYES, *arguments, "--json"]
        done = warm.run(command, self.env())
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def at(self, number: int) -> int:
        return self.begun_ms + number * HOUR

    def count(self, number: int) -> None:
        """Both meters say their count of this hour; the first says it twice, as a gateway does."""
        said = {"property": "pulse_count", "value": COUNTS[number], "boot": "b", "seq": number}
        said["time"] = format_rfc3339(from_ms(self.at(number)))
        own = self.city.topic(PULSES), json.dumps(said).encode()
        self.city.publish(own, own, (f"application/{self.application}/device/{LORA}/event/up", self._uplink(number)))

    def _uplink(self, number: int) -> bytes:
        up = {
            "deduplicationId": str(uuid.uuid4()),
            "time": format_rfc3339(from_ms(self.at(number))),
            "deviceInfo": {"applicationId": self.application, "deviceName": "meter", "devEui": LORA},
            "devAddr": "00189440",
            "fCnt": 10 + number,
            "fPort": 85,
            "data": "AQ==",
            "object": {"pulse_count": COUNTS[number]},
        }
        return json.dumps(up).encode()

    def identity(self, number: int) -> str:
        return derived(Derivation(self.at(number), self.at(number - 1), "pulse_count", ""))

    def expected(self) -> set[tuple[str, str, float, int]]:
        return {(device, self.identity(number), flow, 1) for device in (PULSES, LORA) for number, flow in FLOWS.items()}

    def stored(self) -> set[tuple[str, str, float, int]]:
        """Device, identity, flow and how many rows there are of it."""
        query = """
            SELECT device, identity, result, count(*) FROM observations JOIN series USING (series_id)
            WHERE observed_property = 'flow' GROUP BY 1, 2, 3
        """
        with connect(self.database) as connection:
            rows = connection.execute(query.encode()).fetchall()
        return {(device, identity, round(flow, 9), number) for device, identity, flow, number in rows}


@pytest.fixture
def meters(stack: Any, tmp_path: Path) -> Iterator[Meters]:
    city = City.on(stack)
    with stack.fresh_database() as database, ExitStack() as running:
        with connect(database) as connection:
            migrate(connection)
        city.register(meter("m-own", PULSES), meter("m-lora", LORA))
        meters = Meters(city, database, tmp_path)
        archive = meters.process("archive", "archive")
        running.callback(archive.kill)
        archive.start(wait=False)
        filters = meters.env()["EYES_INGEST__TOPIC_FILTERS"]
        running.enter_context(city.ingest(tmp_path, EYES_INGEST__TOPIC_FILTERS=filters))
        yield meters


def test_pulses_become_flows_once_though_the_processor_is_killed(meters: Meters, tmp_path: Path) -> None:
    city = meters.city
    meters.count(0)
    for number, place in enumerate(PLACES, 1):
        meters.count(number)
        # What was counted waits in the log, so the first transaction holds the flows it gives.
        eventually(lambda number=number: len(city.rows()) >= 2 * (number + 1))  # type: ignore[misc]
        died = tmp_path / place
        worker = meters.process(f"process-{number}", "process", **{VARIABLE: f"{place}:1:{died}"})
        try:
            worker.start(wait=False)
            eventually(died.exists)
            assert worker.process is not None
            assert worker.process.wait(30) == -signal.SIGKILL
        finally:
            worker.kill()
    for number in range(len(PLACES) + 1, len(COUNTS)):
        meters.count(number)
    with ExitStack() as running:
        worker = meters.process("process", "process")
        running.callback(worker.kill)
        worker.start(wait=False)
        eventually(lambda: meters.stored() == meters.expected())
        meters.count(2)  # long after the others: a count that was known, and one that is older than the newest
        eventually(lambda: worker.metric("eyes_processor_duplicates_total") > 0)
        assert worker.metric("eyes_processor_derived_total") > 0
        verified = eventually(lambda: found if (found := meters.eyes("verify"))["published"] >= 8 else None)
        assert worker.stop() == 0
    assert meters.stored() == meters.expected()
    published = [(row.device, row.identity, row.value) for row in rows_of(city.events(DERIVED))]
    assert sorted(published) == sorted((device, identity, flow) for device, identity, flow, _ in meters.expected())
    assert (verified["good"], verified["missing"], verified["unexplained"], verified["repeated"]) == (True, 0, 0, 0)
    _trace_leads_to_the_counts(meters)
    _a_replay_shows_them(meters)
    _the_account_balances(meters, tmp_path)
    _what_was_made_up_is_seen(meters)


def _trace_leads_to_the_counts(meters: Meters) -> None:
    chain = meters.eyes("trace", f"{PULSES}/flow/{meters.identity(2)}")
    flow, *counts = chain["readings"]
    assert (flow["place"]["topic"], flow["result"], flow["message"]) == ("city.derived.v1", 2.0, None)
    assert flow["madeOf"] == [one["id"] for one in counts]
    assert [one["result"] for one in counts] == [65_400.0, 64.0]
    assert [json.loads(one["message"]["text"])["value"] for one in counts] == [65_400, 64]
    assert [one["identity"] for one in counts] == [numbered("b", 1), numbered("b", 2)]
    by_id = meters.eyes("trace", flow["id"][:12])
    assert [one["id"] for one in by_id["readings"]] == [one["id"] for one in chain["readings"]]
    lora = meters.eyes("trace", f"{LORA}/flow/{meters.identity(1)}")["readings"]
    assert [one["observedProperty"] for one in lora] == ["flow", "pulse_count", "pulse_count"]
    done = warm.run(
        [*EYES, "trace", f"{PULSES}/flow/{meters.identity(2)}", "--json"],
        meters.env(EYES_DATABASE__DSN="host=127.0.0.1 port=1 dbname=x user=y"),
    )
    assert json.loads(done.stdout)["readings"] == chain["readings"], done.stderr  # by the log alone


def _a_replay_shows_them(meters: Meters) -> None:
    work = str(meters.folder / "work")
    same = meters.eyes("replay", "-p", "counters", "--work", work, "--fail-on-difference")["readings"]
    assert (same["published"], same["replayed"], same["same"], same["gained"], same["lost"]) == (8, 8, 8, 0, 0)
    other = meters.folder / "other.toml"
    other.write_text("[[override]]\nfacility = 'm-own'\npolicy.m3_per_pulse = 0.02\n")
    told = meters.eyes("replay", "-p", "counters", "--work", work, "--against", str(other))
    assert told["different"] is True
    assert (told["readings"]["other_value"], told["readings"]["same"]) == (4, 4)
    assert {one["device"] for one in told["readings"]["differences"]} == {PULSES}


def _the_account_balances(meters: Meters, folder: Path) -> None:
    line = {"kind": "reading", "device": PULSES, "property": "pulse_count"}
    sent = [{**line, "n": n, "identity": numbered("b", n), "value": float(count)} for n, count in enumerate(COUNTS)]
    file = folder / "sent.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in sent))
    account = meters.eyes("account", str(file), "--wait", "30")
    assert (account["stored"], account["derived"], account["phantom"], account["lost"]) == (6, 4, 0, 0)


def _what_was_made_up_is_seen(meters: Meters) -> None:
    series = SeriesColumns(PULSES, "flow", "m3/h", "m-own", FacilityClass.FLOW_METER, "dma:m-own")
    invented = Reading(series, meters.at(4), 7.0, meters.identity(4), 0, meters.at(4), meters.city.shard)
    record = outgoing(invented, f"/{meters.city.site}/process")
    producer = idempotent_producer(meters.city.kafka, "test")
    try:
        topic = DERIVED.full_name(meters.city.kafka.topic_prefix)
        producer.send(topic, key=record.key.encode(), value=record.value, partition=record.partition).get(30)
    finally:
        producer.close()
    told = meters.eyes("verify", code=1)
    assert (told["unexplained"], told["missing"]) == (1, 0)
    replayed = meters.eyes("replay", "-p", "counters", "--work", str(meters.folder / "again"))["readings"]
    assert (replayed["lost"], replayed["same"]) == (1, 8)
