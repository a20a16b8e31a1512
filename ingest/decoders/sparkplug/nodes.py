"""What is remembered of edge nodes: their births, their devices' births, and the row of their numbers.

Memory is bounded: when all nodes together hold more than ``TAGS_MAX`` tags and devices, the one that was silent longest
is forgotten; it is asked for a rebirth when it speaks again, as at the first time.
"""

from array import array
from collections import OrderedDict
from typing import Final

from ingest.decoders.base import schema
from ingest.decoders.sparkplug.tags import Table

TAGS_MAX: Final = 500_000
NODE_TAGS_MAX: Final = 100_000
SEQ_MODULUS: Final = 256
ASK_AGAIN_AFTER: Final = 256
"""Messages of a node that was asked for its birth and has not sent it: one round of its numbers."""
_NODE_WEIGHT: Final = 16


class Node:
    """One edge node."""

    __slots__ = ("_seen", "_waiting", "bd_seq", "devices", "seq", "table")

    def __init__(self) -> None:
        self.bd_seq: int | None = None
        """Of its last birth, also when it has died since."""
        self.table: Table | None = None
        """None: no birth was seen, or it died."""
        self.devices: dict[str, Table | None] = {}
        """Every device heard of since the node's birth; None: without a birth that counts."""
        self.seq: int | None = None
        """The number of its last message; None: any may follow."""
        self._seen: array[int] | None = None
        self._waiting: int | None = None

    def weight(self) -> int:
        """Tags and devices it holds."""
        tables = sum(1 if table is None else len(table) for table in self.devices.values())
        return _NODE_WEIGHT + tables + (0 if self.table is None else len(self.table))

    def follows(self, seq: int, time_ms: int) -> bool:
        """Take the number of a message; returns whether none is missing before it.

        A message that is delivered again (same number, same time) changes nothing and is no gap.
        """
        if self._seen is None:
            self._seen = array("Q", bytes(8 * SEQ_MODULUS))
        if time_ms and self._seen[seq] == time_ms:
            return True
        before, self.seq = self.seq, seq
        self._seen[seq] = time_ms
        return before is None or (before + 1) % SEQ_MODULUS == seq

    def begin(self, table: Table, bd_seq: int | None, seq: int | None, time_ms: int) -> None:
        """Take a birth of the node. Births of devices that are older than it do not count any more."""
        self.table, self.bd_seq, self._waiting = table, bd_seq, None
        for name, device in self.devices.items():
            if device is not None and (table.born_ms is None or (device.born_ms or 0) < table.born_ms):
                self.devices[name] = None
        if seq is not None:
            again = self._seen is not None and time_ms and self._seen[seq] == time_ms
            if not again:
                self.seq = None
                self.follows(seq, time_ms)

    def end(self) -> None:
        """The node died, and its devices cannot be heard."""
        self.table = None
        self.devices = dict.fromkeys(self.devices)
        self.seq = None

    def ask(self) -> bool:
        """Whether to ask for a rebirth now: once, and again when the birth did not come for many messages."""
        if self._waiting is not None and self._waiting < ASK_AGAIN_AFTER:
            return False
        self._waiting = 0
        return True

    def heard(self) -> None:
        """Count a message while a birth is awaited."""
        if self._waiting is not None:
            self._waiting += 1


class Nodes:
    """All edge nodes, the one heard last at the end."""

    def __init__(self, tags_max: int = TAGS_MAX, node_tags_max: int = NODE_TAGS_MAX) -> None:
        self._nodes: OrderedDict[str, Node] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._weight = 0
        self._max = tags_max
        self._node_max = node_tags_max

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def weight(self) -> int:
        """Tags and devices all nodes hold."""
        return self._weight

    def of(self, name: str) -> Node:
        """The node of this name, new where nothing is known of it."""
        node = self._nodes.get(name)
        if node is None:
            node = self._nodes[name] = Node()
            self.weigh(name)
        else:
            self._nodes.move_to_end(name)
        return node

    def admit(self, name: str, device: str | None, table: Table) -> None:
        """Ask before a table is given to a node.

        Raises:
            RefusedError: one node would hold more than is kept of any.
        """
        node = self._nodes[name]
        old = node.table if device is None else node.devices.get(device)
        if self._weights[name] + len(table) - (0 if old is None else len(old)) > self._node_max:
            schema("metrics", f"with this birth, more than {self._node_max} metrics of one edge node would be kept")

    def weigh(self, name: str) -> None:
        """A node has taken or lost tables: keep the sum, and forget others where it is too large."""
        weight = self._nodes[name].weight()
        self._weight += weight - self._weights.get(name, 0)
        self._weights[name] = weight
        while self._weight > self._max and len(self._nodes) > 1:
            oldest, _ = self._nodes.popitem(last=False)
            self._weight -= self._weights.pop(oldest)
