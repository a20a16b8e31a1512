"""What ingest's session is subscribed to: what the configuration says now, whatever it said before."""

import json
from pathlib import Path

import pytest
from ingest_kit import City, Ingest, facility, reading

from tests.servers import TestStack
from tests.waiting import eventually

pytestmark = pytest.mark.servers


@pytest.fixture
def city(stack: TestStack) -> City:
    city = City.on(stack)
    city.register(facility("F1", "north"), facility("F2", "south", zone="dma:2"))
    return city


def heard(city: City) -> list[str]:
    return sorted(row.device for row in city.rows())


def ready(ingest: Ingest) -> bool:
    return bool(ingest.health()["ready"])


def test_a_filter_that_is_not_configured_any_more_is_unsubscribed(city: City, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "123"]
    for folder in folders:
        folder.mkdir()
    with city.ingest(folders[0]) as ingest:
        eventually(lambda: ready(ingest))
        city.say("north", [reading(seq=1)])
        eventually(lambda: heard(city) == ["north"])
    city.say("north", [reading(seq=2)])  # queued under the old filter, and still ours
    filters = json.dumps([f"eyes/v1/{city.site}/south/#"])
    with city.ingest(folders[1], EYES_INGEST__TOPIC_FILTERS=filters) as ingest:
        eventually(lambda: ready(ingest) and ingest.lines("mqtt_unsubscribed"))
        city.say("north", [reading(seq=3)])
        city.say("south", [reading(seq=1)])
        eventually(lambda: "south" in heard(city))
        assert heard(city) == ["north", "north", "south"]
    with city.ingest(folders[2], EYES_INGEST__TOPIC_FILTERS=filters) as ingest:  # and it is remembered
        eventually(lambda: ready(ingest))
        city.say("south", [reading(seq=2)])
        eventually(lambda: heard(city).count("south") == 2)
    assert ingest.lines("mqtt_unsubscribed") == []


def test_it_is_ready_only_when_what_is_published_is_heard(city: City, tmp_path: Path) -> None:
    with city.ingest(tmp_path) as ingest:
        eventually(lambda: ready(ingest))
        city.say("north", [reading(seq=1)])
        eventually(lambda: heard(city) == ["north"])


def test_without_topics_it_says_what_to_do(stack: TestStack, tmp_path: Path) -> None:
    kafka = stack.settings.kafka.model_copy(update={"topic_prefix": stack.fresh_prefix()})
    ingest = City(stack, kafka).ingest(tmp_path).start(wait=False)
    assert ingest.process is not None
    assert ingest.process.wait(60) == 1
    assert "eyes topics create" in ingest.log.read_text()
