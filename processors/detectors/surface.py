"""The ground as cameras see it: damaged pavements and sidewalks, exposed garbage, missing covers.

One picture convinces nobody. A spot is a finding when ``hits`` of the last ``frames`` pictures in which it was looked
for show it, in ``passes`` passes; a pass is what one camera sees within ``pass_s``: a drive past, or the same look some
time later. Whatever is nearer than ``within_m`` to a spot of its kind is that spot, whichever camera sees it; where
nobody says where it is, it is where the road, the sidewalk or else the camera is. Damage counts as large as ``area_m2``
or as high as ``step_m``, by the middle of what pictures, or readings of the same device, tell. Where no size
is known, or the pictures are not sure, a person should look first (``verify``).

It ends when ``clear_passes`` passes in a row do not show it, of cameras that look for it where it is: they say so by
its label and that it is not present, or by ``surface_clear``. A camera that never saw it counts as well, unless it
looked while it was there: it was seen before and after, and this one does not see it. That a track ends, or nobody
looks, ends nothing.

The parameters and their defaults: rule ``surface`` in :mod:`schemas.rules`.
"""

import math
from collections.abc import Sequence
from statistics import median_high
from typing import Final

import msgspec

from processors.detectors.common import LEFT, POLICY_CHANGED, Evidence, Opened, Opening, Packed, Site, Step, Turn, span
from processors.detectors.rulebook import RegistryEvent, Rulebook
from processors.engine.contract import Clock, Outcome, Reading, Series, Stepped, TimerDue, ZoneEvent
from schemas.anomaly import AnomalyKind
from schemas.camera import DEFECTS, SURFACE_CLEAR, CameraEvent, TrackPhase
from schemas.facility import Facility, FacilityClass
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.rules import Values
from schemas.rules.surface import SURFACES

_DAMAGE: Final = frozenset({AnomalyKind.PAVEMENT_DAMAGED, AnomalyKind.SIDEWALK_DAMAGED, AnomalyKind.GARBAGE_EXPOSED})
"""What is no finding while it is small."""
_SIZES: Final = frozenset({"surface_area", "step_height"})
_METRES_A_DEGREE: Final = 111_320
_TIMER: Final = "forget"


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """A picture in which a spot was looked for."""

    hit: bool
    look: str  # the pass: camera and its number
    confidence: float = 0.0
    evidence: Evidence | None = None
    area_m2: float | None = None
    step_m: float | None = None


class Spot(msgspec.Struct, array_like=True):
    """Something that may be wrong at a place."""

    kind: AnomalyKind
    facility: str
    lon: float
    lat: float
    since_ms: int
    frames: list[Frame] = []  # the last few, the newest last
    area_m2: float | None = None  # the middle of what these tell: one of them may show a shadow
    step_m: float | None = None
    newest_ms: int = 0  # hit
    missed: dict[str, str] = {}  # by camera that saw it: the last pass that did not show it
    others: dict[str, str] = {}  # by camera that did not, since it was seen last
    blind: list[str] = []  # cameras that looked while it was there, and did not see it
    misses: int = 0  # passes in a row that did not
    opened: Opened | None = None


class Look(msgspec.Struct, array_like=True):
    """The pass that a camera is in."""

    since_ms: int
    newest_ms: int


class State(msgspec.Struct, array_like=True):
    """The surfaces of a zone and what may be wrong with them."""

    zone: str
    rules: Rulebook
    sites: dict[str, Site] = {}
    bound: dict[str, tuple[str, ...]] = {}  # by device: roads and sidewalks that it looks at
    looks: dict[str, Look] = {}  # by camera
    sizes: dict[str, tuple[float, int]] = {}  # by facility, device and property: the newest reading
    spots: list[Spot] = []
    armed_ms: int | None = None


