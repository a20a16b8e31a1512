"""Files of a network: what EPANET's says of places, sensors.toml of meters, and what does not fit together."""

from pathlib import Path

import pytest

from ops.water.draft import draft
from ops.water.geo import to_position
from ops.water.inp import Kind, Network, read_network
from ops.water.sensors import Sensors, problems, read_sensors
from runtime.errors import FatalError
from schemas.water import WaterRole

INP = """[TITLE]
A town; with a [BRACKET] and \xe9

[JUNCTIONS]
;ID Elev
 n1  10 0.2 P ; demand and pattern
 n2  12
 n3  12
 n4  12
[RESERVOIRS]
 R1  50
[tanks]
 T1  60 3
[PIPES]
 p1  R1  n1  100  200
 p2  n1  n2  100  200
 p4  n4  T1  10   200

[PUMPS]
 PU1 n2 n4 HEAD 1
[VALVES]
 V1  n2  n3 200 PRV 40
[CURVES]
 1 2
[COORDINATES]
 R1  0 0
 n1  100 0
 n2  100 200
 T1  300 300
[END]
"""


def network(tmp_path: Path, text: str = INP) -> Network:
    path = tmp_path / "town.inp"
    path.write_bytes(text.encode("latin-1"))
    return read_network(path)


def sensors(tmp_path: Path, text: str) -> Sensors:
    path = tmp_path / "sensors.toml"
    path.write_text(f'zone = "dma:1"\n{text}', encoding="utf-8")
    return read_sensors(path)


def meter(role: str, element: str) -> str:
    return f'[[sensor]]\nrole = "{role}"\nfacility = "f-{role}-{element}"\nelement = "{element}"\n'


def test_elements_are_what_their_sections_say(tmp_path: Path) -> None:
    town = network(tmp_path)
    assert {name: town.kind(name) for name in ("n1", "R1", "T1", "p1", "PU1", "V1", "x")} == {
        "n1": Kind.JUNCTION,
        "R1": Kind.RESERVOIR,
        "T1": Kind.TANK,
        "p1": Kind.PIPE,
        "PU1": Kind.PUMP,
        "V1": Kind.VALVE,
        "x": None,
    }
    assert town.links_of("n2") == ["p2", "PU1", "V1"]


def test_a_link_is_in_the_middle_or_where_its_known_end_is(tmp_path: Path) -> None:
    town = network(tmp_path)
    places = {name: town.at(name) for name in ("n2", "p2", "PU1", "p4", "n4", "x")}
    assert places == {"n2": (100, 200), "p2": (100, 100), "PU1": (100, 200), "p4": (300, 300), "n4": None, "x": None}


def test_parts_hang_together_by_pipes_alone(tmp_path: Path) -> None:
    town = network(tmp_path)
    assert town.part("R1") == town.part("n2") == town.part("p2")
    assert town.part("T1") == town.part("p4") == town.part("n4")
    assert len({town.part(name) for name in ("n1", "n3", "n4")}) == 3
    assert town.part("PU1") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no nodes or no pipes"),
        (INP.replace("100  200\n p2", "100  200\n p1"), "line 16: there are two links p1"),
        (INP.replace(" n2  12\n", " n2  12\n n1 3\n"), "line 8: there are two nodes n1"),
        (INP.replace(" p2  n1  n2", " p2  n1  n9"), "pipe p2 ends at n9, which is no node"),
        (INP.replace("PU1 n2 n4 HEAD 1", "PU1 n2"), r"\[PUMPS\] wants 3 columns, not 2"),
        (INP.replace("n1  100 0", "n1  100 north"), "100 north are no coordinates of n1"),
    ],
)
def test_what_is_wrong_in_a_network_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FatalError, match=said):
        network(tmp_path, text)


