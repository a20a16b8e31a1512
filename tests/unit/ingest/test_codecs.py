"""Vendors' codecs: which one is for a device, what it may do, and what it cannot do to anybody else."""

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.codecs.examples import different, run_examples
from ingest.codecs.library import Library, LibraryError
from ingest.codecs.runner import VendorCodecs
from ingest.codecs.worker import stateless
from ingest.decoders.base import Message
from ingest.decoders.catalogue import Catalogue, make_decoders
from ingest.decoders.lorawan import Made, Uplink
from ingest.meaning.fields import Who
from ingest.messages import Kind
from schemas.quarantine import Reason

CODECS = Path(__file__).parents[2] / "codecs"
TIME = "2026-05-06T07:08:09.500Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme").mkdir()
    return tmp_path


@pytest.fixture
def running() -> Iterator[list[VendorCodecs]]:
    opened: list[VendorCodecs] = []
    yield opened
    for codecs in opened:
        codecs.close()


def put(folder: Path, source: str, name: str = "one") -> None:
    (folder / "acme" / f"{name}.js").write_text(source, encoding="utf-8")


def ask(codecs: VendorCodecs, model: str = "one", payload: bytes = b"\x01\x02", port: int = 5) -> Made | str:
    """What came of it: an object, or why the message would be set aside."""
    decoded = Catalogue((), make_decoders(codecs)).decode(_message(model, payload, port))
    if decoded.refusal is not None:
        assert decoded.refusal.reason is Reason.CODEC
        return decoded.refusal.detail
    made = codecs.decode(Uplink(Who("acme", model), "", payload, port, TIME))
    assert made is not None
    return made


def _message(model: str, payload: bytes, port: int) -> Message:
    info = f'{{"devEui":"0011223344556677","tags":{{"vendor":"acme","model":"{model}"}}}}'
    text = f'{{"time":"{TIME}","deviceInfo":{info},"fCnt":1,"fPort":{port},"data":"{_base64(payload)}"}}'
    return Message("application/a/device/0011223344556677/event/up", text.encode(), 0)


def _base64(payload: bytes) -> str:
    return b64encode(payload).decode()


FORMS = {
    "The Things Stack, ChirpStack v4": "function decodeUplink(it) { return {data: {b: it.bytes, p: it.fPort}}; }",
    "ChirpStack v3": "function Decode(fPort, bytes, variables) { return {b: bytes, p: fPort}; }",
    "The Things Network v2": "function Decoder(bytes, port) { return {b: bytes, p: port}; }",
    "a constant": "const decodeUplink = (input) => ({data: {b: input.bytes, p: input.fPort}});",
}


@pytest.mark.parametrize("source", FORMS.values(), ids=FORMS)
def test_every_form(folder: Path, running: list[VendorCodecs], source: str) -> None:
    put(folder, source)
    running.append(VendorCodecs(folder))
    assert ask(running[0]) == Made({"b": [1, 2], "p": 5})


def test_the_clock_is_the_uplinks_and_nothing_is_random(folder: Path, running: list[VendorCodecs]) -> None:
    put(
        folder,
        "function decodeUplink(input) { return {data: {a: input.recvTime, b: new Date().getTime(), c: Date.now(),"
        " d: Math.random() === Math.random(), e: new Date(0).getTime(), f: input.recvTime instanceof Date}}; }",
    )
    running.append(VendorCodecs(folder))
    ms = 1_778_051_289_500
    assert ask(running[0]) == Made({"a": "2026-05-06T07:08:09.500Z", "b": ms, "c": ms, "d": True, "e": 0, "f": True})


