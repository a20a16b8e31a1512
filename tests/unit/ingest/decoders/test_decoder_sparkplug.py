import gzip
import zlib

import pytest
from sparkplug_kit import (
    ARRIVED,
    DOUBLE,
    FLOAT,
    INT8,
    INT16,
    INT32,
    INT64,
    T0,
    UINT64,
    bd_seq,
    message,
    number,
    payload,
    text,
    truth,
)

from ingest.decoders.base import Message, RefusedError, Stateful
from ingest.decoders.catalogue import Catalogue
from ingest.decoders.sparkplug.decoder import SparkplugB
from ingest.decoders.sparkplug.nodes import ASK_AGAIN_AFTER, NODE_TAGS_MAX, Node, Nodes
from ingest.decoders.sparkplug.tags import Table
from ingest.decoders.sparkplug.wire import MESSAGES, METRICS_MAX
from ingest.messages import Decoded, Kind, Numbering
from schemas.quarantine import Reason

NODE = "works/plc1"
PUMP = "works/plc1/P-7"
PUMP_TAGS = (
    number("Pressure/Outlet", 4.0, 1, props={"engUnit": "bar"}),
    number("Flow/Rate", 12.5, 2, props={"Engineering Units": "L/s"}),
    truth("Fault", value=False, alias=3),
    number("Battery/Voltage", 3.6, 4),
)


def born() -> SparkplugB:
    decoder = SparkplugB()
    decoder.decode(message("NBIRTH", payload(0, bd_seq(4), text("Properties/Hardware Make", "Acme"))))
    decoder.decode(message("DBIRTH", payload(1, *map(dict, PUMP_TAGS), at=T0 + 10), "P-7"))
    return decoder


def pump_data(seq: int, *metrics: dict, at: int = T0 + 1000) -> Message:
    return message("DDATA", payload(seq, *metrics, at=at), "P-7")


def values(decoded: Decoded) -> dict[str, float]:
    return {
        f"{one.observed_property}{'@' if one.channel else ''}{one.channel}": one.value
        for one in decoded.reports[0].measurements
    }


# ---------------------------------------------------------------------------------------------------------- births


def test_the_birth_of_a_node_says_what_it_is_and_is_to_be_kept() -> None:
    birth = payload(
        0,
        bd_seq(4),
        truth("Node Control/Rebirth", value=False),
        text("Properties/Hardware Make", "Acme"),
        text("Properties/Hardware Model", "Edge 5"),
        text("Properties/FW", "2.1"),
        text("Properties/Site", "North"),
        number("Properties/Load", 0.5),
    )
    decoded = SparkplugB().decode(message("NBIRTH", birth))
    (report,) = decoded.reports
    assert (report.device, report.kind, report.online, report.time_ms) == (NODE, Kind.BIRTH, True, T0)
    assert values(decoded) == {"online": 1.0}
    assert (report.about.vendor, report.about.model, report.about.firmware) == ("Acme", "Edge 5", "2.1")
    assert report.about.tags == {"Site": "North"}
    assert report.about.gateway is None
    assert report.numbering == Numbering(0, 256, "4", turn=str(T0))
    assert [one.name for one in report.unmapped] == ["Properties/Load"]
    assert decoded.learned == "sparkplug-b:works/plc1"
    assert not decoded.requests


