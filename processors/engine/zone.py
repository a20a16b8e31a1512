"""Everything a fold knows of one zone; what is restored is decoded only when something happens in the zone."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from processors.engine.cast import Cast, Trial
from processors.engine.contract import Detector, Series
from processors.engine.dedupe import Columns, Seen
from processors.engine.errors import SnapshotError
from processors.engine.journal import Journal
from processors.engine.openings import Openings, OpeningsState, Steps
from processors.engine.route import Route
from processors.engine.slot import Slot
from processors.engine.unseen import Darkness, Said
from processors.engine.works import Works
from schemas.anomaly import Anomaly


class ZoneState(msgspec.Struct, frozen=True, array_like=True):
    """A zone in a snapshot; every mapping is written in the order of its keys."""

    slots: dict[str, bytes]  # by label
    revisions: dict[str, int]
    seen: list[tuple[str, str, list[Columns]]]  # device, property
    openings: dict[str, OpeningsState]  # by label, where anything is open
    heard: dict[str, int]  # as revisions, by who is on trial
    models: list[str] = []  # the states may name them; snapshots of before there were any have none
    works: dict[str, bytes] = {}  # snapshots of before there were any have none
    unseen: dict[str, Said] = {}  # by facility; the same


_NOTHING: Final = ZoneState({}, {}, [], {}, {})
_encoder: Final = msgspec.msgpack.Encoder(order="sorted")
_decoder: Final = msgspec.msgpack.Decoder(ZoneState)


class Zone:
    """The detectors' states, what was seen of each series, and the newest word on each registration.

    The memory of what was seen belongs to the zone: what a device says after it moved is another zone's business, in
    the same partition or not.
    """

    __slots__ = (
        "everyone",
        "heard",
        "journal",
        "kin",
        "models",
        "name",
        "revisions",
        "routes",
        "slots",
        "trial",
        "unseen",
        "works",
    )

    def __init__(self, name: str, cast: Cast, state: ZoneState | None = None) -> None:
        """Begin with nothing known, or with what :meth:`snapshot` gave."""
        self.name = name
        state = state or _NOTHING
        self.journal = Journal(self.forget_ears)
        self.kin: dict[tuple[str, str], list[Route]] = {}
        """Routes by device, and by facility."""
        self.slots = [
            Slot(detector, name, state.slots.get(detector.name), journal=self.journal) for detector in cast.live
        ]
        self.trial: Slot | None = None
        if (trial := cast.trial) is not None:
            self.trial = Slot(trial.detector, name, state.slots.get(trial.label), trial.label, self.journal)
        self.everyone: list[Slot] = [*self.slots, *((self.trial,) if self.trial else ())]
        self.journal.keepers = self.everyone
        for slot in self.everyone:
            slot.openings = Openings(state.openings.get(slot.label))
        self.revisions = dict(state.revisions)
        self.heard = dict(state.heard)
        self.models = set(state.models)
        """The models that the detectors may have to look up again."""
        self.works = Works(state.works)
        self.unseen = Darkness(state.unseen)
        self.routes = {(device, what): Route(Seen(columns), self.journal) for device, what, columns in state.seen}

    @classmethod
    def restore(cls, name: str, cast: Cast, data: bytes) -> "Zone":
        """What :meth:`snapshot` wrote with the same versions of the detectors.

        Raises:
            SnapshotError: the bytes are no such zone.
        """
        try:
            zone = cls(name, cast, _decoder.decode(data))
        except MemoryError:
            raise
        except Exception as error:
            raise SnapshotError(f"zone {name}: {type(error).__name__}: {error}") from error
        zone.journal.weigh(len(data))
        return zone

    def snapshot(self, floor_ms: int, now_ms: int) -> bytes:
        """All of it; equal bytes for zones that will behave equally. Nothing may be kept."""
        seen = [(*key, columns) for key in sorted(self.routes) if (columns := self.routes[key].seen.snapshot(floor_ms))]
        if len(seen) < len(self.routes):  # devices that fell silent long ago
            remembered = {(device, what) for device, what, _ in seen}
            self.routes = {key: route for key, route in self.routes.items() if key in remembered}
            self.kin = {}
            for route in self.routes.values():
                self._relate(route)
        self.journal.begin()  # what is written here serves both
        slots = {slot.label: slot.checkpoint for slot in self.everyone}
        openings = {slot.label: state for slot in self.everyone if (state := slot.openings.state) is not None}
        return _encoder.encode(
            ZoneState(
                slots,
                self.revisions,
                seen,
                openings,
                self.heard,
                sorted(self.models),
                self.works.snapshot(now_ms),
                self.unseen.state,
            )
        )

    def slot(self, label: str) -> Slot:
        """Who is asked under this label."""
        for slot in self.everyone:
            if slot.label == label:
                return slot
        raise KeyError(label)

    def named(self, model: str | None, *, only: bool) -> None:
        """A configuration named a model, or said that there is none; ``only``: nobody remembers another any more."""
        if only:
            self.models.clear()
        if model is not None:
            self.models.add(model)

    def begin(self, trial: Trial) -> None:
        """Ask one more from now on, who knows nothing yet."""
        self.trial = Slot(trial.detector, self.name, label=trial.label, journal=self.journal)
        self.heard = {}
        self._cast_changed()

    def end(self, steps: Steps | None) -> list[Anomaly]:
        """Ask who was on trial no more; with ``steps`` it takes the place of the live one, and this is said of it."""
        trial, heard = self.trial, self.heard
        self.trial, self.heard = None, {}
        said: list[Anomaly] = []
        if trial is not None and steps is not None:
            trial.label = trial.detector.name
            at = next((n for n, slot in enumerate(self.slots) if slot.label == trial.label), len(self.slots))
            before = self.slots[at : at + 1]
            said += trial.openings.succeed(before[0].openings if before else Openings(), steps)
            self.slots[at : at + 1] = [trial]
            self.revisions = heard  # what it has not heard yet is news, also when the others have
        self._cast_changed()
        return said

    def _cast_changed(self) -> None:
        self.everyone = [*self.slots, *((self.trial,) if self.trial else ())]
        self.journal.keepers = self.everyone
        for route in self.routes.values():
            route.series = None  # to be found anew
            route.forget()

    def forget_ears(self) -> None:
        """What they held on to may be gone, and so may what was calm."""
        for route in self.routes.values():
            route.forget()

    def forget_calm(self) -> None:
        """Something may be news now that was none."""
        for route in self.routes.values():
            route.wake()

    def memory(self, device: str, what: str) -> Route:
        """What was seen of one device and property."""
        route = self.routes.get((device, what))
        if route is None:
            route = self.routes[device, what] = Route(Seen(), self.journal)
        return route

    def route(self, series: Series) -> Route:
        """Where the readings of a series go."""
        route = self.memory(series.device, series.observed_property)
        if route.series != series:  # new, or registered anew
            # One of its own: rows of the same record that were said before go where they said.
            route.replace()
            route = self.routes[series.device, series.observed_property] = Route(route.seen, self.journal)
            wanted = [slot for slot in self.everyone if slot.detector.wants(series)]
            route.series = series
            route.all = wanted
            route.late = [slot for slot in wanted if slot.detector.hears_late]
            self._relate(route)
        return route

    def _relate(self, route: Route) -> None:
        if route.series is not None:
            keys = ("device", route.series.device), ("facility", route.series.facility)
            route.kin = tuple(self.kin.setdefault(key, []) for key in keys)
            for kin in route.kin:
                kin.append(route)


def upcast(detectors: Sequence[Detector[Any]], versions: dict[str, int], name: str, data: bytes) -> bytes:
    """A zone as it would stand in a snapshot of the present versions.

    Raises:
        SnapshotError: a detector is new, or cannot tell its state from that of the version before.
    """
    state = _decoder.decode(data)
    slots = dict(state.slots)
    for detector in detectors:
        before = versions.get(detector.name)
        found = state.slots.get(detector.name)
        if before != detector.version:
            found = None if before is None or found is None else detector.upcast(before, name, found)
            if found is None:
                raise SnapshotError(f"{detector.name} {before or '(none)'} cannot become version {detector.version}")
            slots[detector.name] = found
    return _encoder.encode(msgspec.structs.replace(state, slots=slots))
