"""Sparkplug B (Eclipse Sparkplug Specification 3.0.0, and 2.2 where they differ), https://sparkplug.eclipse.org/specification.

Births say what later messages mean, so this decoder remembers them. What cannot be read for want of a birth is refused,
and the node is asked for a rebirth, as the specification wants of a host; so is a node whose numbers have a gap.
"""

from collections.abc import Sequence
from typing import Any, Final

from ingest.decoders.base import Message, RefusedError, schema
from ingest.decoders.draft import Draft
from ingest.decoders.sparkplug.nodes import SEQ_MODULUS, Node, Nodes
from ingest.decoders.sparkplug.places import HOST_SAYS, NAMESPACE, STATE, Place, place_of
from ingest.decoders.sparkplug.tags import Table, Tag
from ingest.decoders.sparkplug.wire import name_of, no_scalar, parse, parts, rebirth, scalar
from ingest.meaning.times import epoch_ms, plausible
from ingest.messages import Decoded, Kind, Numbering, Refusal, Report, Request
from schemas.quarantine import Reason

_BD_SEQ: Final = "bdSeq"
_BD_SEQ_AMONG: Final = 64
_COMMANDS: Final = ("NCMD", "DCMD")


class SparkplugB:
    """The decoder of Sparkplug B; see the module."""

    name = "sparkplug-b"

    def __init__(self) -> None:
        self._nodes = Nodes()

    def recognise(self, message: Message) -> str | None:
        """By the namespace in the topic, or a host's state of version 2.2."""
        levels = message.levels
        if NAMESPACE in levels[:-2]:
            return f"topic has the level {NAMESPACE}"
        if len(levels) == 2 and levels[0] == STATE and message.payload.strip() in HOST_SAYS:  # noqa: PLR2004
            return "topic STATE/host with ONLINE or OFFLINE"
        return None

    def decode(self, message: Message) -> Decoded:
        """Read one message.

        Raises:
            RefusedError: nothing of it can be understood.
        """
        place = place_of(message.topic)
        if place.kind == STATE:
            return _state(message, place)
        if place.kind in _COMMANDS:
            return Decoded((Report(place.device, Kind.IGNORED),))
        try:
            payload = parse(message.payload)
            return self._message(message, place, payload)
        except RefusedError as error:
            return Decoded(refusal=error.refusal, refused=1, device=place.device)

    def learn(self, message: Message) -> None:
        """Take in a birth from an earlier life. Which numbers came behind it is not known: any may follow."""
        try:
            place = place_of(message.topic)
            if place.kind in ("NBIRTH", "DBIRTH"):
                payload = parse(message.payload)
                self._born(place, self._nodes.of(place.node), payload, None)
        except RefusedError:
            return

    def topics(self) -> Sequence[str]:
        """None: births come to the topics of data."""
        return ()

    def _message(self, message: Message, place: Place, payload: Any) -> Decoded:
        node = self._nodes.of(place.node)
        kind = place.kind
        if kind == "NDEATH":
            return self._node_death(place, node, payload)
        node.heard()
        seq = payload.seq if payload.HasField("seq") and payload.seq < SEQ_MODULUS else None
        if kind == "NBIRTH":
            return self._birth(message, place, node, payload, seq)
        ask = seq is not None and not node.follows(seq, payload.timestamp)
        if kind == "DBIRTH":
            return self._birth(message, place, node, payload, seq, ask=ask or node.table is None)
        if kind == "DDEATH":
            node.devices[place.name or ""] = None
            self._nodes.weigh(place.node)
            draft = Draft(place.device, plausible(payload.timestamp))
            draft.flag("online", value=False)
            report = draft.report(Kind.DEATH, online=False, about=place.about, numbering=_numbering(place, node, seq))
            return Decoded((report,), requests=_requests(message, place, node, ask=ask))
        return self._data(message, place, node, payload, seq, ask=ask)

    # ------------------------------------------------------------------------------------------------- life and death

    def _born(self, place: Place, node: Node, payload: Any, seq: int | None) -> Table:
        table = Table(payload, None if place.name is None else place.node)
        self._nodes.admit(place.node, place.name, table)
        if place.name is None:
            node.begin(table, _bd_seq(payload), seq, payload.timestamp)
        else:
            node.devices[place.name] = table
        self._nodes.weigh(place.node)
        return table

    def _birth(
        self, message: Message, place: Place, node: Node, payload: Any, seq: int | None, *, ask: bool = False
    ) -> Decoded:
        table = self._born(place, node, payload, seq)
        draft = Draft(place.device, table.born_ms)
        draft.flag("online", value=True)
        refusal, refused = _read(draft, payload, table)
        report = draft.report(Kind.BIRTH, online=True, about=table.about, numbering=_numbering(place, node, seq))
        requests = _requests(message, place, node, ask=ask)
        return Decoded((report,), refusal, refused, place.device, learned=place.learned, requests=requests)

    def _node_death(self, place: Place, node: Node, payload: Any) -> Decoded:
        time_ms = plausible(payload.timestamp)
        bd_seq = _bd_seq(payload)
        if node.bd_seq is not None and bd_seq is not None and bd_seq != node.bd_seq:
            return Decoded((Report(place.device, Kind.IGNORED, time_ms),))
        if time_ms is not None and node.table is not None and time_ms <= (node.table.born_ms or 0):
            time_ms = None  # a will is written before the birth: when it was sent, only its arrival says
        reports = []
        for device in (place.device, *(f"{place.node}/{name}" for name in node.devices)):
            draft = Draft(device, time_ms)
            draft.flag("online", value=False)
            about = place.about if device == place.device else place.about._replace(gateway=place.node)
            reports.append(draft.report(Kind.DEATH, online=False, about=about))
        node.end()
        self._nodes.weigh(place.node)
        return Decoded(reports)

    # ----------------------------------------------------------------------------------------------------------- data

    def _data(self, message: Message, place: Place, node: Node, payload: Any, seq: int | None, *, ask: bool) -> Decoded:
        table = node.table if place.name is None else node.devices.get(place.name)
        if table is None:
            birth = "NBIRTH" if place.name is None else "DBIRTH"
            text = f"no {birth} of {place.device} was seen: rebirth asked for"
            return Decoded(
                refusal=Refusal(Reason.UNKNOWN_ALIAS, "metrics", text),
                refused=max(1, len(payload.metrics)),
                device=place.device,
                requests=_requests(message, place, node, ask=True),
            )
        draft = Draft(place.device, plausible(payload.timestamp))
        refusal, refused = _read(draft, payload, table)
        requests = _requests(message, place, node, ask=ask or refused > 0) if ask or refused else ()
        if refused and refused == len(payload.metrics):
            return Decoded((), refusal, refused, place.device, requests=requests)
        report = draft.report(Kind.TELEMETRY, about=place.about, numbering=_numbering(place, node, seq))
        return Decoded((report,), refusal, refused, place.device, requests=requests)