def test_the_birth_of_a_device_has_values_with_their_units() -> None:
    decoder = SparkplugB()
    decoder.decode(message("NBIRTH", payload(0, bd_seq(4))))
    decoded = decoder.decode(message("DBIRTH", payload(1, *map(dict, PUMP_TAGS)), "P-7"))
    assert values(decoded) == {
        "online": 1.0,
        "pressure": 400_000.0,
        "flow": 45.0,
        "fault": 0.0,
        "battery_voltage": 3.6,
    }
    assert decoded.reports[0].about.gateway == NODE
    assert decoded.reports[0].numbering == Numbering(1, 256, "4", NODE, str(T0))
    assert decoded.learned == "sparkplug-b:works/plc1/P-7"


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ([number("Level", 2.5), text("Units", "m")], {"water_level": 2.5}),
        ([number("Level", 40.0), text("Units", "%")], {"fill_level": 40.0}),
        ([number("Level", 2.5)], {}),  # metres or percent, nobody said
        ([number("Pressure/In", 1.0), text("Pressure/Units", "bar"), text("Units", "kPa")], {"pressure": 100_000.0}),
        ([number("Pressure", 1.0), text("Pressure/Units", "bar")], {"pressure": 100_000.0}),
        ([number("Hall/Pump/Pressure", 1.0), text("Hall/Units", "bar")], {"pressure": 100_000.0}),
        ([number("Hall/Pump/Pressure", 1.0), text("Yard/Units", "bar")], {}),
        ([number("Pressure (kPa)", 3.0)], {"pressure": 3000.0}),
        ([number("level_mm", 1700.0)], {"water_level": 1.7}),
        ([number("PT-101", 3.0, props={"engUnit": "kPa"})], {"pressure": 3000.0}),
        ([number("Scans", 3.0), text("Units", "kPa")], {}),  # a unit of all says nothing about this one
        ([number("Value", 3.0), text("Units", "kPa")], {"pressure": 3000.0}),
        ([number("Temperature", 20.0), text("Units", "kPa")], {"temperature": 20.0}),
        ([number("Temperature/Setpoint", 20.0)], {}),
        ([truth("Door/Closed", value=True)], {"contact_open": 0.0}),
        ([text("Fault", "on")], {"fault": 1.0}),
        ([number("Battery", 80.0, props={"engUnit": "%"})], {"battery_percent": 80.0}),
    ],
)
def test_names_and_units_become_properties(metrics: list[dict], expected: dict[str, float]) -> None:
    decoded = SparkplugB().decode(message("DBIRTH", payload(1, *metrics), "X"))
    assert values(decoded) == {"online": 1.0, **expected}


def test_equal_properties_are_told_apart_and_a_single_one_is_not() -> None:
    units = {"engUnit": "kPa"}
    decoded = SparkplugB().decode(
        message(
            "DBIRTH",
            payload(
                1,
                number("Pressure/Suction", 1.0, props=units),
                number("Pressure/Discharge", 2.0, props=units),
                number("Motor/Temperature", 3.0),
            ),
            "X",
        )
    )
    assert values(decoded) == {
        "online": 1.0,
        "pressure@suction": 1000.0,
        "pressure@discharge": 2000.0,
        "temperature": 3.0,
    }


def test_equal_names_in_other_words_are_told_apart_by_the_whole_name() -> None:
    decoded = SparkplugB().decode(message("DBIRTH", payload(1, number("Temp", 1.0), number("Temperature", 2.0)), "X"))
    assert values(decoded) == {"online": 1.0, "temperature@Temp": 1.0, "temperature@Temperature": 2.0}


# ------------------------------------------------------------------------------------------------------------ data


def test_aliases_of_the_birth_name_what_data_measures() -> None:
    metrics = ({"alias": 1, "double_value": 4.5, "timestamp": T0 + 900}, {"alias": 3, "boolean_value": True})
    decoded = born().decode(pump_data(2, *metrics))
    (report,) = decoded.reports
    assert (report.device, report.kind, report.time_ms) == (PUMP, Kind.TELEMETRY, T0 + 1000)
    assert [(one.observed_property, one.value, one.time_ms) for one in report.measurements] == [
        ("pressure", 450_000.0, T0 + 900),
        ("fault", 1.0, T0 + 1000),
    ]
    assert not decoded.requests


def test_null_is_no_reading_and_leaves_no_trace() -> None:
    decoded = born().decode(pump_data(2, {"alias": 1, "is_null": True, "double_value": 0.0}, {"alias": 3}))
    assert decoded.refusal is None
    assert decoded.reports[0].measurements == []
    assert decoded.reports[0].unmapped == []


