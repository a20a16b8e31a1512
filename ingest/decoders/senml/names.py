"""Which part of a resolved SenML name is the device, and which says what was measured.

RFC 8428 leaves that open: a name only has to be unique. What is certain: URNs of devices (RFC 9039), and a base name
that ends where names usually join. Else the last part is what was measured where it says so; if not, all is the device.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from ingest.meaning.words import meaning

_URN: Final = re.compile(r"(?i)(urn:[a-z0-9][a-z0-9-]*:(?:(?<=:dev:)[a-z]+:)?[^:/_]+)[:/_.-]*(.*)")
_ADDRESS: Final = re.compile(r"(?i)(?=.*:.*:)[0-9a-f:.]+")
_JOINTS: Final = ":/_.-"


class Split(NamedTuple):
    """A name in its two parts; either may be empty."""

    device: str
    quantity: str


@lru_cache(maxsize=16_384)
def split(base: str, name: str) -> Split:
    """The device in a resolved name, and what of it was measured."""
    if urn := _URN.fullmatch(name):
        return Split(urn[1], urn[2])
    if _ADDRESS.fullmatch(name):
        return Split(name, "")
    local = name[len(base) :]
    if base and local and (device := base.rstrip(_JOINTS)) and (device != base or _says(local)):
        return Split(device, local)
    if not base or not local:
        at = max(name.rfind("/"), name.rfind(":"))
        device, last = name[: max(at, 0)].rstrip(_JOINTS), name[at + 1 :]
        if _says(last):
            return Split(device, last)
    return Split(name, "")


def _says(quantity: str) -> bool:
    """Whether these words name something we measure, in some unit or as a flag."""
    units = (None, "%", "m", "m3", "m3/h", "Pa", "W", "Wh", "uS/cm", "V.A", "var", "m/s", "mm/h", "W/m2", "m/s2", "ppm")
    return any(meaning(quantity, unit, by_unit=False) for unit in units) or meaning(quantity, truth=True) is not None
