from hypothesis import given
from hypothesis import strategies as st
from industrial_kit import decode
from sparkplug_kit import T0, bd_seq, payload

from ingest.decoders.catalogue import Catalogue
from ingest.decoders.sparkplug.wire import MESSAGES

TOPICS = st.builds(
    "spBv1.0/{}/{}/{}{}".format,
    st.sampled_from(["g", "группа", "g g"]),
    st.sampled_from(["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH", "NCMD", "DCMD", "STATE"]),
    st.sampled_from(["n", "m", " ", "n  n"]),
    st.sampled_from(["", "/d", "/e", "/d/e", "/"]),
)
VALUES = st.one_of(
    st.fixed_dictionaries({"int_value": st.integers(0, 2**32 - 1)}),
    st.fixed_dictionaries({"long_value": st.integers(0, 2**64 - 1)}),
    st.fixed_dictionaries({"float_value": st.floats(width=32)}),
    st.fixed_dictionaries({"double_value": st.floats()}),
    st.fixed_dictionaries({"boolean_value": st.booleans()}),
    st.fixed_dictionaries({"string_value": st.text(max_size=20) | st.sampled_from(["kPa", "12 m", "on", "1e400"])}),
    st.fixed_dictionaries({"bytes_value": st.binary(max_size=8)}),
    st.just({}),
)
NAMES = st.sampled_from(
    ["Pressure/Out", "Level", "Fault", "Units", "Battery/Voltage", "bdSeq", "Properties/Uptime", "Node Control/Rebirth"]
) | st.text(max_size=12)


@st.composite
def metrics(draw: st.DrawFn) -> dict:
    out = dict(draw(VALUES))
    for name, values in (
        ("name", NAMES),
        ("alias", st.integers(0, 5) | st.integers(0, 2**64 - 1)),
        ("timestamp", st.integers(T0, T0 + 10) | st.integers(0, 2**64 - 1)),
        ("datatype", st.integers(0, 40)),
        ("is_null", st.booleans()),
        ("is_historical", st.booleans()),
    ):
        if draw(st.booleans()):
            out[name] = draw(values)
    if draw(st.booleans()):
        out["props"] = draw(st.dictionaries(st.sampled_from(["engUnit", "x"]), st.sampled_from(["bar", "%", "?"])))
    return out


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    said = MESSAGES["Payload"].FromString(
        payload(
            draw(st.none() | st.integers(0, 300)),
            *draw(st.lists(metrics(), max_size=6)),
            at=draw(st.none() | st.integers(T0, T0 + 5) | st.integers(0, 2**64 - 1)),
        )
    )
    if said.metrics and draw(st.booleans()):
        said.metrics[0].template_value.metrics.append(said.metrics[-1])
        said.metrics[0].template_value.is_definition = draw(st.booleans())
    return said.SerializeToString()


@given(TOPICS, st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(topic: str, said: bytes) -> None:
    decode(topic, said)


@given(st.lists(st.tuples(TOPICS, payloads() | st.binary(max_size=30)), max_size=12))
def test_any_history_of_payloads_is_read_or_refused(history: list[tuple[str, bytes]]) -> None:
    catalogue = Catalogue()
    for topic, said in history:
        decode(topic, said, catalogue)


@given(payloads(), st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_payload_is_read_or_refused(said: bytes, at: int, byte: int) -> None:
    catalogue = Catalogue()
    decode("spBv1.0/g/NBIRTH/n", payload(0, bd_seq(0)), catalogue)
    damaged = said[:at] + bytes([byte]) + said[at + 1 :]
    for kind in ("DBIRTH", "DDATA", "DDEATH"):
        decode(f"spBv1.0/g/{kind}/n/d", damaged, catalogue)
        decode(f"spBv1.0/g/{kind}/n/d", said[:at], catalogue)
