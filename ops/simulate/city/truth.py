"""The truth about a city, in lines that only whoever scores may read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ops.simulate.city.channel import Gap
from ops.simulate.city.faults import Fault, FaultKind
from ops.simulate.city.layout import Street
from ops.simulate.city.model import Matter, Thing
from ops.simulate.city.sizes import DRIFT
from ops.simulate.model import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.anomaly import AnomalyKind
from schemas.model import format_rfc3339, from_ms

SILENT_INTERVALS: Final = 3
"""Section 4.3, heartbeat: silent after so many intervals."""
SEVERAL: Final = 3
"""So many wrong messages tell a wrong device from a wrong message."""
CALM_FAMILIES: Final = frozenset({"camera", "timed", "road", "patrol"})
"""Whose healthy devices may say one and the same for days: that they are frozen does not show."""
FLOWS_MS: Final = 10 * MINUTE_MS
"""After which a queue is gone, and is known to be."""
STUCK_INTERVALS: Final = 36
STUCK_MS: Final = 6 * HOUR_MS
"""A calm value may stay what it is for some hours."""
_UP: Final = (AnomalyKind.COVER_STOLEN, AnomalyKind.COVER_OPEN, AnomalyKind.COVER_TILTED)
_OF_A_DEVICE: Final = (AnomalyKind.DEVICE_SILENT, AnomalyKind.PROPERTY_SILENT)


@dataclass(frozen=True, slots=True)
class Truth:
    """One matter.

    ``visible``: a working sensor watched it for so long that one could know. ``near_miss``: it must stay silent.
    ``apart``: a finding of this kind is neither right nor wrong here, such as silence that was made of lost messages.
    """

    kind: AnomalyKind
    facility: str
    start_ms: int
    end_ms: int
    visible: bool = True
    near_miss: bool = False
    near: bool = False
    apart: bool = False
    size: float | None = None
    also: tuple[AnomalyKind, ...] = ()
    also_on: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Unique in its city."""
        return f"{self.kind.value}:{self.facility}:{self.start_ms}-{self.end_ms}"

    def as_json(self) -> dict[str, Any]:
        """One line of a truth file."""
        line: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind.value,
            "facility": self.facility,
            "start": format_rfc3339(from_ms(self.start_ms)),
            "end": format_rfc3339(from_ms(self.end_ms)),
            "visible": self.visible,
            "near_miss": self.near_miss,
            "near_threshold": self.near,
            "apart": self.apart,
        }
        if self.size is not None:
            line["size"] = round(self.size, 3)
        if self.also:
            line |= {"also": [kind.value for kind in self.also], "also_on": list(self.also_on)}
        return line


def matter_truth(matter: Matter, broken: Sequence[Fault]) -> Truth:
    """A matter of a facility whose device, or its gateway, was broken in these spans."""
    blind = [one for one in broken if one.blinds]
    return Truth(
        matter.kind,
        matter.facility,
        matter.start_ms,
        matter.end_ms,
        visible=matter.silent or longest_seen(matter, blind) >= matter.needs_ms,
        near_miss=matter.silent,
        near=matter.near,
        size=matter.size,
        also=matter.also,
        also_on=matter.also_on,
        apart=matter.apart,
    )


def longest_seen(matter: Matter, broken: Sequence[Fault]) -> int:
    """The longest stretch of it, in ms, that a working sensor watched."""
    end_ms = matter.end_ms if matter.shows_ms is None else min(matter.end_ms, matter.start_ms + matter.shows_ms)
    longest, from_ms_ = 0, matter.start_ms
    for fault in broken:
        longest = max(longest, min(fault.start_ms, end_ms) - from_ms_)
        from_ms_ = max(from_ms_, fault.end_ms)
    return max(longest, end_ms - from_ms_)


_OF_FAULT: Final = {
    FaultKind.DEAD: AnomalyKind.DEVICE_SILENT,
    FaultKind.STUCK: AnomalyKind.DEVICE_STUCK,
    FaultKind.CLOCK: AnomalyKind.DEVICE_CLOCK,
    FaultKind.BATTERY: AnomalyKind.DEVICE_BATTERY,
    FaultKind.SIGNAL: AnomalyKind.DEVICE_SIGNAL,
    FaultKind.RESTARTS: AnomalyKind.DEVICE_RESTARTS,
    FaultKind.CLONE: AnomalyKind.DEVICE_DUPLICATE,
    FaultKind.MISSING: AnomalyKind.PROPERTY_SILENT,
    FaultKind.JUMP: AnomalyKind.DEVICE_JUMP,
    FaultKind.DRIFT: AnomalyKind.DEVICE_DRIFT,
}
_ALSO: Final[dict[FaultKind, tuple[AnomalyKind, ...]]] = {
    FaultKind.DEAD: _OF_A_DEVICE,
    FaultKind.STUCK: (AnomalyKind.DEVICE_DRIFT, AnomalyKind.SENSOR_CAMERA_CONFLICT),
    FaultKind.CLONE: (AnomalyKind.DEVICE_RESTARTS,),
    FaultKind.RESTARTS: (AnomalyKind.DEVICE_DUPLICATE,),
}