def test_history_keeps_its_own_time() -> None:
    old = {"alias": 1, "double_value": 4.0, "is_historical": True}
    decoded = born().decode(pump_data(2, {**old, "timestamp": T0 - 3_600_000}, old))
    (report,) = decoded.reports
    assert [one.time_ms for one in report.measurements] == [T0 - 3_600_000]
    assert [one.why for one in report.unmapped] == ["history without its time"]


def test_a_clock_that_was_never_set_gives_no_time() -> None:
    decoded = born().decode(pump_data(2, {"alias": 1, "double_value": 4.0, "timestamp": 1234}, at=5678))
    assert decoded.reports[0].time_ms is None
    assert decoded.reports[0].measurements[0].time_ms is None


@pytest.mark.parametrize(
    ("datatype", "field", "held", "value"),
    [
        (INT8, "int_value", 0xFB, -5),
        (INT8, "int_value", 0xFFFFFFFB, -5),
        (INT16, "int_value", 0xFFFB, -5),
        (INT32, "int_value", 0xFFFFFFFB, -5),
        (INT32, "long_value", 0xFFFFFFFFFFFFFFFB, -5),
        (INT64, "long_value", 0xFFFFFFFFFFFFFFFB, -5),
        (INT8, "int_value", 127, 127),
        (INT64, "long_value", 12, 12),
        (UINT64, "long_value", 1800, 1800),
        (FLOAT, "float_value", 0.5, 0.5),
    ],
)
def test_integers_have_the_sign_of_their_datatype(datatype: int, field: str, held: float, value: float) -> None:
    metric = {"name": "Temperature", "datatype": datatype, field: held}
    assert values(SparkplugB().decode(message("DBIRTH", payload(1, metric), "X")))["temperature"] == value


def test_an_integer_beyond_its_datatype_is_not_believed() -> None:
    metric = {"name": "Temperature", "datatype": INT8, "int_value": 70_000}
    decoded = SparkplugB().decode(message("DBIRTH", payload(1, metric), "X"))
    assert values(decoded) == {"online": 1.0}
    assert [(one.name, one.value) for one in decoded.reports[0].unmapped] == [("Temperature", 70_000)]


def test_nan_measures_nothing() -> None:
    decoded = born().decode(pump_data(2, {"alias": 1, "double_value": float("nan")}))
    assert decoded.reports[0].measurements == []
    assert decoded.reports[0].unmapped[0].value == "nan"


def test_a_name_that_was_in_no_birth_is_read_by_itself() -> None:
    new = (
        number("Temperature", 21.0),
        number("Whatever", 1.0),
        number("Pressure/Inlet", 1.0, props={"engUnit": "bar"}),
    )
    decoded = born().decode(pump_data(2, *new))
    assert values(decoded) == {"temperature": 21.0, "pressure@Pressure/Inlet": 100_000.0}
    assert [one.name for one in decoded.reports[0].unmapped] == ["Whatever"]
    assert decoded.refusal is None


def test_members_of_a_template_are_read_below_its_name() -> None:
    decoder = SparkplugB()
    template = {"name": "Motor", "alias": 8, "datatype": 19}
    inner = MESSAGES["Metric"](name="Temperature", datatype=DOUBLE, double_value=55.0)
    birth = MESSAGES["Payload"].FromString(payload(1, template))
    birth.metrics[0].template_value.metrics.append(inner)
    decoded = decoder.decode(message("DBIRTH", birth.SerializeToString(), "X"))
    assert values(decoded) == {"online": 1.0, "temperature": 55.0}
    later = MESSAGES["Payload"].FromString(payload(2, {"alias": 8}))
    inner.double_value = 60.0
    later.metrics[0].template_value.metrics.append(inner)
    assert values(decoder.decode(message("DDATA", later.SerializeToString(), "X"))) == {"temperature": 60.0}


