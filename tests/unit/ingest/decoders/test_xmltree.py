"""XML from anybody: read, or refused quickly."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.base import RefusedError
from ingest.decoders.xmltree import DEPTH_MAX, NODES_MAX, json_tree, parse_xml
from schemas.quarantine import Reason


def test_reads_local_names_attributes_and_text() -> None:
    root = parse_xml(b'<a:x xmlns:a="urn:a" a:k="v"> one <b xmlns="urn:b">two</b> three <b/></a:x>')
    assert (root.name, root.text, dict(root.attributes)) == ("x", "one", {"k": "v"})
    assert [(child.name, child.text) for child in root.children] == [("b", "two"), ("b", "")]
    assert root.said("b") == "two"
    assert len(list(root.below("b"))) == 2


def test_reads_what_stands_before_and_behind_a_document() -> None:
    assert parse_xml(b'\r\n <?xml version="1.0"?><a/>\r\n\0').name == "a"


def test_reads_chinese_encodings() -> None:
    text = '<?xml version="1.0" encoding="GB2312"?><名>许昌</名>'
    assert parse_xml(text.encode("gb18030")).text == "许昌"
    with pytest.raises(RefusedError) as wrong:
        parse_xml(b'<?xml version="1.0" encoding="gbk"?><a>\xff</a>')
    assert wrong.value.refusal.reason is Reason.INVALID_UTF8


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "lol">{_LAUGHS}]><x>&l9;</x>'.encode(),
    "quadratic blowup": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 50_000 + b'">]><x>' + b"&a;" * 50_000 + b"</x>",
    "external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "external document type": b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><x/>',
    "parameter entity": b'<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1/x"> %a;]><x/>',
    "deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "one too deep": b"<a>" * (DEPTH_MAX + 1) + b"</a>" * (DEPTH_MAX + 1),
    "many elements": b"<a>" + b"<b/>" * NODES_MAX + b"</a>",
    "many attributes": b"<a " + b" ".join(b'k%d=""' % n for n in range(NODES_MAX + 1)) + b"/>",
    "undefined entity": b"<x>&nobody;</x>",
    "unknown encoding": b'<?xml version="1.0" encoding="nonsense"?><x/>',
    "no codec of text": b'<?xml version="1.0" encoding="hex"?><x/>',
    "encoding of several bytes": b'<?xml version="1.0" encoding="shift_jis"?><x/>',
    "unbound prefix": b"<a:x/>",
    "cut off": b"<x><y>",
    "two roots": b"<x/><y/>",
    "nothing": b"",
    "text": b"hello",
    "garbage": bytes(range(256)),
}


@pytest.mark.parametrize("payload", BOMBS.values(), ids=BOMBS.keys())
def test_refuses_bombs_and_what_is_no_xml(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_xml(payload)
    assert refused.value.refusal.reason is Reason.MALFORMED_XML
    assert refused.value.refusal.detail


def test_takes_what_is_just_within_the_bounds() -> None:
    assert len(list(parse_xml(b"<a>" * DEPTH_MAX + b"</a>" * DEPTH_MAX).walk())) == DEPTH_MAX
    assert len(list(parse_xml(b"<a>" + b"<b/>" * (NODES_MAX - 1) + b"</a>").walk())) == NODES_MAX


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(st.sampled_from("<>/=\"'&;a!?-[] "), max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    with suppress(RefusedError):
        assert parse_xml(b"<" + payload).name


def test_json_becomes_the_same_nodes() -> None:
    root = json_tree("root", {"a": [{"b": 1}, {"b": "x"}], "c": True, "d": None, "e": [[2]]})
    assert [node.text for node in root.below("b")] == ["1", "x"]
    assert (root.said("c"), root.said("d")) == ("true", None)
    assert [node.text for node in root.below("e")] == ["", "2"]


def test_json_beyond_reason_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(DEPTH_MAX):
        deep = {"a": deep}
    for value in (deep, {"a": list(range(NODES_MAX))}):
        with pytest.raises(RefusedError):
            json_tree("root", value)
    assert json_tree("root", 10**4000).text == ""