class SurfaceDetector(Packed[State]):
    """What is wrong with the ground."""

    state_type = State
    name: Final = "surface"
    version: Final = 5
    hears_late: Final = False

    def initial(self, zone: str) -> State:
        """No surfaces."""
        return State(zone, Rulebook(("surface",)))

    def wants(self, series: Series) -> bool:
        """Sizes of what is wrong."""
        return series.facility_class in SURFACES and series.observed_property in _SIZES

    def sees(self, state: State, device: str, facility: str) -> bool:  # noqa: ARG002 - whoever looks at it
        """Surfaces; nearly every camera looks at vehicles."""
        return facility in state.sites

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        """Take in pictures, sizes and registrations."""
        turn = Turn(self, state.zone, clock)
        for event in events:
            match event:
                case CameraEvent():
                    if event.facility in state.sites:
                        _on_camera(state, event, turn)
                case Reading():
                    _on_size(state, event)
                case FacilityRegistered() | FacilityLeft() | ZoneConfigured() | ClassConfigured():
                    _on_registry(state, event, turn)
                case TimerDue():
                    state.armed_ms = None
                    _forget(state, clock.now_ms, turn)
                case Stepped():
                    if state.armed_ms is not None:
                        state.armed_ms += event.by_ms
                case _:
                    pass
        return turn.outcome


def _on_camera(state: State, event: CameraEvent, turn: Turn) -> None:
    site = state.sites[event.facility]
    if site.facility_class is FacilityClass.CAMERA and event.device in state.bound:
        return  # the same message tells of the road, or the sidewalk, itself
    label = event.label.lower()
    kind = DEFECTS.get(label)
    if (kind is None and label != SURFACE_CLEAR) or event.phase is TrackPhase.END:
        return
    values = state.rules.of(site.facility, site.facility_class)
    time_ms = event.time_ms
    look = _look(state, event.device, time_ms, values)
    if kind is None or not event.present:
        _on_miss(state, kind, event, time_ms, look, values, turn)
    elif event.confidence >= values["surface.least"]:
        _on_hit(state, kind, event, time_ms, look, values, turn)


def _look(state: State, camera: str, time_ms: int, values: Values) -> str:
    """The pass to which a picture belongs."""
    look = state.looks.get(camera)
    if look is None or time_ms - look.since_ms >= values["surface.pass_s"] * 1000:
        look = state.looks[camera] = Look(time_ms, time_ms)
    look.newest_ms = max(look.newest_ms, time_ms)
    return f"{camera}/{look.since_ms}"


def _on_hit(
    state: State, kind: AnomalyKind, event: CameraEvent, time_ms: int, look: str, values: Values, turn: Turn
) -> None:
    spot = _nearest(state, kind, event, values)
    if spot is None:
        spot = Spot(kind, event.facility, *_where(state, event), time_ms)
        state.spots.append(spot)
    elif state.sites[spot.facility].facility_class is FacilityClass.CAMERA and spot.opened is None:
        spot.facility = event.facility  # rather what is damaged than who sees it
    spot.since_ms = min(spot.since_ms, time_ms)
    spot.newest_ms = max(spot.newest_ms, time_ms)
    spot.misses, spot.missed = 0, {event.device: ""} | dict.fromkeys(spot.missed, "")
    spot.blind = sorted({*spot.blind, *spot.others} - spot.missed.keys())
    spot.others = {}
    area_m2, step_m = _sizes(state, event, time_ms, values)
    evidence = Evidence.of(event)
    _note(spot, Frame(True, look, event.confidence, evidence, area_m2, step_m), values)  # noqa: FBT003 - a field
    spot.area_m2 = _middle([frame.area_m2 for frame in spot.frames], spot.area_m2)
    spot.step_m = _middle([frame.step_m for frame in spot.frames], spot.step_m)
    _judge(state, spot, evidence, time_ms, values, turn)
    _arm(state, spot, values, turn)


def _on_miss(
    state: State, kind: AnomalyKind | None, event: CameraEvent, time_ms: int, look: str, values: Values, turn: Turn
) -> None:
    """A picture that does not show what was seen there before."""
    for spot in list(state.spots):
        if time_ms <= spot.newest_ms or kind not in (None, spot.kind) or not _is_seen(state, spot, event, values):
            continue
        if event.device in spot.missed:
            _note(spot, Frame(hit=False, look=look), values)
        if not _is_new(spot, event.device, look):
            continue
        spot.misses += 1
        if spot.misses >= values["surface.clear_passes"]:
            state.spots.remove(spot)
            _clear(spot, Step(time_ms, f"{_word(spot)} is gone", {"passes": spot.misses}, (Evidence.of(event),)), turn)


def _is_new(spot: Spot, camera: str, look: str) -> bool:
    """Whether a pass that does not show it counts: once, if it has not shown it, and of a camera that may see it."""
    if camera in spot.blind or any(frame.hit and frame.look == look for frame in spot.frames):
        return False
    looked = spot.missed if camera in spot.missed else spot.others
    if looked.get(camera) == look:
        return False
    looked[camera] = look
    return looked is spot.missed or spot.opened is not None


