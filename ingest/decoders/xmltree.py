"""XML as cameras send it, read into small nodes without namespaces: no document type, no entity, bounded in every way.

Vendors change the namespace of one and the same message between firmwares, so that only local names say anything. What
JSON has the same outline (Hikvision sends both) is read into the same nodes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ingest.decoders.base import RefusedError
from schemas.quarantine import Reason

DEPTH_MAX: Final = 48
"""An ONVIF notification in its SOAP envelope needs twelve."""
NODES_MAX: Final = 20_000
_DECLARED: Final = re.compile(rb"""^<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["'][^>]{0,100}\?>""")
_CHINESE: Final = frozenset({b"gb2312", b"gbk", b"gb18030"})  # expat knows no encoding of several bytes but UTF-8


class Node:
    """One element: its local name, its attributes by their local names, the text before its first child."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: Mapping[str, str], text: str = "") -> None:
        self.name = name
        self.attributes = attributes
        self.text = text
        self.children: list[Node] = []

    def find(self, name: str) -> "Node | None":
        """The first child of this name."""
        return next((child for child in self.children if child.name == name), None)

    def said(self, *names: str) -> str | None:
        """The text of the first child that has one of these names and any text."""
        for name in names:
            for child in self.children:
                if child.name == name and child.text:
                    return child.text
        return None

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, in the order of the document."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def below(self, name: str) -> Iterator["Node"]:
        """All nodes of this name, however deep."""
        return (node for node in self.walk() if node.name == name)


def local(name: str) -> str:
    """A name without its namespace, as parsers (``{uri}name``) or documents (``prefix:name``) write it."""
    return name.rpartition("}")[2].rpartition(":")[2]


def parse_xml(payload: bytes) -> Node:
    """The root of a document.

    Raises:
        RefusedError: it is none, has a document type or entities, or is nested or large beyond reason.
    """
    builder = _Builder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        parser.feed(_readable(payload))
        root = parser.close()
    except DefusedXmlException as error:
        raise _malformed(f"{type(error).__name__}: document types and entities are not accepted") from None
    except (ParseError, ValueError, LookupError) as error:  # the last two: encodings nobody knows
        if isinstance(error, RefusedError):
            raise
        raise _malformed(str(error)) from None
    if not isinstance(root, Node):
        raise _malformed("no element")
    return root


def _readable(payload: bytes) -> bytes:
    trimmed = payload.strip(b" \t\r\n\0")
    said = _DECLARED.match(trimmed)
    if said is None or said[1].lower() not in _CHINESE:
        return trimmed
    try:
        return trimmed[said.end() :].decode("gb18030").encode()
    except UnicodeDecodeError as error:
        raise RefusedError(Reason.INVALID_UTF8, None, f"byte {error.start}: {error.reason}") from None


def _malformed(detail: str) -> RefusedError:
    return RefusedError(Reason.MALFORMED_XML, None, detail)


class _Builder:
    """What expat tells, as nodes; refuses by raising from within the parser."""

    def __init__(self) -> None:
        self._open: list[Node] = []
        self._root: Node | None = None
        self._texts: list[str] = []
        self._count = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._count += 1 + len(attributes)
        if self._count > NODES_MAX:
            raise _malformed(f"more than {NODES_MAX} elements and attributes")
        if len(self._open) >= DEPTH_MAX:
            raise _malformed(f"nested more than {DEPTH_MAX} deep")
        self._flush()
        node = Node(local(tag), {local(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node
        self._open.append(node)

    def data(self, text: str) -> None:
        self._texts.append(text)

    def end(self, _tag: str) -> None:
        self._flush()
        self._open.pop()

    def close(self) -> Node | None:
        return self._root

    def _flush(self) -> None:
        """Give the text to its element, unless that has children or text already."""
        if self._open and not self._open[-1].children and not self._open[-1].text:
            self._open[-1].text = "".join(self._texts).strip()
        self._texts.clear()


def json_tree(name: str, value: Any) -> Node:
    """JSON as the same nodes: keys are names, an array is its elements under the key's name.

    Raises:
        RefusedError: nested or large beyond reason.
    """
    return _JsonTree().node(name, value, 0)


class _JsonTree:
    def __init__(self) -> None:
        self._count = 0

    def node(self, name: str, value: Any, depth: int) -> Node:
        self._count += 1
        if depth >= DEPTH_MAX or self._count > NODES_MAX:
            text = f"nested more than {DEPTH_MAX} deep, or more than {NODES_MAX} values"
            raise RefusedError(Reason.MALFORMED_JSON, None, text)
        node = Node(name, {}, _scalar(value))
        if isinstance(value, dict):
            for key, inner in value.items():
                for one in inner if isinstance(inner, list) else (inner,):
                    node.children.append(self.node(key, one, depth + 1))
        elif isinstance(value, list):  # an array within an array
            node.children.extend(self.node(name, one, depth + 1) for one in value)
        return node


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 64):
        return repr(value)
    return ""