def test_what_is_no_scalar_is_told() -> None:
    metric = {"name": "Picture", "datatype": 17, "bytes_value": b"\xff\xd8"}
    decoded = SparkplugB().decode(message("DBIRTH", payload(1, metric), "X"))
    assert [(one.name, one.value, one.why) for one in decoded.reports[0].unmapped] == [("Picture", None, "bytes")]


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_compressed_payload_is_unpacked(pack: object) -> None:
    body = payload(None, {"alias": 1, "double_value": 5.0}, at=T0 + 1000)
    packed = payload(2, at=T0 + 1000, uuid="SPBV1.0_COMPRESSED", body=pack(body))  # type: ignore[operator]
    decoded = born().decode(message("DDATA", packed, "P-7"))
    assert values(decoded) == {"pressure": 500_000.0}
    assert decoded.reports[0].numbering == Numbering(2, 256, "4", NODE, str(T0))


@pytest.mark.parametrize(
    "body", [b"", b"no", gzip.compress(bytes(64 << 20), mtime=0), gzip.compress(b"\0" * 99, mtime=0)[:-12]]
)
def test_a_body_that_cannot_be_unpacked_is_refused(body: bytes) -> None:
    decoded = born().decode(message("DDATA", payload(2, uuid="SPBV1.0_COMPRESSED", body=body), "P-7"))
    assert decoded.refusal is not None
    assert decoded.refusal.reason is Reason.MALFORMED


# -------------------------------------------------------------------------------------------------- what is missing


def test_data_without_a_birth_is_refused_and_a_rebirth_asked_for_once() -> None:
    decoder = SparkplugB()
    data = payload(9, {"alias": 1, "double_value": 1.0}, {"alias": 2, "double_value": 1.0})
    decoded = decoder.decode(message("DDATA", data, "P-7", prefix="bridge/"))
    assert decoded.reports == ()
    assert decoded.device == PUMP
    assert decoded.refused == 2
    assert decoded.refusal is not None
    assert decoded.refusal.reason is Reason.UNKNOWN_ALIAS
    (request,) = decoded.requests
    assert request.topic == "bridge/spBv1.0/works/NCMD/plc1"
    command = MESSAGES["Payload"].FromString(request.payload)
    assert command.timestamp == ARRIVED
    assert [(one.name, one.datatype, one.boolean_value) for one in command.metrics] == [
        ("Node Control/Rebirth", 11, True)
    ]
    asked = [
        bool(decoder.decode(message("DDATA", payload((10 + i) % 256, {"alias": 1}, at=T0 + i), "P-7")).requests)
        for i in range(2 * ASK_AGAIN_AFTER)
    ]
    assert [i for i, one in enumerate(asked) if one] == [ASK_AGAIN_AFTER - 1, 2 * ASK_AGAIN_AFTER - 1]


def test_a_birth_ends_the_asking_and_a_later_gap_begins_it_anew() -> None:
    decoder = born()
    assert decoder.decode(pump_data(5)).requests
    assert not decoder.decode(pump_data(9, at=T0 + 1001)).requests
    decoder.decode(message("NBIRTH", payload(0, bd_seq(5), at=T0 + 2000)))
    assert decoder.decode(message("NDATA", payload(3, at=T0 + 2100))).requests


def test_known_aliases_are_taken_though_others_are_unknown() -> None:
    decoded = born().decode(pump_data(2, {"alias": 99, "double_value": 1.0}, {"alias": 1, "double_value": 5.0}))
    assert values(decoded) == {"pressure": 500_000.0}
    assert decoded.refused == 1
    assert decoded.refusal is not None
    assert (decoded.refusal.reason, decoded.refusal.field) == (Reason.UNKNOWN_ALIAS, "metrics[0]")
    assert "alias 99" in decoded.refusal.detail
    assert len(decoded.requests) == 1


