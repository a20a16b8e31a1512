"""``eyes trace``: from a finding, or whatever else has an id, back to the very bytes that were published."""

import json
import subprocess
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import EYES, City, Process, ago, facility, reading

from ops.database.migrate import connect, migrate
from ops.trace.reading import readings_in
from runtime.settings import DatabaseSettings
from schemas.columns import AcceptedColumns
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.identity import reading_id
from schemas.quarantine import Quarantined, ReadingsReleased, UnregisteredReadings
from schemas.topics import ACCEPTED, QUARANTINE, UNREGISTERED
from tests import warm
from tests.waiting import eventually

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

OPEN = b'{ "property":"contact_open", "value":true, "seq":%d }'
SHUT = b'{"property":"contact_open","value":false,"seq":%d}'


@dataclass(frozen=True)
class Pipeline:
    city: City
    database: DatabaseSettings
    folder: Path

    def sql(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        with connect(self.database) as connection:
            return connection.execute(query.encode(), params).fetchall()

    def env(self, **more: str) -> dict[str, str]:
        return self.city.env(self.folder, **{"EYES_DATABASE__DSN": self.database.dsn, "COLUMNS": "200", **more})

    def trace(self, *arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        command = [*EYES, "trace", *arguments]
        done = warm.run(command, self.env(**env))
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def chain(self, *arguments: str, code: int = 0, **env: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.trace("--json", *arguments, code=code, **env).stdout)
        assert told["complete"] == (code == 0)
        return told

    def finding(self, subject: str, state: str) -> str:
        """The id of the finding about this subject, when it is so far."""
        query = "SELECT finding_id::text FROM anomalies WHERE subject = %s AND state = %s"
        (row,) = eventually(lambda: self.sql(query, subject, state))
        return str(row[0])

    def count(self, device: str) -> int:
        query = "SELECT 1 FROM observations JOIN series USING (series_id) WHERE device = %s"
        return len(self.sql(query, device))

    def stored(self, device: str, count: int) -> None:
        eventually(lambda: self.count(device) >= count)

    def say_apart(self, device: str, payloads: Iterable[bytes]) -> None:
        """One after the other: what is said of one moment counts once."""
        for payload in payloads:
            before = self.count(device)
            self.city.say(device, [payload])
            self.stored(device, before + 1)


def cover(name: str, zone: str = "grid:1") -> Facility:
    return facility(f"F-{name}", name, zone=zone, facility_class=FacilityClass.MANHOLE_COVER)


@pytest.fixture(scope="module")
def pipeline(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    city, folder = City.on(stack), tmp_path_factory.mktemp("trace")
    with stack.fresh_database() as database, ExitStack() as running:
        with connect(database) as connection:
            migrate(connection)
        place = Place(lon=113.85, lat=34.03)
        kerb = Facility(
            facility="F-kerb",
            scheme=CodeScheme.LOCAL,
            facility_class=FacilityClass.CURB_ZONE,
            zone="segment:1",
            place=place,
            devices=(DeviceBinding(device="cam", camera_zone="kerb"),),
            policy=Policy(activity="no_stopping", grace_s=1),
        )
        far = facility("F-far", "multi", zone="dma:far", properties=("flow",))
        near = facility("F-near", "multi", zone="dma:near", properties=("pressure",))
        city.register(cover("cover-1"), cover("cover-2"), kerb, far, near)
        pipeline = Pipeline(city, database, folder)
        env = pipeline.env()
        for name, command in (("process", "process"), ("archive", "archive")):
            process = Process(name, (command, "--metrics-port", "0"), folder, env)
            running.callback(process.kill)
            process.start(wait=False)
        running.enter_context(city.ingest(folder))
        yield pipeline


def payloads(chain: dict[str, Any]) -> list[bytes]:
    return [b64decode(one["message"]["payload"]) for one in chain["readings"]]


def test_a_finding_leads_to_the_very_bytes(pipeline: Pipeline, tmp_path: Path) -> None:
    said = [OPEN % number for number in (1, 2)] + [SHUT % number for number in (3, 4)]
    pipeline.say_apart("cover-1", said[:2])
    id_ = pipeline.finding("F-cover-1", "raised")
    pipeline.say_apart("cover-1", said[2:])
    assert pipeline.finding("F-cover-1", "cleared") == id_

    chain = pipeline.chain(id_[:8].upper())
    assert (chain["id"], chain["kind"], chain["missing"]) == (id_, "finding", [])
    assert [step["anomaly"]["transition"] for step in chain["steps"]] == ["raised", "cleared"]
    assert [step["place"]["topic"] for step in chain["steps"]] == ["city.anomalies.v1"] * 2
    convinced = [said[0], said[1], said[3]]  # the second of two is what clears it
    assert payloads(chain) == convinced
    cited = {one for step in chain["steps"] for one in step["anomaly"]["evidence"]}
    assert {one["id"] for one in chain["readings"]} == cited
    for one in chain["readings"]:
        number = int(one["identity"].removeprefix("a::"))
        message = one["message"]
        assert b64decode(message["payload"]) == said[number - 1] == message["text"].encode()
        assert (one["device"], one["observedProperty"], one["shard"]) == (
            "cover-1",
            "contact_open",
            pipeline.city.shard,
        )
        assert one["result"] == (number < 3)
        assert message["mqttTopic"] == pipeline.city.topic("cover-1")
        assert message["arrivalTime"] == one["arrivalTime"]
        assert message["ofAnotherDelivery"] is False
        assert_stands_there(pipeline.city, one)

    shown = pipeline.trace(id_, "--bytes", str(tmp_path / "of")).stdout
    assert all(text in shown for text in ("cover_open", "city.events.v1", "city.accepted.v1", '"property": "contact_'))
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["of-1", "of-2", "of-3"]
    assert [(tmp_path / name).read_bytes() for name in files] == convinced

    alone = tmp_path / "alone"
    pipeline.trace("cover-1/contact_open/a::2", "--bytes", str(alone))
    assert alone.read_bytes() == said[1]


def assert_stands_there(city: City, one: dict[str, Any]) -> None:
    """The places that were named hold what they are said to hold."""
    place = one["message"]["place"]
    record = [event.data for partition, event in city.events(ACCEPTED) if partition == place["partition"]][
        place["offset"]
    ]
    assert isinstance(record, AcceptedColumns)
    assert record.payload[one["message"]["number"]] == b64decode(one["message"]["payload"])
    rows = [row for row in city.rows() if row.device == one["device"] and row.identity == one["identity"]]
    assert {row.partition for row in rows} == {one["place"]["partition"]}
    assert {row.position for row in rows} == {one["place"]["offset"]}


def test_without_the_database_the_log_alone_says_the_same(pipeline: Pipeline) -> None:
    pipeline.say_apart("cover-2", [OPEN % number for number in (1, 2)])
    id_ = pipeline.finding("F-cover-2", "raised")
    nowhere = {"EYES_DATABASE__DSN": "host=127.0.0.1 port=1 dbname=x user=y"}
    with_it = pipeline.chain(id_)
    assert pipeline.chain(id_[:12], **nowhere) == with_it
    assert payloads(with_it) == [OPEN % 1, OPEN % 2]
    one = pipeline.chain("cover-2/contact_open/a::2", **nowhere)
    assert one["readings"] == with_it["readings"][1:]
    assert "takes longer" in " ".join(pipeline.trace(id_, **nowhere).stderr.split())


def test_a_message_for_several_partitions_is_one_message(pipeline: Pipeline) -> None:
    said = b'[{"property":"flow","value":1,"seq":7}, {"property":"pressure","value":2,"unit":"kPa","seq":7}]'
    pipeline.city.say("multi", [said])
    pipeline.stored("multi", 2)
    flow, pressure = (pipeline.chain(f"multi/{name}/a::7") for name in ("flow", "pressure"))
    assert flow["readings"][0]["place"]["partition"] != pressure["readings"][0]["place"]["partition"]
    assert flow["readings"][0]["message"] == pressure["readings"][0]["message"]
    assert payloads(flow) == [said]
    assert pressure["readings"][0]["result"] == 2000.0


def test_what_only_its_arrival_identifies_has_its_message_too(pipeline: Pipeline) -> None:
    twice, other = b'{"property":"flow","value":8}', b'{"property":"flow","value":9}'
    pipeline.city.say("multi", [twice, twice, other])
    query = """
        SELECT identity FROM observations JOIN series USING (series_id)
        WHERE device = 'multi' AND identity LIKE %s
        ORDER BY result
    """
    rows = eventually(lambda: all_ if len(all_ := pipeline.sql(query, "c:%")) == 3 else None)
    readings = [pipeline.chain(f"multi/flow/{identity}")["readings"][0] for (identity,) in rows]
    assert [b64decode(one["message"]["payload"]) for one in readings] == [twice, twice, other]
    assert all(one["message"]["arrivalTime"] == one["arrivalTime"] for one in readings)


def test_a_camera_s_finding(pipeline: Pipeline) -> None:
    seen = (
        b'{"phase":"new","track":"t:1","label":"car","zones":["kerb"],"stationary":true,"time":"%s"}'
        % ago(seconds=30).encode()
    )
    pipeline.city.publish((pipeline.city.topic("cam", "camera"), seen))
    chain = pipeline.chain(pipeline.finding("F-kerb", "raised"))
    assert payloads(chain) == [seen]
    assert chain["readings"][0]["observedProperty"] == "camera"
    assert chain["readings"][0]["identity"].endswith(":new:t:1")
    assert pipeline.chain(chain["readings"][0]["id"])["readings"] == chain["readings"]


def test_a_stranger_s_message_before_and_after_its_release(pipeline: Pipeline) -> None:
    said = reading(5.0, seq=5)
    pipeline.city.say("stranger", [said])
    query = "SELECT message_id::text FROM unregistered WHERE device = 'stranger'"
    id_ = str(eventually(lambda: pipeline.sql(query))[0][0])
    waiting = pipeline.chain(id_)
    assert (waiting["kind"], waiting["readings"]) == ("unregistered", [])
    assert "it waits" in waiting["said"]
    assert b64decode(waiting["message"]["payload"]) == said

    pipeline.city.register(facility("F-s", "stranger", zone="dma:s"))
    eventually(lambda: pipeline.city.of(UNREGISTERED, ReadingsReleased))
    pipeline.stored("stranger", 1)
    released = pipeline.chain(id_)
    assert released["message"] == waiting["message"]
    assert [one["identity"] for one in released["readings"]] == ["a::5"]
    by_reading = pipeline.chain("stranger/pressure/a::5")
    assert by_reading["readings"][0]["resultQuality"] == "released"
    assert by_reading["readings"][0]["message"]["place"]["topic"] == "city.unregistered.v1"
    assert payloads(by_reading) == [said]
    assert not [one for one in pipeline.city.of(ACCEPTED, AcceptedColumns) if said in one.payload]


def test_a_refused_message_and_bytes_that_are_no_json(pipeline: Pipeline) -> None:
    said = bytes(range(128, 192))
    pipeline.city.say("cover-1", [said])
    (refused,) = eventually(lambda: [one for one in pipeline.city.refused() if one.payload == said])
    chain = pipeline.chain(str(refused.id))
    assert (chain["kind"], chain["message"]["text"]) == ("quarantined", None)
    assert b64decode(chain["message"]["payload"]) == said
    assert chain["said"].startswith("invalid_utf8") or chain["said"].startswith("malformed_json")
    shown = pipeline.trace(str(refused.id)[:13]).stdout
    assert said[:32].hex(" ") in shown


def test_a_reading_that_no_finding_names_is_found_by_its_id(pipeline: Pipeline) -> None:
    said = b'{"property":"flow","value":3,"seq":30}'
    pipeline.city.say("multi", [said])
    query = "SELECT 1 FROM observations WHERE identity = 'a::30'"
    eventually(lambda: pipeline.sql(query))
    assert payloads(pipeline.chain(str(reading_id("multi", "flow", "a::30")))) == [said]


def test_what_is_no_id_or_names_nothing_is_said(pipeline: Pipeline) -> None:
    assert "is no id" in pipeline.trace("cover-1", code=1).stderr
    assert "nothing with id" in pipeline.trace("00000000", code=1).stderr
    assert "no reading" in pipeline.trace("cover-1/contact_open/a::999", code=1).stderr


def comparable(device: str, name: str, identity: str) -> tuple[str, str, str]:
    """Without the arrival that was given to what has no identity of its own."""
    tier, _, rest = identity.partition(":")
    return device, name, rest.partition(":")[2] if tier == "c" else identity


def test_every_reading_in_the_log_has_its_message(pipeline: Pipeline) -> None:
    kept = {
        comparable(*one)
        for record in pipeline.city.of(ACCEPTED, AcceptedColumns)
        for topic, arrival_ms, payload in zip(record.mqtt_topic, record.arrival_time, record.payload, strict=True)
        for *one, _ in readings_in(topic, payload, arrival_ms)
    }
    kept |= {
        comparable(one.device, name, identity)
        for one in pipeline.city.of(UNREGISTERED, UnregisteredReadings)
        for name, identity in one.identities
    }
    rows = {comparable(row.device, row.observed_property, row.identity) for row in pipeline.city.rows()}
    assert rows
    assert rows <= kept
    assert len(pipeline.city.of(QUARANTINE, Quarantined)) < len(rows)
