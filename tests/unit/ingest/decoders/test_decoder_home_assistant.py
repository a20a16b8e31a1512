from typing import Any

import pytest
from household_kit import left, message, report, reports, values

from ingest.decoders import ha_statestream, home_assistant
from ingest.decoders.base import RefusedError
from ingest.decoders.home_assistant import HomeAssistant
from ingest.messages import Kind


def announced(component: str = "sensor", object_id: str = "probe", **config: Any) -> HomeAssistant:
    """A decoder that has heard one discovery message; its entity reads ``yard/box``."""
    decoder = HomeAssistant()
    announce(decoder, component, object_id, **config)
    return decoder


def announce(decoder: HomeAssistant, component: str, object_id: str, **config: Any) -> None:
    whole = {"state_topic": "yard/box", "unique_id": object_id, "device": {"identifiers": ["box"]}, **config}
    topic = f"homeassistant/{component}/{object_id}/config"
    assert decoder.decode(message(topic, whole)).learned == topic


# ------------------------------------------------------------------------------------------------------- discovery


def test_discovery_tells_of_the_device() -> None:
    device = {
        "identifiers": ["box-7", "other"],
        "manufacturer": "Acme",
        "model": "B1",
        "name": "Box 7",
        "sw_version": "1.2",
        "hw_version": "C",
        "serial_number": "S7",
        "suggested_area": "Yard",
    }
    found = report(HomeAssistant(), "homeassistant/sensor/node/t/config", {"state_topic": "a", "device": device})
    assert (found.device, found.kind) == ("box-7", Kind.DISCOVERY)
    assert found.about[:5] == ("Acme", "B1", "Box 7", "1.2", "C")
    assert found.about.tags == {"serial_number": "S7", "area": "Yard"}


@pytest.mark.parametrize(
    ("config", "device"),
    [
        ({"dev": {"ids": "one"}, "uniq_id": "u"}, "one"),
        ({"dev": {"cns": [["mac", "02:42:ac:11:00:02"]]}, "uniq_id": "u"}, "02:42:ac:11:00:02"),
        ({"uniq_id": "u"}, "u"),
        ({}, "obj"),
    ],
)
def test_the_device_has_the_first_name_that_is_given(config: dict[str, Any], device: str) -> None:
    assert report(HomeAssistant(), "homeassistant/sensor/obj/config", {"stat_t": "a", **config}).device == device


def test_abbreviations_and_base_topic_at_either_end() -> None:
    decoder = HomeAssistant()
    config = {
        "~": "yard/7",
        "stat_t": "~/state",
        "avty": [{"t": "up/~", "pl_avail": "yes", "pl_not_avail": "no"}],
        "dev_cla": "distance",
        "unit_of_meas": "mm",
        "val_tpl": "{{ value_json.lvl }}",
        "dev": {"ids": ["box"], "mf": "Acme"},
        "o": {"name": "own"},
    }
    assert report(decoder, "homeassistant/sensor/box/config", config).about.vendor == "Acme"
    assert decoder.topics() == ["up/yard/7", "yard/7/state"]
    config["avty"] = [{"t": "~/up"}]
    report(decoder, "homeassistant/sensor/box/config", config)
    assert decoder.topics() == ["yard/7/state", "yard/7/up"]
    assert values(report(decoder, "yard/7/state", {"lvl": 1500})) == {"distance": 1.5}


