"""What a device said leaves force with it: when another takes its place, when a camera is moved, when nobody listens.

A registration names the devices of a place. Of one that it named before and names no more, or names for less, nobody
will ever hear that what it said is over. What others say as well goes on by their word.
"""

from collections.abc import Callable
from typing import Final

from processors.detectors.common import REPLACED, Turn
from processors.detectors.parking import stays, watches
from processors.detectors.parking.state import Source, Spot, State
from schemas.facility import Facility

MOVED: Final = "camera moved"
_SIGHT: Final = ""
"""What cameras speak for."""

_IsVoid = Callable[[str, str], bool]


def on_registered(state: State, spot: Spot, facility: Facility, turn: Turn) -> None:
    """Forget what those said who speak for the place no more."""
    before, now = spot.devices, _devices(facility)
    spot.devices = now
    gone = {device for device, view in before.items() if now.get(device) != view}
    whole = {one.device for one in facility.devices if one.properties is None}
    spoken = {(one.device, name) for one in facility.devices for name in one.properties or ()}

    def is_void(device: str, observed_property: str) -> bool:
        if device in gone:
            return True
        sees = observed_property == _SIGHT or device not in now
        return not (sees or device in whole or (device, observed_property) in spoken)

    reason = MOVED if gone and gone <= now.keys() else REPLACED
    _drop(spot, is_void, reason, turn)
    _drop_tracks(spot, gone, before.keys() | now.keys())
    watches.void(state, spot, reason, turn)
    forget_cameras(state, gone - now.keys())


def forget_cameras(state: State, devices: set[str]) -> None:
    """Of cameras that no place names any more nothing is to be known."""
    for device in sorted(devices):
        if not any(device in spot.devices for spot in state.spots.values()):
            state.cameras.pop(device, None)
            state.skews.pop(device, None)


def _devices(facility: Facility) -> dict[str, str]:
    """Who speaks for it, and of a camera by which view: who moves one draws its polygons anew."""
    return {one.device: one.homography or "" for one in facility.devices}


def _drop(spot: Spot, is_void: _IsVoid, reason: str, turn: Turn) -> None:
    dropped = {name: source for name, source in spot.sources.items() if _is_void(name, source, is_void)}
    for name in dropped:
        del spot.sources[name]
    for said in (spot.flags, spot.said):
        for key in [key for key in said if is_void(*key.split("|", 1))]:
            del said[key]
    for device in [device for device in spot.other if is_void(device, "temperature")]:
        del spot.other[device]
    for stay in spot.stays.values():
        stay.lost = stay.lost and not is_void(stay.camera, _SIGHT)  # nobody is left who may find it again
    going_on = {source.stay for source in spot.sources.values() if source.taken}
    alone = {source.stay for source in dropped.values()} - going_on
    void = [number for number, stay in spot.stays.items() if stay.free_ms is None and number in alone]
    stays.void(spot, void, reason, turn)


def _is_void(name: str, source: Source, is_void: _IsVoid) -> bool:
    return is_void(source.camera, _SIGHT) if source.camera else is_void(name, "occupied")


def _drop_tracks(spot: Spot, gone: set[str], known: set[str]) -> None:
    for tracks in (spot.objects, spot.coming, spot.passed, spot.cooling):
        for track in list(tracks):
            owner = max((device for device in known if track.startswith(f"{device}/")), key=len, default="")
            if owner in gone:
                del tracks[track]