BAD = {
    "loops": ("function decodeUplink(i) { while (true) {} }", "interrupted"),
    "loops and catches": ("function decodeUplink(i) { for (;;) { try { for (;;) {} } catch (e) {} } }", "interrupted"),
    "loops where it is loaded": ("while (true) {}", "interrupted"),
    "backtracks": ('function Decode(p, b) { return {x: /(a+)+$/.test("a".repeat(60) + 1)}; }', "interrupted"),
    "loops in a built-in": (
        'function decodeUplink(i) { return {data: {x: "a".repeat(2e6).indexOf("a".repeat(1e6) + "b")}}; }',
        "too much time",
    ),
    "allocates arrays": ("function decodeUplink(i) { var a = []; for (;;) a.push(new Array(999).fill(1)); }", "memory"),
    "allocates text": ('function decodeUplink(i) { var a = "x"; while (true) a += a + "y"; }', "too long|memory"),
    "recurses": ("function decodeUplink(i) { return decodeUplink(i); }", "call stack"),
    "throws": ('function decodeUplink(i) { throw new Error("bad frame"); }', "bad frame"),
    "throws no error": ("function decodeUplink(i) { throw null; }", "codec"),
    "is no script": ("function decodeUplink(i {", "SyntaxError"),
    "has no entry": ("function decode(i) { return {}; }", "no function decodeUplink"),
    "returns nothing": ("function decodeUplink(i) {}", "no object"),
    "returns text": ('function Decode(p, b) { return "21 degrees"; }', "no object"),
    "returns a list": ("function decodeUplink(i) { return {data: [1]}; }", "no object"),
    "returns NaN": ("function decodeUplink(i) { return {data: {x: 0 / 0}}; }", "no finite number"),
    "returns infinity": ("function decodeUplink(i) { return {data: {x: {y: [1 / 0]}}}; }", "no finite number"),
    "returns itself": ("function decodeUplink(i) { var d = {}; d.d = d; return {data: d}; }", "circular"),
    "returns a function": ("function decodeUplink(i) { return {data: {f: decodeUplink}}; }", "is a function"),
    "returns too much": ('function decodeUplink(i) { return {data: {x: "y".repeat(1e6)}}; }', "characters"),
    "returns depth": ("function Decode(p, b) { var d = 1; for (var n = 0; n < 1e5; n++) d = [d]; return {d: d}; }",
                      "call stack|memory"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "says"), BAD.values(), ids=BAD)
def test_a_bad_codec_sets_its_message_aside_and_nothing_else(
    folder: Path, running: list[VendorCodecs], source: str, says: str
) -> None:
    put(folder, source)
    put(folder, FORMS["ChirpStack v3"], "good")
    running.append(VendorCodecs(folder))
    assert ask(running[0], "good") == Made({"b": [1, 2], "p": 5})
    said = ask(running[0])
    assert isinstance(said, str)
    assert "acme/one.js" in said
    assert re.search(says, said), said
    assert ask(running[0], "good") == Made({"b": [1, 2], "p": 5})


STATE = {
    "a variable": "var n = 0; function decodeUplink(i) { n = n + 1; return {data: {n: n}}; }",
    "a constant object": "const kept = {n: 0}; function decodeUplink(i) { kept.n++; return {data: {n: kept.n}}; }",
    "an undeclared variable": (
        'function decodeUplink(i) { n = (typeof n === "undefined" ? 0 : n) + 1; return {data: {n: n}}; }'
    ),
    "its own function": "function Decode(p, b) { Decode.n = (Decode.n || 0) + 1; return {n: Decode.n}; }",
    "a built-in": "function decodeUplink(i) { Math.n = (Math.n || 0) + 1; return {data: {n: Math.n}}; }",
    "an alias of one": "function Decode(p, b) { var m = Array; m.n = (m.n || 0) + 1; return {n: m.n || 1}; }",
    "a prototype": (
        "function decodeUplink(i) { Array.prototype.n = (Array.prototype.n || 0) + 1; return {data: {n: [].n}}; }"
    ),
    "this": "function decodeUplink(i) { this.n = (this.n || 0) + 1; return {data: {n: this.n}}; }",
    "another entry": "function Decode(p, b) { Decode = function () { return {n: 2}; }; return {n: 1}; }",
}


@pytest.mark.parametrize("source", STATE.values(), ids=STATE)
def test_nothing_is_left_for_the_next_message(folder: Path, running: list[VendorCodecs], source: str) -> None:
    put(folder, source)
    running.append(VendorCodecs(folder))
    assert [ask(running[0]) for _ in range(4)] == [Made({"n": 1})] * 4


def test_only_functions_on_top_are_kept_compiled() -> None:
    assert stateless(
        '// a\nfunction f(b) { return "x/y" + b[0] / 2; }\nfunction decodeUplink(i) { return {data: f(i)}; }'
    )
    seen_when_run = {"an undeclared variable", "an alias of one"}
    assert {name for name, source in STATE.items() if stateless(source)} == seen_when_run
    assert not stateless("function a(b) { return b.replace(/'/g, 1); } var n = 0;")
    assert not stateless("let n = 0; function a() {}")
    assert not stateless("function a() { }}{")