@pytest.mark.parametrize(
    ("device_class", "unit", "said", "expected"),
    [
        ("temperature", "°F", "50", {"temperature": 10.0}),
        ("atmospheric_pressure", "hPa", "1000", {"pressure": 100000.0}),
        ("pressure", "psi", "1", {"pressure": 6894.757293168361}),
        ("battery", "%", "12", {"battery_percent": 12.0}),
        ("power_factor", "%", "85", {"power_factor": 0.85}),
        ("power_factor", None, "0.85", {"power_factor": 0.85}),
        ("energy", "kWh", "1.25", {"energy": 1250.0}),
        ("water", "L", "1500", {"meter_reading": 1.5}),
        ("volume_flow_rate", "L/min", "10", {"flow": 0.6}),
        ("signal_strength", "dBm", "-70", {"rssi": -70.0}),
        ("wind_speed", "mph", "10", {"wind_speed": 4.4704}),
        ("moisture", "%", "33", {"soil_moisture": 33.0}),
        ("pm25", "µg/m³", "8", {"pm2_5": 8.0}),
        ("illuminance", "lx", "9", {"illuminance": 9.0}),
        (None, "°C", "9", {"temperature": 9.0}),
    ],
)
def test_sensors(device_class: str | None, unit: str | None, said: str, expected: dict[str, float]) -> None:
    decoder = announced(device_class=device_class, unit_of_measurement=unit)
    found = report(decoder, "yard/box", said)
    assert values(found) == pytest.approx(expected)
    assert (found.device, found.unmapped) == ("box", [])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"device_class": "nitrogen_dioxide", "unit_of_measurement": "µg/m³"}, "5"),  # ppm takes a temperature to know
        ({"device_class": "temperature"}, "5"),
        ({"device_class": "aqi"}, "5"),
        ({"unit_of_measurement": "%"}, "5"),
        ({"device_class": "humidity", "unit_of_measurement": "%"}, "wet"),
        ({"device_class": "humidity", "unit_of_measurement": "%"}, "300"),
    ],
)
def test_what_is_not_certain_is_set_aside(config: dict[str, Any], said: str) -> None:
    found = report(announced(**config), "yard/box", said)
    assert (found.measurements, left(found)) == ([], {"probe": said})


@pytest.mark.parametrize("said", ["unknown", "unavailable", "None", "nan", '""'])
def test_no_reading_leaves_no_trace(said: str) -> None:
    template = "{{ value_json }}" if said == '""' else None
    found = report(announced(device_class="power", unit_of_measurement="W", value_template=template), "yard/box", said)
    assert (found.measurements, found.unmapped) == ([], [])


@pytest.mark.parametrize(
    ("component", "config", "said", "expected"),
    [
        ("binary_sensor", {"device_class": "door"}, "ON", {"contact_open": 1.0}),
        (
            "binary_sensor",
            {"device_class": "window", "payload_on": "open", "payload_off": "shut"},
            "shut",
            {"contact_open": 0.0},
        ),
        (
            "binary_sensor",
            {"device_class": "moisture", "pl_on": True, "val_tpl": "{{ value_json.wet }}"},
            '{"wet":true}',
            {"water_leak": 1.0},
        ),
        ("binary_sensor", {"device_class": "battery"}, "OFF", {"low_battery": 0.0}),
        ("binary_sensor", {"device_class": "occupancy"}, "ON", {"occupied": 1.0}),
        ("binary_sensor", {"device_class": "carbon_monoxide"}, "ON", {"gas_alarm@carbon_monoxide": 1.0}),
        ("switch", {"payload_on": "1", "payload_off": "0"}, "1", {"switch_on": 1.0}),
        ("switch", {"payload_on": "go", "state_on": "running", "state_off": "idle"}, "idle", {"switch_on": 0.0}),
        ("light", {"schema": "json"}, '{"state":"ON","brightness":3}', {"switch_on": 1.0}),
        ("light", {"stat_val_tpl": "{{ value_json.on }}"}, '{"on":"OFF"}', {"switch_on": 0.0}),
        ("valve", {}, "open", {"valve_open": 1.0}),
        ("cover", {"device_class": "gate"}, "closed", {"contact_open": 0.0}),
    ],
)
def test_flags(component: str, config: dict[str, Any], said: str, expected: dict[str, float]) -> None:
    found = report(announced(component, **config), "yard/box", said)
    assert values(found) == expected


