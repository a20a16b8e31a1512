"""Whatever arrives on the topics of building automation gives a result or a refusal, never another exception."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from household_kit import mangled, message, sturdy
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.base import Decoder
from ingest.decoders.home_assistant import HomeAssistant
from ingest.decoders.openmqttgateway import OpenMqttGateway
from ingest.decoders.shelly_gen1 import ShellyGen1
from ingest.decoders.shelly_gen2 import ShellyGen2
from ingest.decoders.tasmota import Tasmota
from ingest.decoders.zigbee2mqtt import Zigbee2Mqtt
from tests.examples import examples

_CONFIG = {
    "~": "yard/box",
    "name": "Box",
    "stat_t": "~/state",
    "dev_cla": "temperature",
    "unit_of_meas": "°C",
    "val_tpl": "{% if value_json.a is defined %}{{ value_json.a | float(0) * 2 }}{% endif %}",
    "avty": [{"t": "~/up", "pl_avail": "1", "val_tpl": "{{ value_json.u }}"}],
    "dev": {"ids": ["box"], "cns": [["mac", "02:5b"]], "name": "Box", "sw": "1"},
    "o": {"name": "x"},
}
OUTLINES: list[tuple[Callable[[], Decoder], str, Any]] = [
    (
        Zigbee2Mqtt,
        "zigbee2mqtt/yard/gate",
        {"state": "ON", "state_l1": "OFF", "battery": 50, "voltage": 3000, "contact": True},
    ),
    (Zigbee2Mqtt, "zigbee2mqtt/gate", {"last_seen": 1_780_000_000_000, "color": {"x": 1}, "action": "on", "voc": 3}),
    (Zigbee2Mqtt, "zigbee2mqtt/gate", {"device": {"friendlyName": "gate", "ieeeAddr": "0x01"}, "illuminance_lux": 4}),
    (Zigbee2Mqtt, "zigbee2mqtt/gate/availability", {"state": "online"}),
    (Zigbee2Mqtt, "zigbee2mqtt/bridge/state", {"state": "online"}),
    (Zigbee2Mqtt, "zigbee2mqtt/bridge/event", {"type": "device_joined", "data": {"friendly_name": "a"}}),
    (Zigbee2Mqtt, "zigbee2mqtt/bridge/info", {"version": "2.1", "coordinator": {"type": "EZSP"}}),
    (Zigbee2Mqtt, "zigbee2mqtt/bridge/health", {"process": {"uptime_sec": 3}}),
    (
        Zigbee2Mqtt,
        "zigbee2mqtt/bridge/devices",
        [
            {
                "friendly_name": "a",
                "type": "Router",
                "definition": {"exposes": [{"features": [{"property": "p", "unit": "V"}]}]},
            }
        ],
    ),
    (
        Tasmota,
        "tele/pole/SENSOR",
        {
            "Time": "2026-05-01T10:00:00",
            "ENERGY": {"Total": [1, 2], "Power": 3, "Voltage": 230},
            "COUNTER": {"C1": 4},
            "SR04": {"Distance": 3},
            "TX23": {"Speed": {"Act": 1}, "Dir": {"Deg": 3}},
            "ZbReceived": {"0x12": {"Device": "0x12", "Temperature": 3, "Click": "single"}},
            "TempUnit": "F",
            "PressureUnit": "mmHg",
        },
    ),
    (Tasmota, "tele/pole/STATE", {"Uptime": "1T00:00:01", "UptimeSec": 3, "POWER1": "ON", "Wifi": {"Signal": -60}}),
    (
        Tasmota,
        "stat/pole/STATUS0",
        {"Status": {"Topic": "pole"}, "StatusSNS": {"A": {"Temperature": 3}}, "StatusSTS": {"POWER": "ON"}},
    ),
    (Tasmota, "stat/pole/RESULT", {"Button1": {"Action": "SINGLE"}, "Switch2": {"Action": "ON"}}),
    (Tasmota, "tele/pole/INFO3", {"Info3": {"RestartReason": {"Reason": "x"}, "BootCount": 3}}),
    (
        Tasmota,
        "tasmota/discovery/0242AC110002/config",
        {"t": "pole", "ft": "%prefix%/%topic%/", "mac": "0242AC110002", "sw": "14"},
    ),
    (ShellyGen1, "shellies/announce", {"id": "shellyht-0A1B2C", "mac": "84CCA80A1B2C", "model": "SHHT-1"}),
    (
        ShellyGen1,
        "shellies/a/info",
        {"wifi_sta": {"rssi": -50}, "relays": [{"ison": True}], "meters": [{"power": 1}], "uptime": 3},
    ),
    (
        ShellyGen1,
        "shellies/a/status",
        {"motion": True, "lux": 3, "bat": 5, "tmp": {"value": 3, "units": "C", "is_valid": True}},
    ),
    (ShellyGen1, "shellies/a/input_event/0", {"event": "S", "event_cnt": 3}),
    (ShellyGen1, "shellies/a/ext_temperatures", {"0": {"tC": 3}}),
    (ShellyGen1, "shellies/a/light/0/status", {"ison": True}),
    (
        ShellyGen2,
        "yard/p/status/switch:0",
        {"output": True, "aenergy": {"total": 3}, "temperature": {"tC": 3}, "errors": ["overpower"]},
    ),
    (ShellyGen2, "p/status/em:0", {"a_voltage": 230, "total_act_power": 3, "n_current": None}),
    (ShellyGen2, "p/status/sys", {"uptime": 3, "ram_size": 9, "mac": "a", "fw_id": "b"}),
    (
        ShellyGen2,
        "p/events/rpc",
        {
            "src": "p",
            "method": "NotifyStatus",
            "params": {"ts": 1_780_000_000.5, "wifi": {"rssi": -3}, "input:0": {"state": True}},
        },
    ),
    (
        ShellyGen2,
        "p/events/rpc",
        {
            "src": "p",
            "method": "NotifyEvent",
            "params": {"ts": 1, "events": [{"component": "input:0", "event": "single_push", "ts": 1}]},
        },
    ),
    (
        OpenMqttGateway,
        "home/gw/BTtoMQTT/0242AC110002",
        {"id": "02:42:AC:11:00:02", "tempc": 3, "open": 30, "type": "CTMO", "volt": 3},
    ),
    (
        OpenMqttGateway,
        "home/gw/RTL_433toMQTT/M/1/7",
        {"model": "M", "id": 7, "channel": 1, "battery_ok": 1, "temperature_F": 50},
    ),
    (OpenMqttGateway, "home/gw/LORAtoMQTT", {"rssi": -3, "snr": 3, "hex": "00"}),
    (OpenMqttGateway, "home/gw/SYStoMQTT", {"uptime": 3, "rssi": -3, "version": "1", "tempc": 30}),
    (OpenMqttGateway, "home/gw/CLIMAtoMQTT/bme", {"tempc": 3, "tempf": 30, "hum": 4}),
    (OpenMqttGateway, "home/presence/gw", {"id": "02:42:AC:11:00:02", "distance": 3}),
    (HomeAssistant, "homeassistant/sensor/box/config", _CONFIG),
    (
        HomeAssistant,
        "homeassistant/device/box/config",
        {**_CONFIG, "cmps": {"a": {"p": "sensor"}, "b": {"p": "switch", "stat_t": "~/b"}}},
    ),
    (HomeAssistant, "homeassistant/climate/box/config", {**_CONFIG, "curr_temp_t": "~/t", "temp_unit": "F"}),
    (HomeAssistant, "homeassistant/sensor/box/state", 3),
    (HomeAssistant, "homeassistant/sensor/box/unit_of_measurement", "°C"),
]
_IDS = [f"{topic}-{number}" for number, (_, topic, _) in enumerate(OUTLINES)]


@pytest.mark.parametrize(("make", "topic", "outline"), OUTLINES, ids=_IDS)
def test_the_outline_itself_is_understood(make: Callable[[], Decoder], topic: str, outline: Any) -> None:
    assert sturdy(make(), message(topic, outline)) is not None


@pytest.mark.parametrize(("make", "topic", "outline"), OUTLINES, ids=_IDS)
@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_json_of_the_right_outline_with_wrong_values(
    make: Callable[[], Decoder], topic: str, outline: Any, data: st.DataObject
) -> None:
    sturdy(make(), message(topic, data.draw(mangled(outline))))


_TOPICS = [topic for _, topic, _ in OUTLINES] + [
    *("shellies/a/relay/0", "shellies/a/sensor/error", "shellies/a/online", "shellies/a/roller/0/pos", "shellies/a"),
    *("tele/a/LWT", "stat/a/POWER1", "cmnd/a/POWER", "tele/a/x/SENSOR", "tasmota/discovery/zz/config", "tele/SENSOR"),
    *(
        "a/online",
        "status/switch:0",
        "a/status/",
        "a/rpc",
        "events/rpc",
        "a/command/switch:0",
        "shellypro3-0242ac110002/online",
    ),
    *(
        "zigbee2mqtt/a/temperature",
        "zigbee2mqtt//a",
        "zigbee2mqtt/",
        "zigbee2mqtt/bridge",
        "zigbee2mqtt/a/set",
        "",
        "/",
    ),
    *(
        "home/gw/LWT",
        "BTtoMQTT",
        "home/gw/BTtoMQTT",
        "home/gw/433toMQTT",
        "home//BTtoMQTT/a",
        "home/gw/IRtoMQTT",
        "gw/version",
    ),
    *(
        "homeassistant/sensor/a/state",
        "homeassistant/status",
        "homeassistant",
        "homeassistant/sensor/a/b/config",
        "x/homeassistant/a/b/c",
    ),
]


@pytest.mark.parametrize("make", [Zigbee2Mqtt, Tasmota, ShellyGen1, ShellyGen2, OpenMqttGateway, HomeAssistant])
@settings(max_examples=examples(400), deadline=None)
@given(
    topic=st.sampled_from(_TOPICS) | st.text(max_size=40),
    payload=st.binary(max_size=60)
    | st.sampled_from([b"", b"null", b"{}", b"[]", b"on", b"online", b"true", b"1e400", b"\xff", b'""']),
)
def test_any_bytes_on_any_topic(make: Callable[[], Decoder], topic: str, payload: bytes) -> None:
    sturdy(make(), message(topic, payload))


@pytest.mark.parametrize(("make", "topic", "outline"), OUTLINES, ids=_IDS)
def test_deep_and_long_json_is_refused_or_bounded(make: Callable[[], Decoder], topic: str, outline: Any) -> None:
    decoder = make()
    sturdy(decoder, message(topic, b"[" * 100_000))
    sturdy(decoder, message(topic, b'{"a":' * 20_000 + b"1" + b"}" * 20_000))
    if isinstance(outline, dict):
        many = {**outline, **{f"k{n}": {"Temperature": n, "p": "sensor", "stat_t": f"t/{n}"} for n in range(3_000)}}
        sturdy(decoder, message(topic, many))
        nested: Any = {"leaf": 1}
        for _ in range(200):
            nested = {"n": nested}
        sturdy(decoder, message(topic, json.dumps({**outline, "deep": nested})))
