"""One reading belongs to one facility."""

import pytest

from ops.registry.claims import contested
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place


def facility(name: str, *bindings: DeviceBinding) -> Facility:
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=FacilityClass.PRESSURE_METER,
        zone="dma:1",
        place=Place(lon=113.85, lat=34.03),
        devices=bindings,
    )


def speaks(*properties: str, camera_zone: str | None = None, everything: bool = False) -> DeviceBinding:
    return DeviceBinding(device="d", properties=None if everything else properties, camera_zone=camera_zone)


@pytest.mark.parametrize(
    ("one", "two", "is_contested"),
    [
        (speaks(everything=True), speaks(everything=True), True),
        (speaks(everything=True), speaks("flow"), True),
        (speaks("flow"), speaks("flow", "pressure"), True),
        (speaks("flow"), speaks("pressure"), False),
        (speaks(everything=True), speaks(), False),
        (speaks(camera_zone="north"), speaks(camera_zone="south"), False),
        (speaks(camera_zone="north"), speaks("fault"), False),
    ],
)
def test_two_facilities_may_not_claim_one_reading(one: DeviceBinding, two: DeviceBinding, is_contested: bool) -> None:
    both = [facility("f-1", one), facility("f-2", two)]
    assert (contested(both, ["f-2"]) is not None) is is_contested
    assert (contested(both, ["f-1"]) is not None) is is_contested


def test_only_what_is_loaded_now_is_held_against_what_stands() -> None:
    both = [facility("f-1", speaks("flow")), facility("f-2", speaks("flow"))]
    assert contested(both, ["f-9"]) is None
    assert contested([facility("f-1", speaks("flow"), speaks("flow"))], ["f-1"]) is None


def test_it_names_the_device_and_both_facilities() -> None:
    said = contested([facility("f-1", speaks("flow")), facility("f-2", speaks("flow"))], ["f-2"])
    assert said is not None
    assert all(name in said for name in ("'d'", "f-1", "f-2"))