@pytest.mark.parametrize(
    ("component", "config", "said"),
    [
        ("binary_sensor", {"device_class": "door"}, "on"),
        ("cover", {"device_class": "blind"}, "open"),
        ("lock", {}, "LOCKED"),
    ],
)
def test_a_word_or_thing_we_do_not_know_is_set_aside(component: str, config: dict[str, Any], said: str) -> None:
    found = report(announced(component, **config), "yard/box", said)
    assert (found.measurements, left(found)) == ([], {"probe": said})


def test_connectivity_is_the_devices_own_state() -> None:
    found = report(announced("binary_sensor", device_class="connectivity"), "yard/box", "OFF")
    assert (found.online, values(found)) == (False, {"online": 0.0})


def test_an_event_entity() -> None:
    found = report(announced("event"), "yard/box", {"event_type": "press"})
    assert found.happening is not None
    assert (found.kind, found.happening.event_type) == (Kind.EVENT, "action.press")


def test_one_topic_feeds_several_devices_and_channels_tell_sensors_of_one_kind_apart() -> None:
    decoder = announced(
        object_id="air", device_class="temperature", unit_of_measurement="°C", value_template="{{ value_json.a }}"
    )
    assert values(report(decoder, "yard/box", {"a": 1})) == {"temperature": 1.0}
    announce(
        decoder,
        "sensor",
        "ground",
        device_class="temperature",
        unit_of_measurement="°C",
        value_template="{{ value_json.g }}",
    )
    announce(
        decoder,
        "binary_sensor",
        "lid",
        device_class="door",
        value_template="{{ value_json.l }}",
        device={"ids": ["lid"]},
    )
    box, lid = reports(decoder, "yard/box", {"a": 1, "g": 2, "l": "ON"})
    assert (box.device, values(box)) == ("box", {"temperature@air": 1.0, "temperature@ground": 2.0})
    assert (lid.device, values(lid)) == ("lid", {"contact_open": 1.0})
    assert values(reports(decoder, "yard/box", {"g": 2})[0]) == {"temperature@ground": 2.0}, (
        "what is missing is no reading"
    )


def test_a_whole_device_in_one_message() -> None:
    decoder = HomeAssistant()
    config = {
        "dev": {"ids": ["box"]},
        "o": {"name": "own"},
        "~": "yard/box",
        "stat_t": "~/state",
        "avty_t": "~/up",
        "cmps": {
            "t": {"p": "sensor", "dev_cla": "temperature", "unit_of_meas": "°C", "val_tpl": "{{ value_json.t }}"},
            "s": {"p": "switch", "stat_t": "~/relay"},
            "gone": {"p": "sensor"},
        },
    }
    assert report(decoder, "homeassistant/device/box/config", config).device == "box"
    assert decoder.topics() == ["yard/box/relay", "yard/box/state", "yard/box/up"]
    found = report(decoder, "yard/box/state", {"t": 4})
    assert (values(found), found.unmapped) == ({"temperature": 4.0}, []), "a platform alone takes its component away"
    assert values(report(decoder, "yard/box/relay", "ON")) == {"switch_on": 1.0}
    del config["cmps"]["s"]
    report(decoder, "homeassistant/device/box/config", config)
    assert decoder.topics() == ["yard/box/state", "yard/box/up"]


def test_what_a_thermostat_measures() -> None:
    decoder = announced("climate", state_topic=None, curr_temp_t="yard/t", temp_unit="F", curr_hum_t="yard/h")
    assert values(report(decoder, "yard/t", "50")) == {"temperature": 10.0}
    assert values(report(decoder, "yard/h", "40")) == {"humidity": 40.0}


def test_an_empty_message_takes_an_entity_back() -> None:
    decoder = announced(device_class="power", unit_of_measurement="W")
    announce(decoder, "sensor", "second", device_class="power", unit_of_measurement="W", device={"ids": ["other"]})
    decoded = decoder.decode(message("homeassistant/sensor/probe/config", b""))
    assert (decoded.learned, decoded.reports[0].kind) == ("homeassistant/sensor/probe/config", Kind.IGNORED)
    assert [one.device for one in reports(decoder, "yard/box", "3")] == ["other"]
    decoder.decode(message("homeassistant/sensor/second/config", b""))
    assert decoder.topics() == []
    assert decoder.recognise(message("yard/box", "3")) is None
    with pytest.raises(RefusedError, match="announced by nobody"):
        decoder.decode(message("yard/box", "3"))