def test_aliases_belong_to_the_device_they_were_born_with() -> None:
    decoder = born()
    decoder.decode(message("DBIRTH", payload(2, number("Temperature", 9.0, 1)), "T-1"))
    assert values(decoder.decode(message("DDATA", payload(3, {"alias": 1, "double_value": 8.0}), "T-1"))) == {
        "temperature": 8.0
    }
    assert values(decoder.decode(pump_data(4, {"alias": 1, "double_value": 8.0}))) == {"pressure": 800_000.0}


def test_numbers_go_round_without_a_gap() -> None:
    decoder = born()
    asked = [decoder.decode(pump_data(seq % 256, at=T0 + seq)).requests for seq in range(2, 600)]
    assert not any(asked)


def test_a_missing_number_is_noticed_and_the_data_taken() -> None:
    decoder = born()
    decoder.decode(pump_data(2, at=T0 + 20))
    decoded = decoder.decode(pump_data(4, {"alias": 1, "double_value": 5.0}, at=T0 + 40))
    assert values(decoded) == {"pressure": 500_000.0}
    assert len(decoded.requests) == 1


def test_what_is_delivered_again_is_read_again_and_is_no_gap() -> None:
    decoder = born()
    sent = [pump_data(seq, {"alias": 1, "double_value": float(seq)}, at=T0 + seq * 10) for seq in range(2, 8)]
    first = [decoder.decode(one) for one in sent]
    again = [decoder.decode(one) for one in sent[2:]]
    assert again == first[2:]
    after = decoder.decode(pump_data(8, at=T0 + 80))
    assert not any(one.requests for one in (*first, *again, after))


def test_births_delivered_again_change_nothing() -> None:
    decoder = born()
    decoder.decode(pump_data(2, at=T0 + 20))
    node = decoder.decode(message("NBIRTH", payload(0, bd_seq(4), text("Properties/Hardware Make", "Acme"))))
    assert (node.reports[0].kind, node.requests) == (Kind.BIRTH, ())
    decoded = decoder.decode(pump_data(3, {"alias": 1, "double_value": 5.0}, at=T0 + 30))
    assert values(decoded) == {"pressure": 500_000.0}
    assert not decoded.requests
    decoder.decode(message("NBIRTH", payload(0, bd_seq(4))))
    assert decoder.decode(pump_data(5, at=T0 + 50)).requests  # where the numbers stood is not forgotten


def test_after_a_new_birth_of_the_node_its_devices_must_be_born_again() -> None:
    decoder = born()
    decoder.decode(message("NBIRTH", payload(0, bd_seq(5), at=T0 + 5000)))
    decoded = decoder.decode(pump_data(1, {"alias": 1, "double_value": 5.0}, at=T0 + 5001))
    assert decoded.refusal is not None
    assert decoded.refusal.reason is Reason.UNKNOWN_ALIAS


def test_a_device_born_before_its_node_was_heard_is_read_and_the_node_asked() -> None:
    decoder = SparkplugB()
    decoded = decoder.decode(message("DBIRTH", payload(7, *map(dict, PUMP_TAGS)), "P-7"))
    assert len(decoded.requests) == 1
    assert values(decoder.decode(pump_data(8, {"alias": 1, "double_value": 5.0}))) == {"pressure": 500_000.0}


def test_it_is_given_back_what_it_learned() -> None:
    decoder = SparkplugB()
    assert isinstance(decoder, Stateful)
    assert decoder.topics() == ()


def test_what_was_learned_in_an_earlier_life_reads_data_of_this_one() -> None:
    decoder = SparkplugB()
    births = [
        message("DBIRTH", payload(1, *map(dict, PUMP_TAGS), at=T0 + 10), "P-7"),
        message("NBIRTH", payload(0, bd_seq(4))),  # kept by key, so they may come in any order
        message("DDATA", payload(1), "P-7"),
        message("NBIRTH", b"\xff\xff"),
        Message("elsewhere", b"", 0),
    ]
    for one in births:
        decoder.learn(one)
    decoded = decoder.decode(pump_data(77, {"alias": 1, "double_value": 5.0}))
    assert values(decoded) == {"pressure": 500_000.0}
    assert not decoded.requests  # where the numbers stand, an earlier life knew
    assert decoder.decode(pump_data(79, at=T0 + 2000)).requests


