"""Topics of SensorThings: the path of an entity or a collection, behind the server's own prefix and the version."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

_ID: Final = r"\((?:'[^']{0,128}'|[^()'/]{1,128})\)"
_SEGMENT: Final = rf"[A-Z][A-Za-z]{{3,30}}(?:{_ID})?"
_TOPIC: Final = re.compile(rf"(?:(.*)/)?v1\.[01]/({_SEGMENT}(?:/{_SEGMENT}){{0,5}})(?:\?[^\n]*)?")
_PARTS: Final = re.compile(rf"([A-Za-z]+)({_ID})?")

STREAMS: Final = frozenset({"Datastreams", "MultiDatastreams"})
_ONE_OF_MANY: Final = {
    "Datastream": "Datastreams",
    "MultiDatastream": "MultiDatastreams",
    "Thing": "Things",
    "Sensor": "Sensors",
    "ObservedProperty": "ObservedProperties",
    "FeatureOfInterest": "FeaturesOfInterest",
}
_ENTITIES: Final = frozenset({*_ONE_OF_MANY.values(), "Observations", "Locations", "HistoricalLocations"})


class Place(NamedTuple):
    """What a topic says."""

    prefix: str
    """Of the server, with a slash at the end, or empty."""
    entity: str
    """What the message holds, in the plural."""
    this: str
    """``Datastreams(42)``, where the topic names the entity itself."""
    owner: str
    """The entity before it: ``Datastreams(42)`` of ``Datastreams(42)/Observations``."""


@lru_cache(maxsize=65_536)
def place_of(topic: str) -> Place | None:
    """Read a topic; None: it is none of SensorThings."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        return None
    path = [(_ONE_OF_MANY.get(name, name), id_) for name, id_ in _PARTS.findall(match[2])]
    if any(name not in _ENTITIES for name, _ in path):
        return None
    entity, id_ = path[-1]
    owner = next((f"{name}{its}" for name, its in reversed(path[:-1]) if its), "")
    return Place(f"{match[1]}/" if match[1] else "", entity, f"{entity}{id_}" if id_ else "", owner)
