"""Who speaks for what: each reading of a device belongs to one facility, or where it is stored is a race."""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.facility import DeviceBinding, Facility


def contested(facilities: Iterable[Facility], candidates: Iterable[str]) -> str | None:
    """The first claim of a candidate (facility id) that contradicts another facility's, in words; None is well.

    One device may speak for several facilities: by different properties or channels, or by zones of a camera's picture.
    """
    bound: dict[str, list[tuple[str, DeviceBinding]]] = {}
    for facility in facilities:
        for binding in facility.devices:
            bound.setdefault(binding.device, []).append((facility.facility, binding))
    suspects = set(candidates)
    for device, claims in bound.items():
        for number, (one, binding) in enumerate(claims):
            for other, earlier in claims[:number]:
                if one != other and {one, other} & suspects and overlap(claim_of(binding), claim_of(earlier)):
                    return f"device {device!r} would speak for {other} and for {one} by the same property"
    return None


class Claim(NamedTuple):
    """What a device speaks for: properties (None: all) of a channel (None: of all), or a part of a camera's picture."""

    properties: tuple[str, ...] | None
    channel: str | None
    camera_zone: str | None


def claim_of(binding: DeviceBinding) -> Claim:
    """The claim of a binding."""
    place = binding.camera_zone if binding.polygon is None else f"polygon {binding.polygon}"
    return Claim(binding.properties, binding.channel, place)


def overlap(one: Claim, two: Claim) -> bool:
    """Whether the claims of two facilities on one device contradict each other."""
    if one.camera_zone is not None or two.camera_zone is not None:
        return False
    if None not in (one.channel, two.channel) and one.channel != two.channel:
        return False
    if one.properties is None or two.properties is None:  # all it sends
        return () not in (one.properties, two.properties)
    return bool(set(one.properties) & set(two.properties))