def _note(spot: Spot, frame: Frame, values: Values) -> None:
    spot.frames.append(frame)
    del spot.frames[: -round(values["surface.frames"])]


def _judge(state: State, spot: Spot, evidence: Evidence, time_ms: int, values: Values, turn: Turn) -> None:
    if spot.opened is not None:
        return
    hits = [frame for frame in spot.frames if frame.hit]
    passes = len({frame.look for frame in hits})
    if len(hits) < values["surface.hits"] or passes < values["surface.passes"] or _is_small(spot, values):
        return
    confidence = round(sum(frame.confidence for frame in hits) / len(hits), 3)
    if confidence < values["surface.sure"] and len(hits) < min(values["surface.unsure_hits"], values["surface.frames"]):
        return  # a shadow now and then, in one picture of a pass, is none in a row
    unknown = spot.kind in _DAMAGE and spot.area_m2 is None and spot.step_m is None
    verify = unknown or confidence < values["surface.sure"]
    numbers = {"hits": float(len(hits)), "frames": float(len(spot.frames)), "passes": float(passes)}
    numbers |= {} if spot.area_m2 is None else {"area_m2": spot.area_m2}
    numbers |= {} if spot.step_m is None else {"step_m": spot.step_m}
    summary = f"{_word(spot)}, seen in {len(hits)} pictures over {span(time_ms - spot.since_ms)}"
    summary += "; a person should look first" if verify else ""
    seen = tuple(frame.evidence for frame in hits if frame.evidence is not None)
    step = Step(time_ms, summary, numbers, seen, score=confidence, verify=verify)
    site = state.sites[spot.facility]
    site = msgspec.structs.replace(site, lon=spot.lon, lat=spot.lat)
    first = seen[0].id if seen else evidence.id
    spot.opened = turn.raises(spot.kind, Opening(spot.facility, site, first, spot.since_ms), step)


def _is_small(spot: Spot, values: Values) -> bool:
    if spot.kind not in _DAMAGE or (spot.area_m2 is None and spot.step_m is None):
        return False
    wide = spot.area_m2 is not None and spot.area_m2 >= values["surface.area_m2"]
    return not wide and not (spot.step_m is not None and spot.step_m >= values["surface.step_m"])


def _where(state: State, event: CameraEvent) -> tuple[float, float]:
    if event.lon is not None and event.lat is not None:
        return event.lon, event.lat
    site = state.sites[event.facility]
    return site.lon, site.lat


def _is_seen(state: State, spot: Spot, event: CameraEvent, values: Values) -> bool:
    """Whether a picture is one of where a spot is; of who saw it there also one of its road that tells no place."""
    if event.lon is None and event.facility == spot.facility and event.device in spot.missed:
        return True
    return _metres(spot, *_where(state, event)) <= values["surface.within_m"]


def _nearest(state: State, kind: AnomalyKind, event: CameraEvent, values: Values) -> Spot | None:
    """The spot that a picture shows, if it is one that is known."""
    alike = [(number, spot) for number, spot in enumerate(state.spots) if spot.kind is kind]
    if event.lon is None:
        here = next((spot for _, spot in alike if spot.facility == event.facility), None)
        if here is not None:
            return here
    near = [(_metres(spot, *_where(state, event)), number) for number, spot in alike]
    metres, number = min(near, default=(math.inf, 0))
    return state.spots[number] if metres <= values["surface.within_m"] else None


def _metres(spot: Spot, lon: float, lat: float) -> float:
    east = (spot.lon - lon) * _METRES_A_DEGREE * math.cos(math.radians(lat))
    return math.hypot((spot.lat - lat) * _METRES_A_DEGREE, east)


def _middle(told: Sequence[float | None], before: float | None) -> float | None:
    """The median of the sizes that pictures tell, the larger of two; where none does, what they told before."""
    sizes = [size for size in told if size is not None]
    return median_high(sizes) if sizes else before


def _sizes(state: State, event: CameraEvent, time_ms: int, values: Values) -> tuple[float | None, float | None]:
    """Area and step as the picture tells them, or a reading of the same device in the same pass."""

    def read(name: str) -> float | None:
        value, read_ms = state.sizes.get(f"{event.facility}|{event.device}|{name}", (0.0, 0))
        return value if read_ms and abs(time_ms - read_ms) <= values["surface.pass_s"] * 1000 else None

    area_m2 = read("surface_area") if event.area_m2 is None else event.area_m2
    return area_m2, read("step_height") if event.step_m is None else event.step_m