def test_what_was_learned_is_learned_again_after_a_start() -> None:
    decoder = HomeAssistant()
    config = {"stat_t": "yard/box", "dev_cla": "power", "unit_of_meas": "kW", "dev": {"ids": ["box"]}}
    decoder.learn(message("homeassistant/sensor/probe/config", config))
    decoder.learn(message("homeassistant/sensor/probe/config", config))
    assert values(report(decoder, "yard/box", "3")) == {"power": 3000.0}


def test_the_number_of_entities_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_assistant, "ENTITIES_MAX", 1)
    decoder = announced()
    decoded = decoder.decode(message("homeassistant/sensor/second/config", {"stat_t": "b"}))
    assert decoded.learned is None
    assert "not learned" in decoded.reports[0].unmapped[-1].why
    assert decoder.topics() == ["yard/box"]
    announce(decoder, "sensor", "probe", state_topic="yard/new")
    assert decoder.topics() == ["yard/new"], "one that is known may change"


@pytest.mark.parametrize(
    "config",
    [
        {"stat_t": "zigbee2mqtt/lamp", "dev": {"ids": ["zigbee2mqtt_0x01"]}, "o": {"name": "Zigbee2MQTT"}},
        {"stat_t": "home/gw/BTtoMQTT/0242AC110002"},
        {"stat_t": "tele/pole/SENSOR"},
        {"stat_t": "shellies/a/relay/0"},
    ],
)
def test_what_a_decoder_of_its_own_reads_is_not_announced_twice(config: dict[str, Any]) -> None:
    decoder = HomeAssistant()
    decoded = decoder.decode(message("homeassistant/sensor/probe/config", config))
    assert (decoded.reports[0].kind, decoded.learned, decoder.topics()) == (Kind.DIAGNOSTIC, None, [])


def test_a_template_we_do_not_evaluate_sets_its_values_aside_and_says_why() -> None:
    decoder = announced(value_template="{% for x in value_json %}{{ x }}{% endfor %}", device_class="power")
    found = report(decoder, "yard/box", "[1]")
    assert found.measurements == []
    assert found.unmapped[0].why == "templates with For are not evaluated"
    told = report(decoder, "homeassistant/sensor/probe/config", {"stat_t": "a", "val_tpl": "{{ states('x') }}"})
    assert told.unmapped[0].why == "templates with states are not evaluated"


def test_a_template_that_fails_sets_the_value_aside() -> None:
    decoder = announced(value_template="{{ value | float }}", device_class="power", unit_of_measurement="W")
    found = report(decoder, "yard/box", "much")
    assert (found.measurements, left(found), found.unmapped[0].why) == ([], {"probe": "much"}, "no number: much")


# ----------------------------------------------------------------------------------------------------- availability


@pytest.mark.parametrize(
    ("config", "said", "online"),
    [
        ({"avty_t": "yard/up"}, "online", True),
        ({"avty_t": "yard/up"}, "offline", False),
        ({"avty_t": "yard/up", "pl_avail": "1", "pl_not_avail": "0"}, "0", False),
        ({"avty_t": "yard/up", "avty_tpl": "{{ value_json.s }}"}, '{"s":"online"}', True),
        ({"avty": [{"t": "yard/up", "val_tpl": "{{ value_json.s }}"}]}, '{"s":"offline"}', False),
        ({"avty": [{"t": "yard/up"}, {"t": "yard/gw"}]}, "online", True),
        ({"avty": [{"t": "yard/up"}, {"t": "yard/gw"}], "avty_mode": "all"}, "online", None),
        ({"avty": [{"t": "yard/up"}, {"t": "yard/gw"}], "avty_mode": "all"}, "offline", False),
        ({"avty": [{"t": "yard/up"}, {"t": "yard/gw"}], "avty_mode": "any"}, "online", True),
        ({"avty": [{"t": "yard/up"}, {"t": "yard/gw"}], "avty_mode": "any"}, "offline", None),
        ({"avty_t": "yard/up"}, "perhaps", None),
    ],
)
def test_availability(config: dict[str, Any], said: str, online: bool | None) -> None:
    found = report(announced(**config), "yard/up", said)
    assert (found.device, found.kind, found.online) == ("box", Kind.STATUS, online)
    assert values(found) == ({} if online is None else {"online": float(online)})


