"""Registry files: what is right becomes facilities and zones; what is wrong is named by file, line and field."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ops.registry.files import RegistryFileError, read_registry_file
from ops.registry.rows import COLUMNS
from schemas.curb import Calendar
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.registry import ZoneConfigured, ZoneKind

DOCS = Path(__file__).parents[3] / "docs" / "registry.md"
HEADER = "facility,scheme,facility_class,zone,lon,lat"


def csv_file(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "covers.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def geojson(tmp_path: Path, *features: Any) -> Path:
    path = tmp_path / "covers.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def feature(coordinates: Any = (113.85, 34.03), **properties: Any) -> dict[str, Any]:
    base = {"facility": "b-1", "scheme": "local", "facility_class": "parking_bay", "zone": "segment:1"}
    geometry = None if coordinates is None else {"type": "Point", "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": base | properties}


def problems(path: Path) -> list[str]:
    with pytest.raises(RegistryFileError) as caught:
        read_registry_file(path)
    first, *lines = str(caught.value).splitlines()
    assert first == "nothing was loaded:"
    return [line.removeprefix("  ") for line in lines]


# ------------------------------------------------------------------------------------------------ the documentation


def examples(tmp_path: Path) -> tuple[Path, Path]:
    blocks = dict(re.findall(r"```(csv|json)\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL))
    paths = tmp_path / "city.csv", tmp_path / "city.geojson"
    for path, block in zip(paths, (blocks["csv"], blocks["json"]), strict=True):
        path.write_text(block, encoding="utf-8")
    return paths


def test_the_documented_curb_policies_and_calendar_are_read(tmp_path: Path) -> None:
    text = DOCS.read_text(encoding="utf-8")
    curb, calendar = (re.findall(rf"```json {name}\n(.*?)```", text, re.DOTALL)[0] for name in ("curb", "calendar"))
    cell = json.dumps(json.loads(curb)).replace('"', '""')
    lines = (f'b-1,local,parking_bay,segment:1,113.85,34.03,"{cell}"', f',,zone,segment:1,113.85,34.03,"{cell}"')
    (table,), (zone,) = read_registry_file(csv_file(tmp_path, *lines, header=f"{HEADER},curb"))
    (points,), _ = read_registry_file(geojson(tmp_path, feature(curb=json.loads(curb))))
    assert table.policy == points.policy == zone.policy
    rush, day = table.policy.curb or ()
    assert (rush.activity, rush.time_spans[0].designated_period_except) == ("no stopping", True)
    assert (day.max_stay_s, day.no_return_s, day.priority) == (7200.0, 3600.0, 2)
    assert Calendar.model_validate_json(calendar).periods["holidays"][0] == date(2026, 10, 1)


def test_both_spellings_of_an_activity_are_read(tmp_path: Path) -> None:
    for spelling in ("no stopping", "no_stopping"):
        curb = [{"priority": 1, "activity": spelling}]
        (found,), _ = read_registry_file(geojson(tmp_path, feature(activity=spelling, curb=curb)))
        assert found.policy.activity == "no_stopping"
        assert [one.activity for one in found.policy.curb or ()] == ["no stopping"]


def test_a_wrong_curb_policy_is_named_by_its_place(tmp_path: Path) -> None:
    spans = [{"time_of_day_start": "8:00"}]
    curb = [{"priority": 1, "activity": "parking", "time_spans": spans}, {"priority": 1, "activity": "park"}]
    said = problems(geojson(tmp_path, feature(curb=curb)))
    assert said[0].startswith("covers.geojson: feature 1: curb: 0.time_spans.0.time_of_day_start: String should match")
    assert said[1].startswith("covers.geojson: feature 1: curb: 1.activity: Input should be 'parking'")
    assert "Invalid JSON" in problems(csv_file(tmp_path, "b,local,parking_bay,z:1,1,1,[", header=f"{HEADER},curb"))[0]


def test_the_documented_examples_load_and_agree(tmp_path: Path) -> None:
    table, points = examples(tmp_path)
    facilities, zones = read_registry_file(table)
    by_name = {one.facility: one for one in facilities}
    assert list(by_name) == ["41100201001000123", "bay-7", "kerb-1", "camera-1", "wm-1"]
    assert [(one.zone, one.kind) for one in zones] == [
        ("segment:qiyi-1", ZoneKind.STREET_SEGMENT),
        ("dma:north", ZoneKind.DMA),
    ]
    assert by_name["41100201001000123"] == Facility(
        facility="41100201001000123",
        scheme=CodeScheme.GB_T_47678_5_2026,
        facility_class=FacilityClass.MANHOLE_COVER,
        name="sewage cover 123",
        zone="grid:411002001003007",
        place=Place(lon=113.8512, lat=34.0302, grid="411002001003007", district="411002", address="Qiyi Road 12"),
        devices=(DeviceBinding(device="cover-123", interval_s=600, properties=("tilt_angle", "contact_open")),),
        policy=Policy(install_angle_deg=1.5, tilt_deg=10),
    )
    assert by_name["kerb-1"].devices == (DeviceBinding(device="camera-1", properties=(), camera_zone="north_kerb"),)
    same_facilities, same_zones = read_registry_file(points)
    assert same_facilities == (by_name["bay-7"],)
    assert same_zones == zones[:1]


def test_every_column_is_documented() -> None:
    table = DOCS.read_text(encoding="utf-8").split("## Columns")[1].split("## CSV")[0]
    documented = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(documented) == sorted(COLUMNS)
    for choice in (*FacilityClass, *ZoneKind, *CodeScheme):
        assert f"`{choice.value}`" in table


# -------------------------------------------------------------------------------------------------------- CSV: right


def test_a_meter_says_how_its_counts_are_read(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "m-1,local,flow_meter,dma:1,113.85,34.03,wm-1,900,0.01,65536,50,7200",
        header=HEADER + ",device,interval_s,m3_per_pulse,rolls_over_at,max_flow_m3_h,count_gap_s",
    )
    (found,), _ = read_registry_file(path)
    assert found.policy == Policy(m3_per_pulse=0.01, rolls_over_at=65536.0, max_flow_m3_h=50.0, count_gap_s=7200.0)


def test_several_rows_of_a_facility_are_several_devices(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "b-1,local,parking_bay,segment:1,113.85,34.03,d-1,300,occupied",
        "b-2,local,parking_bay,segment:1,113.86,34.03,,,",
        "b-1,,,,,,d-2,,battery_percent ; fault",
        header=HEADER + ",device,interval_s,properties",
    )
    (one, two), zones = read_registry_file(path)
    assert zones == ()
    assert one.devices == (
        DeviceBinding(device="d-1", interval_s=300, properties=("occupied",)),
        DeviceBinding(device="d-2", properties=("battery_percent", "fault")),
    )
    assert two.devices == ()


def test_a_byte_order_mark_spaces_quotes_and_foreign_names(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    name = '井盖\u2028一号, \u0085"东"'
    quoted = name.replace('"', '""')
    path.write_text(
        f'\ufeff{HEADER},name\r\nb-1, local ,parking_bay,segment:1,113.85,34.03,"{quoted}"\r\n', encoding="utf-8"
    )
    (one,), _ = read_registry_file(path)
    assert one.name == name


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        'b-1,local,parking_bay,segment:1,113.85,34.03,"two\nlines"',
        "b-2,local,parking_bay,segment:1,113.85,34.03,one\u2028line",
        "b-3,local,nonsense,segment:1,113.85,34.03,",
        header=HEADER + ",name",
    )
    (problem,) = problems(path)
    assert problem.startswith("covers.csv:5: facility_class: 'nonsense'")


def test_zones_of_every_kind(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        ",,zone,dma:1,113,34,,,",
        ",,zone,segment:1,113,34,,Main Street,3600",
        ",,zone,feeder:1,113,34,,,",
        ",,zone,grid:1,113,34,,,",
        ",,zone,quarter-5,113,34,grid,,",
        header=HEADER + ",kind,name,max_stay_s",
    )
    facilities, zones = read_registry_file(path)
    assert facilities == ()
    assert [zone.kind for zone in zones] == [*ZoneKind, ZoneKind.GRID]
    assert zones[1] == ZoneConfigured(
        zone="segment:1",
        kind=ZoneKind.STREET_SEGMENT,
        name="Main Street",
        place=Place(lon=113, lat=34),
        policy=Policy(max_stay_s=3600),
    )


# -------------------------------------------------------------------------------------------------------- CSV: wrong

GOOD = "b-1,local,parking_bay,segment:1,113.85,34.03"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (",local,parking_bay,segment:1,113.85,34.03", "facility: is missing"),
        ("b 1,local,parking_bay,segment:1,113.85,34.03", "facility: String should match"),
        ("b-1,,parking_bay,segment:1,113.85,34.03", "scheme: is missing; one of GB/T47678.5-2026, "),
        ("b-1,GB,parking_bay,segment:1,113.85,34.03", "scheme: 'GB' is none of GB/T47678.5-2026, "),
        ("b-1,local,bay,segment:1,113.85,34.03", "facility_class: 'bay' is none of manhole_cover, parking_bay, "),
        ("b-1,local,,segment:1,113.85,34.03", "facility_class: is missing; one of manhole_cover, "),
        ("b-1,local,parking_bay,,113.85,34.03", "zone: is missing, and so is grid"),
        ("b-1,local,parking_bay,a zone,113.85,34.03", "zone: String should match"),
        ("b-1,local,parking_bay,segment:1,181,34.03", "lon: Input should be less than or equal to 180"),
        ("b-1,local,parking_bay,segment:1,113.85,-90.5", "lat: Input should be greater than or equal to -90"),
        ("b-1,local,parking_bay,segment:1,east,34.03", "lon: 'east' is not a number"),
        ("b-1,local,parking_bay,segment:1,nan,34.03", "lon: 'nan' is not a number"),
        ("b-1,local,parking_bay,segment:1,,34.03", "lon: Field required"),
        ("b-1,local,parking_bay,segment:1,0,0", "row: lon and lat are both 0"),
        ("123,GB/T47678.5-2026,manhole_cover,grid:1,113,34", "row: facility '123' is not a 17-digit code"),
        (GOOD + ",surplus", "row: more cells than the header has columns"),
        (",,zone,quarter,113,34", "kind: is missing; one of dma, "),
        (",,zone,,113,34", "zone: is missing"),
        ("b-1,,zone,dma:1,113,34", "facility: has no place in a row of a zone"),
    ],
)
def test_a_wrong_row_is_named_by_line_and_field(tmp_path: Path, row: str, expected: str) -> None:
    found = problems(csv_file(tmp_path, GOOD.replace("b-1", "b-0"), row))
    assert len(found) == 1, found
    assert found[0].startswith(f"covers.csv:3: {expected}")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("d#1,300,", "device: String should match"),
        ("d-1,-5,", "interval_s: Input should be greater than 0"),
        ("d-1,often,", "interval_s: 'often' is not a number"),
        ("d-1,300,warmth", "properties: unknown property 'warmth'"),
        (",300,", "device: is missing, but the row has columns of one"),
    ],
)
def test_a_wrong_device_is_named(tmp_path: Path, cells: str, expected: str) -> None:
    (found,) = problems(csv_file(tmp_path, f"{GOOD},{cells}", header=HEADER + ",device,interval_s,properties"))
    assert found.startswith(f"covers.csv:2: {expected}")


def test_a_facility_named_twice_must_agree_with_itself(tmp_path: Path) -> None:
    (found,) = problems(csv_file(tmp_path, GOOD, "b-1,local,parking_bay,segment:2,113.85,34.03"))
    assert found == "covers.csv:3: zone: 'segment:2', but covers.csv:2 says 'segment:1' of the same facility"


def test_a_zone_configured_twice_must_agree_with_itself(tmp_path: Path) -> None:
    assert len(read_registry_file(csv_file(tmp_path, ",,zone,dma:1,113,34", ",,zone,dma:1,113,34"))[1]) == 1
    (found,) = problems(csv_file(tmp_path, ",,zone,dma:1,113,34", ",,zone,dma:1,113,35"))
    assert found == "covers.csv:3: zone: dma:1 is configured twice, differently"


@pytest.mark.parametrize(
    ("one", "two", "taken"),
    [
        ("b-1,,,", "b-1,,,", False),  # one device twice for one facility
        ("b-1,,occupied,", "b-1,,fault,", False),
        ("b-1,,,", "b-2,,,", False),
        ("b-1,,,", "b-2,,occupied,", False),
        ("b-1,,occupied;fault,", "b-2,,fault,", False),
        ("b-1,,occupied,", "b-2,,fault,", True),
        ("b-1,,-,", "b-2,,,", True),
        ("b-1,,-,north", "b-1,,-,south", True),
        ("b-1,,-,north", "b-2,,-,north", True),
        ("b-1,,-,north", "b-1,,-,north", False),
    ],
)
def test_a_device_speaks_for_one_thing_once(tmp_path: Path, one: str, two: str, taken: bool) -> None:
    lines = (f"{row.split(',')[0]},local,parking_bay,segment:1,113,34,d-1{row[3:]}" for row in (one, two))
    path = csv_file(tmp_path, *lines, header=HEADER + ",device,interval_s,properties,camera_zone")
    if taken:
        assert read_registry_file(path)
    else:
        assert problems(path) == ["covers.csv:3: device: 'd-1' speaks for b-1 already (covers.csv:2)"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER + ",colour", "covers.csv:1: colour: no such column; there are: facility, scheme, "),
        ("facility,scheme,zone,lon,lat,name", "covers.csv:1: facility_class: this column is missing"),
        (HEADER.replace("scheme", "zone"), "covers.csv:1: zone: this column is there twice"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, header: str, expected: str) -> None:
    assert problems(csv_file(tmp_path, GOOD, header=header))[0].startswith(expected)


def test_all_problems_are_named_at_once_but_no_more_than_twenty(tmp_path: Path) -> None:
    found = problems(csv_file(tmp_path, *(f"b-{n},local,nonsense,segment:1,400,34" for n in range(15))))
    assert len(found) == 21
    assert found[-1] == "... and 10 more"
    assert found[1] == "covers.csv:2: lon: Input should be less than or equal to 180"


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    (found,) = problems(csv_file(tmp_path, '"b-1,local'))
    assert re.match(r"covers\.csv:\d+: row: ", found)


# ------------------------------------------------------------------------------------------------- GeoJSON and files


def test_numbers_may_be_numbers_and_null_is_nothing(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(max_stay_s=3600, name=None, devices=[{"device": "d-1", "interval_s": 300}]))
    (one,), _ = read_registry_file(path)
    assert one.policy.max_stay_s == 3600
    assert one.name is None
    assert one.devices == (DeviceBinding(device="d-1", interval_s=300),)


def test_a_device_may_stand_among_the_properties_or_be_none(tmp_path: Path) -> None:
    path = geojson(tmp_path, feature(device="d-1", properties=[]), feature(facility="b-2", devices=[]))
    (one, two), _ = read_registry_file(path)
    assert one.devices == (DeviceBinding(device="d-1", properties=()),)
    assert two.devices == ()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (feature(coordinates=None), "lon: Field required"),
        (feature(coordinates=("a", 1)), "lon: 'a' is not a number"),
        (feature(coordinates=(200, 1)), "lon: Input should be less than or equal to 180"),
        (feature(coordinates=[113]), "geometry: a Point with coordinates [lon, lat] was expected"),
        ({**feature(), "geometry": {"type": "Polygon", "coordinates": []}}, "geometry: a Point"),
        ({"type": "Feature"}, "properties: a feature with an object of properties"),
        ("feature", "properties: a feature with an object of properties"),
        (feature(colour="red"), "colour: no such property; there are: devices, facility, "),
        (feature(name=["a"]), 'name: text or a number was expected, not ["a"]'),
        (feature(name=True), "name: text or a number was expected, not true"),
        (feature(devices={"device": "d"}), "devices: a list of objects was expected"),
        (feature(devices=[{"device": "d", "colour": 1}]), "colour: no such property"),
        (feature(facility_class="bench"), "facility_class: 'bench' is none of"),
    ],
)
def test_a_wrong_feature_is_named_by_number_and_field(tmp_path: Path, wrong: Any, expected: str) -> None:
    found = problems(geojson(tmp_path, feature(facility="b-0"), wrong))
    assert found[0].startswith(f"covers.geojson: feature 2: {expected}"), found


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.xlsx", b"", "the name must end in .csv, .geojson or .json"),
        ("a.csv", b"\xff\xfe\x00", "not UTF-8 at byte 0"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b"[]", "not a GeoJSON FeatureCollection"),
        ("a.json", b'{"type": "Feature"}', "not a GeoJSON FeatureCollection"),
        ("a.json", b'{"type": "FeatureCollection"}', "its features are no list"),
        ("a.json", b'{"type": "FeatureCollection", "features": []}', "there is no facility in it"),
        ("a.csv", HEADER.encode(), "there is no facility in it"),
        ("a.csv", b"", "facility_class: this column is missing"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RegistryFileError, match=re.escape(expected)):
        read_registry_file(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RegistryFileError, match="No such file"):
        read_registry_file(tmp_path / "none.csv")


# ------------------------------------------------------------------------------------------------ rules


def test_parameters_of_rules_stand_in_one_cell(tmp_path: Path) -> None:
    rules = {"overstay.clear_s": 45.0, "silence.intervals": 5.0}
    text = "overstay.clear_s=45; silence.intervals = 5;"
    (one,), (zone,) = read_registry_file(
        csv_file(
            tmp_path,
            f"b-1,local,parking_bay,segment:1,113,34,{text}",
            f",,zone,dma:1,113,34,{text}",
            header=HEADER + ",rules",
        )
    )
    assert one.policy == zone.policy == Policy(rules=rules)
    (same,), _ = read_registry_file(geojson(tmp_path, feature(rules=rules)))
    assert same.policy == Policy(rules=rules)


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("cover.tilt_deg=3", "rules: cover.tilt_deg is for manhole_cover, not for parking_bay"),
        ("overstay.clear=3", "rules: there is no parameter 'overstay.clear'; did you mean overstay.clear_s"),
        ("overstay.clear_s=-1", "rules: overstay.clear_s must be 0 to 3.16224e+07 s, not -1"),
        ("overstay.clear_s", "rules: 'overstay.clear_s' is not a parameter and its value"),
    ],
)
def test_what_no_rule_takes_is_a_problem_of_its_row(tmp_path: Path, cell: str, problem: str) -> None:
    path = csv_file(tmp_path, f"b-1,local,parking_bay,segment:1,113,34,{cell}", header=HEADER + ",rules")
    (found,) = problems(path)
    assert found.startswith(f"covers.csv:2: {problem}")