def _read(draft: Draft, payload: Any, table: Table) -> tuple[Refusal | None, int]:
    """Take the metrics that the table knows; returns why the first of the others was refused, and how many."""
    refusal: Refusal | None = None
    refused = 0
    for index, metric in enumerate(payload.metrics):
        tag = table.find(metric)
        if metric.WhichOneof("value") == "template_value":
            for path, leaf in parts(metric, tag.name if tag is not None else name_of(metric)):
                if (inner := table.by_name.get(path)) is not None:
                    _take(draft, leaf, inner)
        elif tag is not None:
            _take(draft, metric, tag)
        else:
            refused += 1
            if refusal is None:
                which = f"alias {metric.alias}" if metric.HasField("alias") else "a metric without name and alias"
                text = f"{which} was in no birth of {draft.device}: rebirth asked for"
                refusal = RefusedError(Reason.UNKNOWN_ALIAS, f"metrics[{index}]", text).refusal
    return refusal, refused


def _take(draft: Draft, metric: Any, tag: Tag) -> None:
    if metric.is_null or tag.quiet:
        return
    value = scalar(metric, metric.datatype or tag.datatype)
    if value is None:
        if what := no_scalar(metric):
            draft.unknown(tag.name, None, what)
        return
    time_ms = plausible(metric.timestamp)
    if tag.observed_property is None:
        draft.unknown(tag.name, value, tag.why)
    elif time_ms is None and metric.is_historical:
        draft.unknown(tag.name, value, "history without its time")
    elif tag.flag:
        draft.flag(
            tag.observed_property,
            value,
            invert=tag.inverted,
            channel=tag.channel,
            time_ms=time_ms,
            field=tag.name,
        )
    else:
        draft.number(tag.observed_property, value, tag.unit, channel=tag.channel, time_ms=time_ms, field=tag.name)


def _numbering(place: Place, node: Node, seq: int | None) -> Numbering | None:
    if seq is None:
        return None
    epoch = "" if node.bd_seq is None else str(node.bd_seq)
    turn = "" if node.table is None else str(node.table.born_ms)
    return Numbering(seq, SEQ_MODULUS, epoch, "" if place.name is None else place.node, turn)


def _bd_seq(payload: Any) -> int | None:
    for metric in payload.metrics[:_BD_SEQ_AMONG]:
        if metric.name == _BD_SEQ:
            value = scalar(metric, metric.datatype)
            return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def _requests(message: Message, place: Place, node: Node, *, ask: bool) -> tuple[Request, ...]:
    if not ask or not node.ask():
        return ()
    return (Request(place.command, rebirth(message.arrived_ms)),)


def _state(message: Message, place: Place) -> Decoded:
    """Whether a host application is there: text in version 2.2, JSON since 3.0."""
    word = message.payload.strip()
    time_ms = None
    if word in HOST_SAYS:
        online = word == b"ONLINE"
    else:
        said = message.object
        if not isinstance(said.get("online"), bool):
            schema("online", "neither true nor false")
        online = bool(said["online"])
        time_ms = epoch_ms(said.get("timestamp"))
    draft = Draft(place.device, time_ms)
    draft.flag("online", value=online)
    return Decoded((draft.report(Kind.STATUS, online=online),))