def test_codecs_reach_nothing(folder: Path, running: list[VendorCodecs]) -> None:
    names = ("std", "os", "require", "process", "fetch", "XMLHttpRequest", "WebSocket", "Worker", "setTimeout", "load")
    put(
        folder,
        f"function decodeUplink(i) {{ return {{data: {{x: [{','.join(f'typeof {one}' for one in names)}]}}}}; }}",
    )
    put(folder, 'function decodeUplink(i) { import("os"); import("/etc/passwd"); return {data: {x: 1}}; }', "two")
    running.append(VendorCodecs(folder))
    assert ask(running[0]) == Made({"x": ["undefined"] * len(names)})
    ask(running[0], "two")  # a promise that is never kept, or a refusal: nothing was opened either way
    process = running[0]._sandbox._process
    assert process is not None
    fds = {int(one.name) for one in Path(f"/proc/{process.pid}/fd").iterdir()}
    assert fds <= {0, 1, 2}
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert "Max open files            0                    0" in limits


def test_the_choice_never_leaves_the_folder(folder: Path) -> None:
    (folder.parent / "outside.js").write_text(FORMS["ChirpStack v3"])
    (folder / "acme" / "link.js").symlink_to(folder.parent / "outside.js")
    put(folder, FORMS["ChirpStack v3"])
    library = Library(folder)
    assert [codec.name for codec in library] == ["acme/one.js"]
    for vendor, model in (("..", "outside"), ("acme", "../../outside"), ("acme", "link"), ("", "/etc/passwd")):
        assert library.find(Who(vendor, model), "../outside") is None


def test_choice_by_make_profile_and_description() -> None:
    library = Library(CODECS)

    def name(who: Who, profile: str = "") -> str | None:
        codec = library.find(who, profile)
        return codec and codec.name

    assert name(Who("acme", "level100")) == "vendor/acme/level-100.js"
    assert name(Who("acme", "level200")) == "vendor/acme/level-100.js"
    assert name(Who("", "climate")) == "umbra/climate.js"
    assert name(Who("other", "climate")) is None
    assert name(Who("umbra", "")) is None


def test_a_codec_for_a_profile(folder: Path) -> None:
    (folder / "Cellar (EU868).js").write_text(FORMS["ChirpStack v3"])
    found = Library(folder).find(Who("", ""), "cellar EU868")
    assert found is not None
    assert found.name == "Cellar (EU868).js"


@pytest.mark.parametrize("script", ["../../../etc/passwd", "none.js", "/etc/passwd"])
def test_descriptions_that_point_elsewhere_are_refused(folder: Path, script: str) -> None:
    (folder / "acme" / "one-codec.yaml").write_text(f"uplinkDecoder: {{fileName: {script}}}")
    with pytest.raises(LibraryError, match=r"one-codec\.yaml"):
        Library(folder)


def test_folders_that_cannot_be_read_are_named(folder: Path) -> None:
    with pytest.raises(LibraryError, match="no such folder"):
        Library(folder / "none")
    (folder / "acme" / "one-codec.yaml").write_text("a: [")
    with pytest.raises(LibraryError, match=r"one-codec\.yaml"):
        Library(folder)


def test_uplink_through_a_codec_with_its_normaliser(running: list[VendorCodecs]) -> None:
    running.append(VendorCodecs(CODECS))
    decoded = Catalogue((), make_decoders(running[0])).decode(_message("level-200", b"\x0c\x80\x06\xa4", 2))
    (report,) = decoded.reports
    assert report.kind is Kind.TELEMETRY
    assert [(one.observed_property, one.value) for one in report.measurements] == [
        ("battery_voltage", 3.2),
        ("distance", 1.7),
    ]
    (refused,) = Catalogue((), make_decoders(running[0])).decode(_message("level-200", b"\x0c", 9)).reports
    assert refused.kind is Kind.UNDECODED


def test_examples_of_both_kinds(running: list[VendorCodecs]) -> None:
    running.append(VendorCodecs(CODECS))
    outcomes = list(run_examples(running[0], CODECS))
    assert [(one.codec, one.differences) for one in outcomes] == [
        ("vendor/acme/level-100.js", ()),
        ("vendor/acme/level-100.js", ()),
        ("umbra/climate.js", ()),
        ("umbra/climate.js", ()),
    ]


def test_differences_are_found() -> None:
    wanted = {"a": 1, "b": [1, {"c": True}], "d": "x", "e": 0.1}
    got = {"a": 1.0, "b": [1, {"c": 1}], "f": None, "e": 0.1 + 1e-13}
    assert list(different("data", wanted, got)) == [
        "data.b[1].c: wanted true, got 1",
        'data.d: wanted "x", is missing',
        "data.f: null is too much",
    ]
