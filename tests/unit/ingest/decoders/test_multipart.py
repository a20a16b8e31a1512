from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders.multipart import PARTS_MAX, parts


def body(*inner: bytes) -> bytes:
    boundary = b"--box"
    head = b"Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n"
    return b"".join(boundary + b"\r\n" + head + part + b"\r\n" for part in inner) + boundary + b"--\r\n"


def test_each_part_without_its_headers() -> None:
    assert list(parts(body(b"one", b"two\r\n\r\nlines"))) == [b"one", b"two\r\n\r\nlines"]


def test_a_stream_that_was_cut_between_parts() -> None:
    assert list(parts(b"--b\r\nContent-Type: a/b\r\n\r\none\r\n--b\r\n")) == [b"one"]
    assert list(parts(b"Content-Type: a/b\r\nContent-Length: 3\r\n\r\none")) == [b"one"]


def test_headers_alone_are_no_part() -> None:
    assert list(parts(b"--b\r\nContent-Type: a/b\r\n--b\r\n\r\none")) == [b"one"]


def test_what_is_no_multipart_is_one_part() -> None:
    assert list(parts(b"  <a/>")) == [b"<a/>"]


def test_pictures_are_parts_like_others() -> None:
    assert list(parts(body(b"<a/>", b"\xff\xd8\xff\x00"))) == [b"<a/>", b"\xff\xd8\xff\x00"]


def test_only_so_many_parts() -> None:
    assert len(list(parts(body(*[b"x"] * (PARTS_MAX * 3))))) == PARTS_MAX


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(payload: str | bytes | dict[str, Any] | list[Any]) -> None:
    for prefix in (b"", b"--", b"--b\r\n"):
        assert len(list(parts(prefix + payload))) <= PARTS_MAX
