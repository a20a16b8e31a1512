"""What ``eyes simulate`` writes can be read by what it is written for."""

import json
from pathlib import Path

from typer.testing import CliRunner

from ops.cli.main import app
from ops.decoding import message_of
from ops.registry import read_registry_file
from ops.simulate.city.city import City
from ops.simulate.city.files import message_line, write_registry, write_truth
from schemas.curb import Calendar

FEW = frozenset({"bay", "cover", "lamp", "feeder", "camera", "timed", "road", "patrol", "drain"})


def test_the_registry_is_loaded_as_it_was_meant(tmp_path: Path) -> None:
    city = City(2, 200, only=FEW)
    file = tmp_path / "city.csv"
    assert write_registry(file, city.facilities, city.zones) == len(city.facilities)
    assert read_registry_file(file) == (city.facilities, city.zones)


def test_a_message_is_read_as_it_was_sent() -> None:
    for message in list(City(2, 100, only=FEW).messages())[:200]:
        read = message_of(message_line(message), 0)
        assert (read.topic, read.payload, read.arrived_ms) == (message.topic, message.payload, message.at_ms)


def test_the_truth_is_in_the_order_of_its_begins(tmp_path: Path) -> None:
    city = City(2, 300, days=2, only=FEW)
    file = tmp_path / "truth.ndjson"
    count = write_truth(file, city.truth())
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert len(lines) == count > 0
    assert lines == sorted(lines, key=lambda line: line["start"])
    assert {"id", "kind", "facility", "start", "end", "visible", "near_miss"} <= lines[0].keys()


def test_the_command_makes_all_three_and_says_how_much(tmp_path: Path) -> None:
    out, truth, registry = (str(tmp_path / name) for name in ("out.ndjson", "truth.ndjson", "city.csv"))
    asked = ["simulate", "--seed", "4", "--facilities", "100", "--out", out, "--truth", truth, "--registry", registry]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout.splitlines()[-1])
    assert said["facilities"] == 100
    calendar = Calendar.model_validate_json((tmp_path / "city.calendar.json").read_bytes())
    assert calendar.periods.keys() == {"holidays"}
    assert said["messages"] == len(Path(out).read_bytes().splitlines()) > 10_000
    assert said["truth"] == len(Path(truth).read_bytes().splitlines()) > 0


def test_who_asks_for_nothing_is_told_what_there_is() -> None:
    result = CliRunner().invoke(app, ["simulate"])
    assert result.exit_code != 0
    assert "--to mqtt, --out, --truth or --registry" in str(result.exception)
