"""Topics of Sparkplug B: ``spBv1.0/group/type/node[/device]`` and where hosts say that they are there."""

from functools import lru_cache
from typing import Final, NamedTuple

from ingest.decoders.base import RefusedError
from ingest.decoders.identify import device_id
from ingest.messages import About
from schemas.quarantine import Reason

NAMESPACE: Final = "spBv1.0"
NODE_TYPES: Final = frozenset({"NBIRTH", "NDATA", "NDEATH", "NCMD"})
DEVICE_TYPES: Final = frozenset({"DBIRTH", "DDATA", "DDEATH", "DCMD"})
STATE: Final = "STATE"
HOST_SAYS: Final = frozenset({b"ONLINE", b"OFFLINE"})


class Place(NamedTuple):
    """What a topic says."""

    kind: str
    device: str
    """The id of whom the message is about."""
    node: str
    """``group/node``; of a host its own id."""
    name: str | None
    """Of the device below its node."""
    command: str
    """Where the node takes commands."""
    about: About
    learned: str


@lru_cache(maxsize=65_536)
def place_of(topic: str) -> Place:
    """Read a topic; levels before the namespace, as bridges put them there, belong to it.

    Raises:
        RefusedError: it is none of Sparkplug's.
    """
    levels = topic.split("/")
    if NAMESPACE not in levels:
        if len(levels) == 2 and levels[0] == STATE:  # noqa: PLR2004 - `STATE/host` of version 2.2
            return _host(levels[1])
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", f"no level {NAMESPACE}")
    at = levels.index(NAMESPACE)
    prefix, rest = levels[: at + 1], levels[at + 1 :]
    match rest:
        case ["STATE", host] if host:
            return _host(host)
        case [group, kind, node] if group and node and kind in NODE_TYPES:
            name = None
        case [group, kind, node, name] if group and node and name and kind in DEVICE_TYPES:
            pass
        case _:
            text = (
                f"not {NAMESPACE}/group/NBIRTH|NDATA|NDEATH/node or {NAMESPACE}/group/DBIRTH|DDATA|DDEATH/node/device"
            )
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", text)
    gateway = device_id(f"{group}/{node}")
    device = gateway if name is None else device_id(f"{gateway}/{name}")
    about = About() if name is None else About(gateway=gateway)
    command = "/".join((*prefix, group, "NCMD", node))
    return Place(kind, device, gateway, name, command, about, f"sparkplug-b:{device}")


def _host(host: str) -> Place:
    return Place(STATE, device_id(host), host, None, "", About(), "")