def own_truth(
    thing: Thing,
    faults: Sequence[Fault],
    outages: Sequence[Fault],
    matters: Sequence[Matter],
    span_ms: tuple[int, int],
) -> Iterator[Truth]:
    """What was wrong with a device itself, which was heard from the first of ``span_ms`` to the second.

    That one is frozen which nobody has watched for a day yet may be known or not. A cover that falls silent while it
    is up is called stolen, and nobody can tell that it was its sensor that died.
    """
    begin_ms, until_ms = span_ms
    interval_ms = int((thing.device.interval_s or 0) * 1000)
    for fault in faults:
        if fault.kind is FaultKind.PAUSE:
            continue  # how long it was is known when its messages were made
        # What is told apart by messages that do not come ends with the first that does.
        end_ms = fault.end_ms + (interval_ms if _is_dead(fault) else 0)
        # So are they who fall silent while their cover is out of reach.
        away = (one for one in matters if one.kind is AnomalyKind.COVER_STOLEN) if _is_dead(fault) else ()
        hidden = any(one.start_ms < end_ms and fault.start_ms < one.end_ms for one in (*outages, *away))
        shown = min(fault.end_ms, until_ms) - fault.start_ms >= _needed_ms(fault.kind, interval_ms)
        frozen = fault.kind is FaultKind.STUCK
        moves = thing.family not in CALM_FAMILIES or not frozen
        new = frozen and fault.start_ms < begin_ms + DAY_MS
        up = _is_dead(fault) and any(one.kind in _UP and one.holds(fault.start_ms) for one in matters)
        drifts = fault.kind is FaultKind.DRIFT
        # What is usual among neighbours is learnt first, by who was not heard all the time perhaps later.
        learns = drifts and any(one.start_ms < fault.start_ms for one in (*faults, *outages))
        yield Truth(
            _OF_FAULT[fault.kind],
            thing.device.facility,
            fault.start_ms,
            end_ms,
            visible=shown and moves,
            apart=hidden or new or learns,
            near_miss=fault.silent,
            near=fault.near,
            size=fault.size if drifts else (end_ms - fault.start_ms) / 1000,
            also=_ALSO.get(fault.kind, ()) + (_UP if up else ()),
        )


def _is_dead(fault: Fault) -> bool:
    return fault.kind is FaultKind.DEAD


def _needed_ms(kind: FaultKind, interval_ms: int) -> int:
    """How long it must last, at least, before anybody could tell it from chance."""
    match kind:
        case FaultKind.DEAD:
            return (SILENT_INTERVALS + 1) * interval_ms
        case FaultKind.CLOCK | FaultKind.JUMP:
            return SEVERAL * interval_ms
        case FaultKind.STUCK:
            return max(STUCK_MS, STUCK_INTERVALS * interval_ms)
        case FaultKind.DRIFT:
            return int(DRIFT.needs_s * 1000)
        case _:
            return 0


def in_queues(truths: Iterable[Truth]) -> Iterator[Truth]:
    """Of one street: who stands in a travel lane while its traffic crawls stands in a queue, or may as well."""
    truths = list(truths)
    slow = [one for one in truths if one.kind is AnomalyKind.SEGMENT_CONGESTED and not one.near_miss]
    for one in truths:
        queue = one.kind is AnomalyKind.DOUBLE_PARKING and any(
            one.start_ms < jam.end_ms + FLOWS_MS and jam.start_ms < one.end_ms for jam in slow
        )
        yield replace(one, apart=True) if queue else one


def gap_truth(gaps: Sequence[Gap]) -> Iterator[Truth]:
    """Silence that was made of losses on the way."""
    for gap in gaps:
        yield Truth(
            AnomalyKind.DEVICE_SILENT,
            gap.facility,
            gap.from_ms,
            gap.to_ms,
            visible=False,
            apart=True,
            also=_OF_A_DEVICE,
        )


def pause_truth(pauses: Sequence[Gap]) -> Iterator[Truth]:
    """Silence that was not long enough to be one."""
    for pause in pauses:
        yield Truth(
            AnomalyKind.DEVICE_SILENT,
            pause.facility,
            pause.from_ms,
            pause.to_ms,
            near_miss=True,
            size=(pause.to_ms - pause.from_ms) / 1000,
        )


def gateway_truth(street: Street, things: Iterable[Thing], outages: Sequence[Fault]) -> Iterator[Truth]:
    """Outages of a gateway, with which those of these things fall silent that are heard through it."""
    heard = tuple(thing.device.facility for thing in things if thing.device.gateway)
    for outage in outages if heard else ():
        yield Truth(
            AnomalyKind.GATEWAY_DOWN, f"gateway-{street.number:04d}", outage.start_ms, outage.end_ms,
            also=_OF_A_DEVICE, also_on=heard,
        )  # fmt: skip
