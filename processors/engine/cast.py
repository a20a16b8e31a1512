"""Who is asked: the live detectors in their order, and at most one on trial beside them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from processors.engine.contract import Detector
from processors.engine.whatif import overridden
from schemas.registry import WATER_KEY, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.shadow import ShadowBegun
from schemas.water import WaterNetworkConfigured
from schemas.whatif import WhatIf

_TRIAL: Final = "~"  # behind the name of a detector: what it has of its own while it is on trial

Registration = FacilityRegistered | FacilityLeft | ZoneConfigured | WaterNetworkConfigured


class CastState(msgspec.Struct, frozen=True, array_like=True):
    """In a snapshot."""

    versions: dict[str, int]  # of the live detectors
    trial: bytes | None  # the event that began it, as JSON
    what_ifs: dict[str, bytes]  # with which live detectors were promoted


class Trial:
    """A detector on trial."""

    def __init__(self, begun: ShadowBegun, detector: Detector[Any]) -> None:
        self.begun = begun
        self.detector = detector
        self.label = detector.name + _TRIAL
        """Under which its state and its timers stand beside those of the live one."""

    def sees(self, event: Registration) -> Registration:
        """A registration under the trial's policies."""
        return _seen(event, self.begun.what_if)


class Cast:
    """Changes with the events of shadows only, so at any offset it is the same in every replay."""

    def __init__(self, detectors: Sequence[Detector[Any]], candidates: Sequence[Detector[Any]]) -> None:
        """Begin with ``detectors`` live; ``candidates`` are other versions that may be tried."""
        assert len({detector.name for detector in detectors}) == len(detectors), "two detectors of one name"
        self._detectors = tuple(detectors)
        self._known = {(one.name, one.version): one for one in (*candidates, *detectors)}
        self.live = list(detectors)
        self.trial: Trial | None = None
        self._what_ifs: dict[str, WhatIf] = {}

    @property
    def state(self) -> CastState:
        """For a snapshot: equal for equal casts."""
        return CastState(
            {detector.name: detector.version for detector in self.live},
            self.trial.begun.model_dump_json().encode() if self.trial else None,
            {name: what_if.model_dump_json().encode() for name, what_if in self._what_ifs.items()},
        )

    def take_over(self, state: CastState) -> None:
        """Be as ``state`` says, as far as the code still knows the versions."""
        self.live = list(self.resolve(state.versions))
        self._what_ifs = {name: WhatIf.model_validate_json(data) for name, data in state.what_ifs.items()}
        if state.trial is not None:
            self.begin(ShadowBegun.model_validate_json(state.trial))

    def resolve(self, versions: Mapping[str, int]) -> tuple[Detector[Any], ...]:
        """The live detectors in these versions; in that of the code where it does not know the version any more."""
        ours = [self._known.get((one.name, versions.get(one.name, 0)), one) for one in self._detectors]
        names = {one.name for one in ours}
        promoted = [self._known.get(found) for found in sorted(versions.items()) if found[0] not in names]
        return (*ours, *(one for one in promoted if one is not None))

    def tried(self, state: CastState) -> set[str]:
        """The label of who is on trial in a snapshot, if the code knows it."""
        begun = None if state.trial is None else ShadowBegun.model_validate_json(state.trial)
        known = begun is not None and (begun.detector, begun.version) in self._known
        return {begun.detector + _TRIAL} if begun is not None and known else set()

    def sees(self, detector: Detector[Any], event: Registration) -> Registration:
        """A registration under the policies with which a live detector was promoted."""
        what_if = self._what_ifs.get(detector.name)
        return event if what_if is None else _seen(event, what_if)

    def begin(self, begun: ShadowBegun) -> Trial | None:
        """Begin a trial; None where one is going on, or the code does not know the version."""
        detector = self._known.get((begun.detector, begun.version))
        if detector is None or self.trial is not None:
            return None
        self.trial = Trial(begun, detector)
        return self.trial

    def end(self, shadow: str, *, promoted: bool) -> Trial | None:
        """End the trial of this name; None where there is none. ``promoted``: its detector is live from now on."""
        trial = self.trial
        if trial is None or trial.begun.shadow != shadow:
            return None
        self.trial = None
        if promoted:
            name = trial.detector.name
            self.live = [trial.detector if one.name == name else one for one in self.live]
            if trial.detector not in self.live:
                self.live.append(trial.detector)
            self._what_ifs.pop(name, None)
            if trial.begun.what_if.override:
                self._what_ifs[name] = trial.begun.what_if
        return trial


def _seen(event: Registration, what_if: WhatIf) -> Registration:
    seen = overridden(event, what_if)
    assert isinstance(seen, Registration)
    return seen


def about(event: Registration) -> tuple[str, str]:
    """What a registration has revisions of, and its zone."""
    match event:
        case FacilityRegistered():
            return event.facility.facility, event.facility.zone
        case FacilityLeft():
            return event.facility, event.zone
        case ZoneConfigured():
            return f"zone:{event.zone}", event.zone
        case WaterNetworkConfigured():
            return WATER_KEY + event.zone, event.zone


def is_news(known: dict[str, int], key: str, revision: int) -> bool:
    """Whether a word says more than was known."""
    return not revision or revision > known.get(key, 0)