def test_metres_from_an_origin_are_degrees(tmp_path: Path) -> None:
    town = network(tmp_path)
    position = to_position(town.coordinates.values(), (113.85, 34.03))
    assert position(0, 0) == (113.85, 34.03)
    lon, lat = position(1000, 1000)
    # a degree there is 92,405 m and 110,925 m long (WGS 84)
    assert lon - 113.85 == pytest.approx(1 / 92.405, rel=1e-3)
    assert lat - 34.03 == pytest.approx(1 / 110.925, rel=1e-3)
    assert to_position([(33.0, 34.7)], None)(33.0, 34.7) == (33.0, 34.7)


@pytest.mark.parametrize(
    ("point", "origin", "said"),
    [((300.0, 0.0), None, "--origin LON,LAT"), ((500_000.0, 3_800_000.0), (113.0, 34.0), "leave the origin out")],
)
def test_coordinates_that_cannot_be_that_are_refused(
    point: tuple[float, float], origin: tuple[float, float] | None, said: str
) -> None:
    with pytest.raises(FatalError, match=said):
        to_position([point], origin)


def test_a_file_of_sensors_is_what_it_says(tmp_path: Path) -> None:
    found = sensors(tmp_path, 'name = "Town"\norigin = [1.0, 2.0]\n' + meter("inlet", "p1") + 'area = "A"\n')
    (one,) = found.sensor
    assert (found.origin, one.role, one.sensor.observed_property, one.sensor.area) == (
        (1.0, 2.0),
        WaterRole.INLET,
        "flow",
        "A",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "sensor: Field required"),
        ("sensor = []\n", "sensor"),
        (meter("intake", "p1"), r"sensor\.0\.role"),
        (meter("inlet", "p1") + "elment = 1\n", r"sensor\.0\.elment"),
        ("[[sensor]\n", "cannot be read"),
    ],
)
def test_what_is_wrong_in_a_file_of_sensors_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FatalError, match=said):
        sensors(tmp_path, text)


def test_sensors_stand_at_elements_that_can_have_them(tmp_path: Path) -> None:
    town = network(tmp_path)
    good = [("inlet", "p1"), ("outlet", "V1"), ("pump", "PU1"), ("pressure", "n1"), ("tank_level", "T1")]
    text = "".join(meter(*one) for one in [*good, ("consumption", "n2")])
    assert list(problems(sensors(tmp_path, text), town)) == []
    bad = "".join(meter(*one) for one in [("inlet", "n1"), ("pressure", "p1"), ("tank_level", "n1"), ("pump", "pu1")])
    assert list(problems(sensors(tmp_path, bad), town)) == [
        "sensor.0.element: inlet is measured at a pipe, pump, valve; n1 is a junction",
        "sensor.1.element: pressure is measured at a junction, reservoir, tank; p1 is a pipe",
        "sensor.2.element: tank_level is measured at a tank; n1 is a junction",
        "sensor.3.element: the model has no 'pu1'; there is 'PU1'",
    ]


def test_a_first_file_names_what_the_network_shows_and_is_one(tmp_path: Path) -> None:
    town = network(tmp_path)
    text = draft(town, "town.inp", "dma:town")
    path = tmp_path / "sensors.toml"
    path.write_text(text)
    found = read_sensors(path)
    assert [(one.role.value, one.element, one.facility, one.area) for one in found.sensor] == [
        ("inlet", "p1", "town-f-p1", None),
        ("pump", "PU1", "town-f-pu1", "T1"),
        ("tank_level", "T1", "town-l-t1", "T1"),
    ]
    assert list(problems(found, town)) == []
    commented = text.replace("# [[sensor]]", "[[sensor]]").replace('# role = "', 'role = "')
    path.write_text(commented.replace('# facility = "', 'facility = "').replace('# element = "', 'element = "'))
    assert [one.role.value for one in read_sensors(path).sensor][-2:] == ["pressure", "consumption"]


def test_a_network_without_a_reservoir_says_what_is_missing(tmp_path: Path) -> None:
    text = INP.replace("[RESERVOIRS]\n R1  50", "[RESERVOIRS]").replace("[JUNCTIONS]", "[JUNCTIONS]\n R1  50")
    island = network(tmp_path, text)
    assert "as role `inlet`" in draft(island, "town.inp", "dma:town")
