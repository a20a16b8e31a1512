"""Messages of building automation go to the decoder of their format, however many decoders are asked."""

from typing import Any

import pytest
from household_kit import message
from test_household_decoders_sturdy import OUTLINES

from ingest.decoders.catalogue import Catalogue

FURTHER: list[tuple[str, Any, str]] = [
    ("city/zigbee2mqtt/lamp", {"state": "ON"}, "zigbee2mqtt"),
    ("zigbee2mqtt/tele/SENSOR", {"state": "ON"}, "zigbee2mqtt"),
    ("tele/pole/LWT", "Online", "tasmota"),
    ("city/pole/tele/SENSOR", {"A": {"Temperature": 1}}, "tasmota"),
    ("city/shellies/shellyht-0A1B2C/online", "true", "shelly-gen1"),
    ("shellypro3-0242ac110002/online", "true", "shelly-gen2"),
    ("city/gate/status/switch:0", {"output": True}, "shelly-gen2"),
    ("city/home/gw/BTtoMQTT/0242AC110002", {"id": "02:42:AC:11:00:02"}, "openmqttgateway"),
    ("home/gw/LWT", "online", "openmqttgateway"),
    ("homeassistant/light/hall/state", "on", "home-assistant"),
    ("city/homeassistant/sensor/a/config", {"stat_t": "a"}, "home-assistant"),
]


@pytest.mark.parametrize(
    ("topic", "payload", "name"), [(topic, outline, make().name) for make, topic, outline in OUTLINES] + FURTHER
)
def test_the_decoder_of_the_format_takes_the_message(topic: str, payload: Any, name: str) -> None:
    assert Catalogue().choose(message(topic, payload)).decoder.name == name


def test_an_announced_topic_is_taken_once_it_was_announced_unless_its_own_decoder_reads_it() -> None:
    catalogue = Catalogue()
    for object_id, topic in (("a", "yard/box"), ("b", "tele/pole/SENSOR")):
        config = {"stat_t": topic, "dev_cla": "power", "unit_of_meas": "W", "dev": {"ids": ["box"]}}
        assert catalogue.decode(message(f"homeassistant/sensor/{object_id}/config", config)).refusal is None
    assert catalogue.choose(message("yard/box", "3")).decoder.name == "home-assistant"
    assert "yard/box" in catalogue.filters()
    assert catalogue.choose(message("tele/pole/SENSOR", {"A": {"Temperature": 1}})).decoder.name == "tasmota"
