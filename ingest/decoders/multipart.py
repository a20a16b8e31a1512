"""Parts of a ``multipart/*`` body (RFC 2046) whose headers did not come with it: event streams are cut like that."""

import re
from collections.abc import Iterator
from typing import Final

PARTS_MAX: Final = 64
_BOUNDARY: Final = re.compile(rb"--[^\r\n]{1,128}")
_EMPTY_LINE: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_HEADER: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,60}:")


def parts(payload: bytes) -> Iterator[bytes]:
    """The bodies of the first :data:`PARTS_MAX` parts; the payload itself where it is no multipart body."""
    body = payload.lstrip()
    found = _BOUNDARY.match(body)
    if found is None:
        yield without_headers(body)
        return
    boundary = found[0].rstrip()
    if boundary.endswith(b"--") and len(boundary) > 4:  # noqa: PLR2004 - the end of a body, and nothing but that
        boundary = boundary[:-2]
    for part in body.split(boundary, PARTS_MAX + 1)[1 : PARTS_MAX + 1]:
        if part[:2] == b"--":
            return
        inner = without_headers(part).strip(b"\r\n")
        if inner:
            yield inner


def without_headers(part: bytes) -> bytes:
    """A part without the header lines before its first empty line, if it begins with such lines."""
    body = part.lstrip()
    if _HEADER.match(body) is None:
        return body
    end = _EMPTY_LINE.search(body)
    return b"" if end is None else body[end.end() :]