# ------------------------------------------------------------------------------------------------------ statestream


@pytest.mark.parametrize("prefix", ["homeassistant", "city/house/homeassistant"])
def test_statestream_of_switches_and_their_attributes(prefix: str) -> None:
    decoder = HomeAssistant()
    found = report(decoder, f"{prefix}/switch/pump/state", "off")
    assert (found.device, found.kind, values(found)) == ("switch.pump", Kind.TELEMETRY, {"switch_on": 0.0})
    named = report(decoder, f"{prefix}/switch/pump/friendly_name", '"Pump"')
    assert (named.kind, named.about.name) == (Kind.ATTRIBUTE, "Pump")


def test_statestream_learns_unit_and_class() -> None:
    decoder = HomeAssistant()
    unheard = report(decoder, "homeassistant/sensor/pit/state", "1.5")
    assert (unheard.measurements, left(unheard)) == ([], {"state": "1.5"})
    for attribute, value in (("unit_of_measurement", '"cm"'), ("device_class", '"distance"')):
        one = message(f"homeassistant/sensor/pit/{attribute}", value)
        assert decoder.decode(one).learned == one.topic
    assert values(report(decoder, "homeassistant/sensor/pit/state", "150")) == {"distance": 1.5}
    decoder.learn(message("homeassistant/sensor/pit/device_class", b""))
    assert report(decoder, "homeassistant/sensor/pit/state", "150").measurements == []


def test_statestream_remembers_a_bounded_number_of_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ha_statestream, "ENTITIES_MAX", 1)
    decoder = HomeAssistant()
    for object_id, learned in (("a", True), ("b", False), ("a", True)):
        one = message(f"homeassistant/sensor/{object_id}/unit_of_measurement", '"W"')
        assert (decoder.decode(one).learned is not None) is learned


def test_statestream_of_a_contact() -> None:
    decoder = HomeAssistant()
    decoder.learn(message("homeassistant/binary_sensor/gate/device_class", '"door"'))
    assert values(report(decoder, "homeassistant/binary_sensor/gate/state", "on")) == {"contact_open": 1.0}


@pytest.mark.parametrize(
    ("said", "kind", "online"), [("unavailable", Kind.STATUS, False), ("unknown", Kind.DIAGNOSTIC, None)]
)
def test_statestream_without_a_reading(said: str, kind: Kind, online: bool | None) -> None:
    found = report(HomeAssistant(), "homeassistant/sensor/pit/state", said)
    assert (found.kind, found.online, found.unmapped) == (kind, online, [])


def test_an_announced_topic_wins_over_the_statestream() -> None:
    decoder = announced(state_topic="homeassistant/sensor/pit/state", device_class="power", unit_of_measurement="W")
    assert report(decoder, "homeassistant/sensor/pit/state", "3").device == "box"


def test_birth_and_last_will_of_home_assistant() -> None:
    assert report(HomeAssistant(), "homeassistant/status", "offline").online is False


@pytest.mark.parametrize(
    "topic", ["homeassistant", "homeassistant/sensor", "homeassistant/a/b/c/config", "other/sensor/a/config"]
)
def test_other_topics_are_not_recognised(topic: str) -> None:
    assert HomeAssistant().recognise(message(topic, "1")) is None
