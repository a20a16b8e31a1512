"""What stands in the made-up street: two blocks of a road in Weidu district, Xuchang.

Covers, lamps and the camera carry codes of GB/T 47678.5-2026 (division 411002, component class, serial); the standard
has none for a single bay or a stretch of kerb, which therefore carry local ones.
"""

from typing import Final

from ops.simulate.plan import BAYS, COVERS, LAMPS
from ops.simulate.rng import stream
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.registry import ZoneConfigured, ZoneKind

DISTRICT: Final = "411002"
GRIDS: Final = ("411002001003007", "411002001003008")
ROADS: Final = ("Qiyi Road, block 1", "Qiyi Road, block 2")
SEGMENTS: Final = ("segment:qiyi-1", "segment:qiyi-2")
FEEDER: Final = "feeder:qiyi"
WEST, EAST, SOUTH_KERB, NORTH_KERB = 113.8490, 113.8530, 34.03010, 34.03035

BAY_INTERVAL_S: Final = 300
COVER_INTERVAL_S: Final = 600
LAMP_INTERVAL_S: Final = 300
CAMERA_INTERVAL_S: Final = 300
MAX_STAY_S: Final = 7200

CAMERA: Final = "camera-qiyi-1"
KERBS: Final = ("kerb-qiyi-1", "kerb-qiyi-2")
KERB_NAMES: Final = ("north_kerb", "bus_stop")  # as in the camera's own configuration

_COVER_CODES: Final = ("01001", "01002", "01003")  # water, sewage, storm water
_COVER_NAMES: Final = ("water", "sewage", "storm water")


def cover_id(index: int) -> str:
    """The 17-digit code of a cover: water, sewage and storm water in turn, serials from 000101."""
    return f"{DISTRICT}{_COVER_CODES[(index + 2) % 3]}{101 + index:06d}"


def cover_device(index: int) -> str:
    """The tilt sensor in a cover."""
    return f"cover-{101 + index}"


def bay_id(index: int) -> str:
    """A bay; the sensor in it carries the same name."""
    return f"bay-qiyi-{index + 1:02d}"


def lamp_id(index: int) -> str:
    """The 17-digit code of a lamp."""
    return f"{DISTRICT}01037{index + 1:06d}"


def lamp_device(index: int) -> str:
    """The controller in a lamp."""
    return f"lamp-{index + 1:02d}"


def install_angle(index: int) -> float:
    """How a cover lies when all is well, in degrees; the street is the same whatever happens in it."""
    return round(float(stream(0, "install angle", index).uniform(0.2, 3.5)), 1)


def facilities() -> tuple[Facility, ...]:
    """All that is registered of the street."""
    return (
        *(_cover(index) for index in range(COVERS)),
        *(_bay(index) for index in range(BAYS)),
        *(_lamp(index) for index in range(LAMPS)),
        *_kerbs_and_camera(),
    )


def zones() -> tuple[ZoneConfigured, ...]:
    """The street's zones: two segments, the grids its covers lie in, and the lamps' feeder."""
    return (
        *(
            ZoneConfigured(zone=zone, kind=ZoneKind.STREET_SEGMENT, name=road, place=_place(block, 0.5, NORTH_KERB))
            for block, (zone, road) in enumerate(zip(SEGMENTS, ROADS, strict=True))
        ),
        *(
            ZoneConfigured(zone=f"grid:{grid}", kind=ZoneKind.GRID, place=_place(block, 0.5, SOUTH_KERB))
            for block, grid in enumerate(GRIDS)
        ),
        ZoneConfigured(
            zone=FEEDER, kind=ZoneKind.LAMP_FEEDER, name="Qiyi Road lamps", place=_place(0, 1.0, NORTH_KERB)
        ),
    )


def _place(block: int, along: float, lat: float) -> Place:
    """A point of a block, ``along`` from its western end (0) to its eastern (1)."""
    lon = WEST + (block + along) * (EAST - WEST) / 2
    return Place(lon=round(lon, 6), lat=lat, grid=GRIDS[block], district=DISTRICT, address=ROADS[block])


def _spread(index: int, count: int, lat: float) -> tuple[int, Place]:
    """The block and place of one of ``count`` things that stand evenly along both blocks."""
    block, rank = divmod(index, count // 2)
    return block, _place(block, (rank + 0.5) / (count // 2), lat)


def _cover(index: int) -> Facility:
    block, place = _spread(index, COVERS, SOUTH_KERB + 0.0001)
    return Facility(
        facility=cover_id(index),
        scheme=CodeScheme.GB_T_47678_5_2026,
        facility_class=FacilityClass.MANHOLE_COVER,
        name=f"{_COVER_NAMES[(index + 2) % 3]} cover {101 + index}",
        zone=f"grid:{GRIDS[block]}",
        place=place,
        devices=(DeviceBinding(device=cover_device(index), interval_s=COVER_INTERVAL_S),),
        policy=Policy(install_angle_deg=install_angle(index), tilt_deg=10.0),
    )


def _bay(index: int) -> Facility:
    block, place = _spread(index, BAYS, SOUTH_KERB)
    return Facility(
        facility=bay_id(index),
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.PARKING_BAY,
        name=f"bay {index + 1}",
        zone=SEGMENTS[block],
        place=place,
        devices=(DeviceBinding(device=bay_id(index), interval_s=BAY_INTERVAL_S),),
        policy=Policy(activity="parking", max_stay_s=MAX_STAY_S),
    )


def _lamp(index: int) -> Facility:
    _, place = _spread(index, LAMPS, NORTH_KERB)
    return Facility(
        facility=lamp_id(index),
        scheme=CodeScheme.GB_T_47678_5_2026,
        facility_class=FacilityClass.STREET_LAMP,
        name=f"lamp {index + 1}",
        zone=FEEDER,
        place=place,
        devices=(DeviceBinding(device=lamp_device(index), interval_s=LAMP_INTERVAL_S),),
    )


def _kerbs_and_camera() -> tuple[Facility, ...]:
    policies = (Policy(activity="no_stopping"), Policy(activity="bus_stop"))  # how long is too long: the defaults
    kerbs = tuple(
        Facility(
            facility=kerb,
            scheme=CodeScheme.LOCAL,
            facility_class=FacilityClass.CURB_ZONE,
            name=name.replace("_", " "),
            zone=SEGMENTS[block],
            place=_place(block, 0.4, NORTH_KERB),
            devices=(DeviceBinding(device=CAMERA, properties=(), camera_zone=name),),
            policy=policy,
        )
        for block, (kerb, name, policy) in enumerate(zip(KERBS, KERB_NAMES, policies, strict=True))
    )
    camera = Facility(
        facility=f"{DISTRICT}01050000007",
        scheme=CodeScheme.GB_T_47678_5_2026,
        facility_class=FacilityClass.CAMERA,
        name="camera Qiyi Road",
        zone=SEGMENTS[0],
        place=_place(0, 0.95, NORTH_KERB),
        devices=(DeviceBinding(device=CAMERA, interval_s=CAMERA_INTERVAL_S, properties=("fault",)),),
    )
    return (*kerbs, camera)
