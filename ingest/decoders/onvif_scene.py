"""ONVIF scene descriptions: a ``tt:Frame`` with every ``tt:Object`` in it.

Source: ONVIF Analytics service specification 21.06, chapter 5.1. Coordinates run from -1 to 1, left to right and bottom
to top, after the frame's ``Transformation``; boxes are reported from 0 to 1 with the origin at the top left, as
``box_xyxy``.
"""

from collections.abc import Iterator
from typing import Any, Final

from ingest.decoders.base import Message
from ingest.decoders.camera_parts import OBJECTS_MAX, sighting, word
from ingest.decoders.draft import Draft
from ingest.decoders.xmltree import Node
from ingest.meaning.times import local
from ingest.meaning.values import amount, flag
from ingest.messages import Happening, Kind, Report
from schemas.camera import CameraObservation, TrackPhase

EVENT_TYPE: Final = "VideoAnalytics/Frame"
_UNNAMED: Final = "object"
_EDGES: Final = ("left", "top", "right", "bottom")


def read_frame(frame: Node, device: str, message: Message) -> Report | None:
    """The objects of a frame, each a sighting in the whole picture; None for a frame without any."""
    draft = Draft(device, local(frame.attributes.get("UtcTime"), message.options.timezone, message.arrived_ms))
    source = word(frame.attributes.get("Source")) or ""
    scale = _vector(frame, "Scale", 1.0)
    shift = _vector(frame, "Translate", 0.0)
    objects: list[dict[str, Any]] = []
    seen: list[CameraObservation] = []
    for thing in _objects(frame):
        said = _object(thing, scale, shift)
        objects.append(said)
        if "id" not in said:
            continue
        track = "/".join(part for part in (EVENT_TYPE, source, said["id"]) if part)
        phase = TrackPhase.END if _behaves(thing, "Removed") else TrackPhase.UPDATE
        label = said.get("label", _UNNAMED)
        idle = _behaves(thing, "Idle")
        one = sighting(draft, phase, track, label, stationary=idle, confidence=said.get("score"))
        seen.extend(() if one is None else (one,))
    for gone in _gone(frame):
        track = "/".join(part for part in (EVENT_TYPE, source, gone) if part)
        one = sighting(draft, TrackPhase.END, track, _UNNAMED)
        seen.extend(() if one is None else (one,))
    if not objects and not seen:
        return None
    happening = Happening(EVENT_TYPE, channel=source or None, objects=objects)
    return draft.report(Kind.EVENT, happening=happening, sightings=seen)


def _objects(frame: Node) -> Iterator[Node]:
    found = (node for node in frame.children if node.name == "Object")
    return (node for node, _ in zip(found, range(OBJECTS_MAX), strict=False))


def _gone(frame: Node) -> list[str]:
    """Ids of objects that the camera says it has lost."""
    tree = frame.find("ObjectTree")
    deleted = () if tree is None else tree.below("Delete")
    ids = (word(node.attributes.get("ObjectId")) for node in deleted)
    return [one for one, _ in zip((one for one in ids if one), range(OBJECTS_MAX), strict=False)]


def _object(thing: Node, scale: tuple[float, float], shift: tuple[float, float]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    name = word(thing.attributes.get("ObjectId"))
    if name is not None:
        out["id"] = name
    for kind in thing.below("Class"):
        label, likelihood = _class(kind)
        if label is not None:
            out["label"] = label.lower()
            if likelihood is not None and 0 <= likelihood <= 1:
                out["score"] = likelihood
            break
    corners = next(thing.below("BoundingBox"), None)
    if corners is not None:
        sides = [amount(corners.attributes.get(edge)) for edge in _EDGES]
        known = [side.value for side in sides if side is not None]
        if len(known) == len(_EDGES):
            out["box_xyxy"] = _box(known, scale, shift)
    if _behaves(thing, "Idle"):
        out["stationary"] = True
    return out


def _class(kind: Node) -> tuple[str | None, float | None]:
    """Type and likelihood, as ``tt:Type`` or, before version 2.5, as the likeliest ``tt:ClassCandidate``."""
    best: tuple[str | None, float | None] = (None, None)
    for node in kind.children:
        if node.name == "Type":
            label, said = word(node.text), amount(node.attributes.get("Likelihood"))
        elif node.name == "ClassCandidate":
            label, said = word(node.said("Type")), amount(node.said("Likelihood"))
        else:
            continue
        likelihood = None if said is None else said.value
        if best[0] is None or (likelihood or 0) > (best[1] or 0):
            best = label, likelihood
    return best


def _behaves(thing: Node, how: str) -> bool:
    """Whether its behaviour has this element; ``false`` in it says that it has not."""
    behaviour = thing.find("Behaviour")
    said = None if behaviour is None else behaviour.find(how)
    return said is not None and flag(said.text) is not False


def _vector(frame: Node, name: str, otherwise: float) -> tuple[float, float]:
    transformation = frame.find("Transformation")
    vector = None if transformation is None else transformation.find(name)
    if vector is None:
        return otherwise, otherwise
    x, y = (amount(vector.attributes.get(axis)) for axis in ("x", "y"))
    return (otherwise if x is None else x.value, otherwise if y is None else y.value)


def _box(corners: list[float], scale: tuple[float, float], shift: tuple[float, float]) -> list[float]:
    left, top, right, bottom = corners
    across = sorted((x * scale[0] + shift[0] + 1) / 2 for x in (left, right))
    down = sorted((1 - (y * scale[1] + shift[1])) / 2 for y in (top, bottom))
    return [round(min(1.0, max(0.0, value)), 6) for value in (across[0], down[0], across[1], down[1])]