# ----------------------------------------------------------------------------------------------------------- deaths


def test_the_death_of_a_device_is_its_own() -> None:
    decoder = born()
    decoded = decoder.decode(message("DDEATH", payload(2, at=T0 + 50), "P-7"))
    (report,) = decoded.reports
    assert (report.device, report.kind, report.online, report.time_ms) == (PUMP, Kind.DEATH, False, T0 + 50)
    assert values(decoded) == {"online": 0.0}
    assert decoder.decode(pump_data(3, {"alias": 1, "double_value": 1.0})).refusal is not None


def test_the_death_of_a_node_is_that_of_its_devices() -> None:
    decoder = born()
    death = message("NDEATH", payload(None, bd_seq(4), at=T0 + 9000))
    decoded = decoder.decode(death)
    assert [(one.device, one.kind, one.online, one.time_ms) for one in decoded.reports] == [
        (NODE, Kind.DEATH, False, T0 + 9000),
        (PUMP, Kind.DEATH, False, T0 + 9000),
    ]
    assert decoder.decode(death) == decoded  # QoS 1: it may come twice
    assert decoder.decode(pump_data(3, {"alias": 1, "double_value": 1.0})).refusal is not None


def test_a_stale_will_is_ignored() -> None:
    decoder = born()
    decoder.decode(message("NBIRTH", payload(0, bd_seq(5), at=T0 + 5000)))
    decoded = decoder.decode(message("NDEATH", payload(None, bd_seq(4), at=T0 + 5001)))
    (report,) = decoded.reports
    assert (report.device, report.kind, report.online) == (NODE, Kind.IGNORED, None)
    assert decoder.decode(message("NDATA", payload(1, at=T0 + 5002))).refusal is None


def test_a_will_written_before_the_birth_is_timed_by_its_arrival() -> None:
    decoded = born().decode(message("NDEATH", payload(None, bd_seq(4), at=T0 - 5)))
    assert {one.time_ms for one in decoded.reports} == {None}


def test_the_death_of_a_node_nobody_knew_counts() -> None:
    decoded = SparkplugB().decode(message("NDEATH", payload(None, bd_seq(4))))
    assert [one.kind for one in decoded.reports] == [Kind.DEATH]


# ------------------------------------------------------------------------------------------ hosts, commands, topics


@pytest.mark.parametrize(
    ("topic", "said", "online", "time_ms"),
    [
        ("spBv1.0/STATE/scada", b'{"online":true,"timestamp":1760000000000}', True, T0),
        ("spBv1.0/STATE/scada", b'{"online":false}', False, None),
        ("STATE/scada", b"ONLINE", True, None),
        ("STATE/scada", b"OFFLINE", False, None),
    ],
)
def test_hosts_say_whether_they_are_there(topic: str, said: bytes, online: bool, time_ms: int | None) -> None:
    decoded = Catalogue().decode(Message(topic, said, ARRIVED))
    (report,) = decoded.reports
    assert (report.device, report.kind, report.online, report.time_ms) == ("scada", Kind.STATUS, online, time_ms)


@pytest.mark.parametrize("said", [b"{}", b'{"online":1}', b"maybe", b"[]", b"\xff"])
def test_a_state_that_says_nothing_is_refused(said: bytes) -> None:
    assert Catalogue().decode(Message("spBv1.0/STATE/scada", said, ARRIVED)).refusal is not None


