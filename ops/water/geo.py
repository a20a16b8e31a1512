"""From the coordinates of a network's file to places in WGS 84."""

import math
from collections.abc import Callable, Iterable
from typing import Final

from runtime.errors import FatalError

Origin = tuple[float, float]
"""Longitude and latitude of the point (0, 0) of a plane in metres."""
Position = tuple[float, float]
"""Longitude and latitude in degrees."""
ToPosition = Callable[[float, float], Position]

LON_MAX, LAT_MAX = 180.0, 90.0
FAR_M: Final = 100_000.0
"""A plane is one only so far from its origin; also, coordinates of a national grid are no local metres."""


def to_position(coordinates: Iterable[tuple[float, float]], origin: Origin | None) -> ToPosition:
    """How these coordinates become positions: as degrees without an ``origin``, as metres from it with one.

    Raises:
        FatalError: they cannot be that; the message says what to do.
    """
    known = list(coordinates)
    if origin is None:
        if any(abs(x) > LON_MAX or abs(y) > LAT_MAX for x, y in known):
            raise FatalError(
                "the coordinates of the network are no degrees: say where its point (0, 0) lies, with "
                "--origin LON,LAT or `origin = [LON, LAT]` in sensors.toml"
            )
        return lambda x, y: (x, y)
    if any(max(abs(x), abs(y)) > FAR_M for x, y in known):
        raise FatalError(
            f"the coordinates of the network lie more than {FAR_M / 1000:.0f} km from its point (0, 0), so they are no "
            "metres of a local plane: convert them to degrees (WGS 84) and leave the origin out"
        )
    lon, lat = origin
    phi = math.radians(lat)
    # metres of a degree on the ellipsoid, as series in the latitude
    lat_m = 111_132.92 - 559.82 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi)
    lon_m = 111_412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi)
    return lambda x, y: (lon + x / lon_m, lat + y / lat_m)
