"""What becomes of what devices say, from the broker to the log, by one ingest for the whole module.

What must hold: the best identity a message allows; a reading with an unbelievable time is kept on arrival time and
marked; and what cannot be understood is in the quarantine once, with reason, field, bytes and topic, and acknowledged.
"""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import City, Ingest, ago, facility, reading
from ingest_tap import Tap

from schemas.facility import FacilityClass
from schemas.model import to_ms
from schemas.observation import Quality
from schemas.quarantine import Reason
from tests.waiting import eventually

pytestmark = pytest.mark.servers

LIMIT_KIB = 8


@pytest.fixture(scope="module")
def city(stack: Any) -> City:
    city = City.on(stack)
    city.register(facility("F1", "dev"), facility("F2", "cover", facility_class=FacilityClass.MANHOLE_COVER))
    return city


@pytest.fixture(scope="module")
def tap(stack: Any) -> Iterator[Tap]:
    with Tap(stack.settings.mqtt.host, stack.settings.mqtt.port) as tap:
        yield tap


@pytest.fixture(scope="module")
def ingest(city: City, tap: Tap, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    env = {"EYES_INGEST__MESSAGE_MAX_KIB": str(LIMIT_KIB)}
    with city.ingest(tmp_path_factory.mktemp("ingest"), **env, **tap.env) as ingest:
        yield ingest


@pytest.fixture
def device(city: City, ingest: Ingest) -> Iterator[str]:
    """A registered device that no other test uses; afterwards everything must be acknowledged."""
    name = f"d{time.monotonic_ns()}"
    city.register(facility(f"F-{name}", name))
    probe = [json.dumps({"property": "flow", "value": 1, "boot": "learnt", "seq": 0}).encode()]
    eventually(lambda: city.say(name, probe) or any(row.device == name for row in city.rows()))
    yield name
    eventually(lambda: ingest.settled)


def test_each_message_gets_the_best_identity_it_allows(city: City, device: str) -> None:
    when = ago(minutes=1)
    before_ms = time.time_ns() // 1_000_000
    city.say(
        device,
        [
            reading(1.5, seq=7, boot="b1", time=when),  # number and time: the number names it
            reading(1.5, time=when),
            reading(1.5),
            reading(1.5),  # genuine, and equal: another reading
            json.dumps([{"property": "pressure", "value": 1500}] * 2).encode(),  # two in one message are two as well
        ],
    )
    rows = city.pressures(device, 6)
    assert len({row.identity for row in rows}) == 6
    assert rows[0].identity == "a:b1:7"
    assert rows[1].identity == f"b:{to_ms(datetime.fromisoformat(when))}:1500.0"
    assert [row.identity.split(":")[0] for row in rows[2:]] == ["c"] * 4
    assert [row.quality for row in rows] == [Quality.GOOD] * 2 + [Quality.UNTIMED] * 4
    assert {row.value for row in rows} == {1500.0}
    assert all(before_ms <= row.time_ms <= row.arrival_ms for row in rows[2:])


def test_one_identity_with_two_values_reaches_the_log_twice(city: City, device: str) -> None:
    """Whether that is a copy or a contradiction is for the folds to say: they see both, in order, with both values."""
    city.say(device, [reading(1.0, seq=1), reading(1.0, seq=1), reading(2.0, seq=1)])
    rows = city.pressures(device, 3)
    assert [(row.identity, row.value) for row in rows] == [("a::1", 1000.0), ("a::1", 1000.0), ("a::1", 2000.0)]


@pytest.mark.parametrize(
    ("ahead", "quality"),
    [
        ({"minutes": 4.5}, Quality.GOOD),
        ({"minutes": 6}, Quality.FUTURE),
        ({"days": 365_000}, Quality.FUTURE),
        ({"hours": -23.9}, Quality.GOOD),
        ({"hours": -24.1}, Quality.LATE),
        ({"days": -20_000}, Quality.LATE),
    ],
    ids=str,
)
def test_an_unbelievable_time_is_replaced_and_marked(
    city: City, device: str, ahead: dict[str, float], quality: Quality
) -> None:
    said = ago(**{unit: -count for unit, count in ahead.items()})
    said_ms = to_ms(datetime.fromisoformat(said))
    city.say(device, [reading(3.0, time=said), reading(4.0, time=said, seq=1)])
    rows = city.pressures(device, 2)
    assert [row.quality for row in rows] == [quality] * 2
    for row in rows:
        assert row.time_ms == (said_ms if quality is Quality.GOOD else row.arrival_ms)
    # the identity keeps what the device said, or a copy would be another reading
    assert [row.identity for row in rows] == [f"b:{said_ms}:3000.0", "a::1"]


FULL = LIMIT_KIB * 1024
REFUSED: dict[str, tuple[str, bytes, Reason, str | None]] = {
    "half an object": ("dev/observations", b'{"property":"pressure","value":', Reason.MALFORMED_JSON, None),
    "nothing": ("dev/observations", b"", Reason.MALFORMED_JSON, None),
    "NaN": ("dev/observations", b'{"property":"pressure","value":NaN}', Reason.MALFORMED_JSON, None),
    "infinite": ("dev/observations", b'{"property":"pressure","value":1e999}', Reason.SCHEMA, "value"),
    "text for a number": ("dev/observations", b'{"property":"pressure","value":"1"}', Reason.SCHEMA, "value"),
    "no value": ("dev/observations", b'{"property":"pressure"}', Reason.SCHEMA, "value"),
    "unknown field": ("dev/observations", b'{"property":"flow","value":1,"colour":2}', Reason.SCHEMA, "colour"),
    "unknown property": ("dev/observations", b'{"property":"mood","value":1}', Reason.SCHEMA, "property"),
    "unknown unit": ("dev/observations", b'{"property":"flow","value":1,"unit":"furlong"}', Reason.SCHEMA, "unit"),
    "unit of another": ("dev/observations", b'{"property":"flow","value":1,"unit":"kPa"}', Reason.SCHEMA, "unit"),
    "impossible": ("dev/observations", b'{"property":"fill_level","value":101}', Reason.SCHEMA, "value"),
    "no zone": ("dev/observations", reading(time="2026-01-01T00:00:00"), Reason.SCHEMA, "time"),
    "no time": ("dev/observations", reading(time="yesterday"), Reason.SCHEMA, "time"),
    "one of two": (
        "dev/observations",
        b'[{"property":"flow","value":1,"seq":1},{"property":"flow","value":true,"seq":2}]',
        Reason.SCHEMA,
        "[1].value",
    ),
    "not UTF-8": ("dev/observations", b'{"property":"\xff\xfe","value":1}', Reason.INVALID_UTF8, None),
    "a scalar": ("dev/observations", b"42", Reason.SCHEMA, None),
    "nested": ("dev/observations", b"[" * 4_000, Reason.MALFORMED_JSON, None),
    "camera without track": ("dev/camera", b'{"phase":"new"}', Reason.SCHEMA, "track"),
    "unknown channel": ("dev/pictures", b"{}", Reason.UNKNOWN_TOPIC, "topic"),
    "too deep": ("dev/observations/raw", b"{}", Reason.UNKNOWN_TOPIC, "topic"),
    "no device": ("/observations", b"{}", Reason.UNKNOWN_TOPIC, "topic"),
    "blank device": ("two  blanks/observations", b"{}", Reason.UNKNOWN_TOPIC, "topic"),
    "long topic": ("x" * 2_000 + "/observations", b"{}", Reason.UNKNOWN_TOPIC, "topic"),
    "one byte too many": ("dev/observations", reading().ljust(FULL + 1), Reason.OVERSIZE, None),
    "far too large": ("dev/observations", b'"' + b"x" * 900_000, Reason.OVERSIZE, None),
}


def test_every_refusal_is_kept_once_and_acknowledged(city: City, tap: Tap, ingest: Ingest) -> None:
    before = {one.id for one in city.refused()}
    counted = ingest.metric("eyes_quarantined_total")
    topics = {name: f"eyes/v1/{city.site}/{case[0]}" for name, case in REFUSED.items()}
    city.publish(*((topics[name], payload) for name, (_, payload, _, _) in REFUSED.items()))
    city.say("dev", [reading().ljust(FULL)])  # just small enough, and behind all the others
    eventually(lambda: any(row.identity.startswith("c:") and row.device == "dev" for row in city.rows()))
    eventually(lambda: len(city.refused()) >= len(before) + len(REFUSED))
    records = [one for one in city.refused() if one.id not in before]
    assert len({one.id for one in records}) == len(records) == len(REFUSED)
    by_message = {(one.mqtt_topic, one.payload, one.payload_bytes): one for one in records}
    for name, (_, payload, reason, field) in REFUSED.items():
        record = by_message[topics[name][:1024], payload, len(payload)]
        assert (record.reason, record.field) == (reason, field), name
        assert record.detail
        assert record.source.endswith(ingest.shard)
    eventually(lambda: ingest.metric("eyes_quarantined_total") == counted + len(REFUSED))
    assert ingest.metric("eyes_quarantined_total", 'reason="oversize"') == 2
    # the good half of "one of two" was taken
    assert [row.identity for row in city.rows() if row.device == "dev" and row.observed_property == "flow"] == ["a::1"]
    eventually(lambda: len(tap.acknowledged()) >= len([p for p in tap.packets if not p.upward and p.kind == 3]))


def test_the_default_limit_is_256_kib(city: City, tmp_path: Path) -> None:
    with city.ingest(tmp_path, "ingest-default-" + city.site) as ingest:
        city.say("dev", [reading(11.0, seq=11).ljust(256 * 1024), reading(12.0, seq=12).ljust(256 * 1024 + 1)])
        mine = f"/{city.site}/{ingest.shard}"
        eventually(lambda: ingest.settled and any(one.source == mine for one in city.refused()))
        assert [row.identity for row in city.rows() if row.shard == ingest.shard] == ["a::11"]
        assert [one.payload_bytes for one in city.refused() if one.source == mine] == [256 * 1024 + 1]