@pytest.mark.parametrize("topic", ["spBv1.0/g/NCMD/n", "spBv1.0/g/DCMD/n/d"])
def test_commands_are_not_ours_to_read(topic: str) -> None:
    decoded = Catalogue().decode(Message(topic, b"anything", ARRIVED))
    assert [one.kind for one in decoded.reports] == [Kind.IGNORED]


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/g/NBIRTH",
        "spBv1.0/g/NBIRTH/n/d",
        "spBv1.0/g/DDATA/n",
        "spBv1.0/g/XDATA/n",
        "spBv1.0//NDATA/n",
        "spBv1.0",
    ],
)
def test_other_topics_are_refused(topic: str) -> None:
    refusal = Catalogue().decode(Message(topic, payload(0), ARRIVED)).refusal
    assert refusal is not None
    assert refusal.reason is Reason.UNKNOWN_TOPIC


@pytest.mark.parametrize(
    ("topic", "said", "taken"),
    [
        ("city/spBv1.0/g/NDATA/n", b"", True),
        ("spBv1.0/g/NDATA/n", b"", True),
        ("STATE/host", b"ONLINE", True),
        ("STATE/host", b'{"POWER":"ON"}', False),
        ("tele/STATE/host", b"ONLINE", False),
        ("a/spBv1.0", b"", False),
    ],
)
def test_what_is_recognised(topic: str, said: bytes, taken: bool) -> None:
    assert (SparkplugB().recognise(Message(topic, said, 0)) is not None) is taken


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"\xff\xff\xff", Reason.MALFORMED),
        (b'{"json": true}', Reason.MALFORMED),
        (b"", Reason.SCHEMA),
        (b"\x12\x04\x0a\x02\xff\xfe", Reason.INVALID_UTF8),
        (payload(1, {"name": "x" * 300, "double_value": 1.0}), Reason.SCHEMA),
        (b"\x12\x00" * (METRICS_MAX + 1), Reason.SCHEMA),
        (b"\x0b" * 5000, Reason.MALFORMED),  # groups in groups
    ],
)
def test_what_is_no_payload_is_refused(said: bytes, reason: Reason) -> None:
    for kind, device in (("DBIRTH", "X"), ("NBIRTH", None)):
        decoded = SparkplugB().decode(message(kind, said, device))
        assert decoded.refusal is not None
        assert (decoded.refusal.reason, decoded.reports) == (reason, ())
        assert decoded.device is not None


def test_a_device_id_that_no_log_holds_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        SparkplugB().decode(message("NDATA", payload(1), node="n" * 200))
    assert refused.value.refusal.field == "topic"


# ----------------------------------------------------------------------------------------------------------- bounds


def table(tags: int) -> Table:
    birth = MESSAGES["Payload"].FromString(payload(0, *({"name": f"t{i}", "datatype": DOUBLE} for i in range(tags))))
    return Table(birth, None)


def test_the_node_silent_longest_is_forgotten_when_there_are_too_many() -> None:
    nodes = Nodes(tags_max=1000)
    for name in ("a", "b", "c"):
        nodes.of(name).table = table(300)
        nodes.weigh(name)
    nodes.of("a")
    nodes.of("d").table = table(300)
    nodes.weigh("d")
    assert nodes.weight <= 1000
    assert nodes.of("a").table is not None
    assert nodes.of("b").table is None


def test_metrics_in_templates_count() -> None:
    birth = MESSAGES["Payload"](timestamp=T0)
    template = birth.metrics.add(name="t").template_value
    template.metrics.extend([MESSAGES["Metric"](name="x", double_value=1.0)] * (METRICS_MAX + 1))
    refusal = SparkplugB().decode(message("NBIRTH", birth.SerializeToString())).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.field) == (Reason.SCHEMA, "metrics")


def test_one_node_may_not_hold_everything() -> None:
    nodes = Nodes(node_tags_max=100)
    nodes.of("a")
    with pytest.raises(RefusedError):
        nodes.admit("a", "d", table(200))
    assert NODE_TAGS_MAX >= METRICS_MAX


def test_the_row_of_numbers_knows_what_it_has_seen() -> None:
    node = Node()
    assert node.follows(200, 1)
    assert node.follows(201, 2)
    assert node.follows(200, 1)
    assert not node.follows(203, 3)
    assert node.follows(204, 3)