def _on_size(state: State, reading: Reading) -> None:
    series = reading.series
    key = f"{series.facility}|{series.device}|{series.observed_property}"
    if series.facility in state.sites and reading.time_ms >= state.sizes.get(key, (0.0, 0))[1]:
        state.sizes[key] = reading.value, reading.time_ms


def _word(spot: Spot) -> str:
    words = {
        AnomalyKind.PAVEMENT_DAMAGED: "Damaged pavement",
        AnomalyKind.SIDEWALK_DAMAGED: "Damaged sidewalk",
        AnomalyKind.GARBAGE_EXPOSED: "Exposed garbage",
        AnomalyKind.COVER_MISSING: "Missing cover",
    }
    return f"{words[spot.kind]} at {spot.facility}"


def _clear(spot: Spot, step: Step, turn: Turn) -> None:
    if spot.opened is not None:
        turn.clears(spot.opened, step)


# ------------------------------------------------------------------------------------------------------- registrations


def _on_registry(state: State, event: RegistryEvent, turn: Turn) -> None:
    match event:
        case FacilityRegistered():
            _on_registered(state, event.facility, turn)
        case FacilityLeft():
            _on_left(state, event.facility, turn)
        case _:
            if state.rules.configure(event):
                _rejudge(state, turn)


def _on_registered(state: State, facility: Facility, turn: Turn) -> None:
    if facility.facility_class not in SURFACES:
        _on_left(state, facility.facility, turn)
        return
    state.rules.register(facility)
    state.sites[facility.facility] = Site.of(facility)
    _unbind(state, facility.facility)
    if facility.facility_class is not FacilityClass.CAMERA:
        for device in sorted({binding.device for binding in facility.devices}):
            state.bound[device] = tuple(sorted({*state.bound.get(device, ()), facility.facility}))
    _rejudge(state, turn)


def _on_left(state: State, facility: str, turn: Turn) -> None:
    if state.sites.pop(facility, None) is None:
        return
    state.rules.forget(facility)
    _unbind(state, facility)
    state.sizes = {key: size for key, size in state.sizes.items() if not key.startswith(f"{facility}|")}
    for spot in [one for one in state.spots if one.facility == facility]:
        state.spots.remove(spot)
        _clear(spot, Step(turn.clock.now_ms, f"{facility} is no longer watched", {}, reason=LEFT), turn)


def _unbind(state: State, facility: str) -> None:
    left = {device: tuple(one for one in bound if one != facility) for device, bound in state.bound.items()}
    state.bound = {device: bound for device, bound in left.items() if bound}


def _rejudge(state: State, turn: Turn) -> None:
    """What is too small by what applies now is no finding any more."""
    for spot in state.spots:
        site = state.sites[spot.facility]
        if spot.opened is not None and _is_small(spot, state.rules.of(site.facility, site.facility_class)):
            step = Step(turn.clock.now_ms, f"{_word(spot)} is under another rule", {}, reason=POLICY_CHANGED)
            _clear(spot, step, turn)
            spot.opened, spot.frames = None, []


def _forget(state: State, now_ms: int, turn: Turn) -> None:
    """Drop what was never confirmed, and cameras that have not been heard of for as long."""
    kept: list[Spot] = []
    longest_ms = 0
    for spot in state.spots:
        site = state.sites[spot.facility]
        values = state.rules.of(site.facility, site.facility_class)
        longest_ms = max(longest_ms, round(values["surface.forget_s"] * 1000))
        if spot.opened is not None or _forgotten_at(spot, values) > now_ms:
            kept.append(spot)
    state.spots = kept
    state.looks = {name: look for name, look in state.looks.items() if look.newest_ms + longest_ms > now_ms}
    for spot in kept:
        site = state.sites[spot.facility]
        _arm(state, spot, state.rules.of(site.facility, site.facility_class), turn)


def _forgotten_at(spot: Spot, values: Values) -> int:
    return spot.newest_ms + round(values["surface.forget_s"] * 1000)


def _arm(state: State, spot: Spot, values: Values, turn: Turn) -> None:
    at_ms = _forgotten_at(spot, values)
    if spot.opened is None and (state.armed_ms is None or at_ms < state.armed_ms):
        state.armed_ms = at_ms
        turn.wake(_TIMER, at_ms)
