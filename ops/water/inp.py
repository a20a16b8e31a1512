"""What of an EPANET input file is needed to say where a sensor is: nodes, links and coordinates.

Format: EPANET 2.2 user manual, appendix C.2. Hydraulics are the business of :mod:`ops.water.signatures`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

from runtime.errors import FatalError


class Kind(StrEnum):
    """What an element of a network is."""

    JUNCTION = "junction"
    RESERVOIR = "reservoir"
    TANK = "tank"
    PIPE = "pipe"
    PUMP = "pump"
    VALVE = "valve"


_NODES: Final = {"JUNCTIONS": Kind.JUNCTION, "RESERVOIRS": Kind.RESERVOIR, "TANKS": Kind.TANK}
_LINKS: Final = {"PIPES": Kind.PIPE, "PUMPS": Kind.PUMP, "VALVES": Kind.VALVE}
_COLUMNS: Final = {**dict.fromkeys(_NODES, 1), **dict.fromkeys(_LINKS, 3), "COORDINATES": 3}


@dataclass(frozen=True, slots=True)
class Link:
    """A pipe, pump or valve between two nodes."""

    kind: Kind
    start: str
    end: str


@dataclass(frozen=True)
class Network:
    """Elements by their names, in the order of the file; coordinates in whatever unit the file has them."""

    nodes: dict[str, Kind] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    coordinates: dict[str, tuple[float, float]] = field(default_factory=dict)

    def kind(self, element: str) -> Kind | None:
        """What an element is; None where there is none of this name."""
        if element in self.links:
            return self.links[element].kind
        return self.nodes.get(element)

    def at(self, element: str) -> tuple[float, float] | None:
        """Where an element is, a link in the middle between its ends; None where the file does not say."""
        link = self.links.get(element)
        if link is None:
            return self.coordinates.get(element)
        ends = self.coordinates.get(link.start), self.coordinates.get(link.end)
        if ends[0] is None or ends[1] is None:
            return ends[0] or ends[1]
        return (ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2

    def named(self, kind: Kind) -> list[str]:
        """The nodes of a kind."""
        return [name for name, one in self.nodes.items() if one is kind]

    def links_of(self, node: str) -> list[str]:
        """The links that begin or end at a node."""
        return [name for name, link in self.links.items() if node in (link.start, link.end)]

    def part(self, element: str) -> int | None:
        """Which part of the network an element is in; pumps and valves are between parts and in none."""
        link = self.links.get(element)
        if link is None:
            return self._parts.get(element)
        return self._parts.get(link.start) if link.kind is Kind.PIPE else None

    @cached_property
    def _parts(self) -> dict[str, int]:
        """By node: what hangs together by pipes."""
        beside: dict[str, list[str]] = {name: [] for name in self.nodes}
        for link in self.links.values():
            if link.kind is Kind.PIPE:
                beside[link.start].append(link.end)
                beside[link.end].append(link.start)
        parts: dict[str, int] = {}
        for number, first in enumerate(self.nodes):
            todo = [first]
            while todo:
                node = todo.pop()
                if node not in parts:
                    parts[node] = number
                    todo += beside[node]
        return parts


def read_network(path: Path) -> Network:
    """The network of an input file.

    Raises:
        FatalError: it cannot be read, or is no such file; the message names file, line and what is wrong.
    """
    try:
        text = path.read_text(encoding="latin-1")  # names are ASCII; titles and comments may be anything
    except OSError as error:
        raise FatalError(f"{path} cannot be read: {error.strerror}") from error
    network = Network()
    for number, section, row in _rows(text):
        if len(row) < _COLUMNS[section]:
            raise FatalError(f"{path}, line {number}: [{section}] wants {_COLUMNS[section]} columns, not {len(row)}")
        try:
            _take(network, section, row)
        except ValueError as error:
            raise FatalError(f"{path}, line {number}: {error}") from None
    _check(path, network)
    return network


def _rows(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Line, section and columns of the rows that matter."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        said = line.split(";")[0].strip()
        if said.startswith("["):
            section = said.strip("[]").upper()
        elif said and section in _COLUMNS:
            yield number, section, said.split()


def _take(network: Network, section: str, row: list[str]) -> None:
    name = row[0]
    if section == "COORDINATES":
        try:
            network.coordinates[name] = float(row[1]), float(row[2])
        except ValueError:
            raise ValueError(f"{row[1]} {row[2]} are no coordinates of {name}") from None
    elif section in _NODES:
        if name in network.nodes:
            raise ValueError(f"there are two nodes {name}")
        network.nodes[name] = _NODES[section]
    else:
        if name in network.links:
            raise ValueError(f"there are two links {name}")
        network.links[name] = Link(_LINKS[section], row[1], row[2])


def _check(path: Path, network: Network) -> None:
    if not network.nodes or not network.links:
        raise FatalError(f"{path}: no nodes or no pipes in it; is it an EPANET input file?")
    for name, link in network.links.items():
        for end in (link.start, link.end):
            if end not in network.nodes:
                raise FatalError(f"{path}: {link.kind.value} {name} ends at {end}, which is no node")
