"""``eyes score leak`` on made-up years of a made-up network, through files, processes and the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ops.cli.main import app
from ops.score.years import TRIED
from processors.leak.settings import SHIPPED
from tests.unit.processors.leak_network_kit import FIRST, PER_DAY, PIPES, burst, network, readings

DAYS = 11
NETWORK = network()
KEYS = {
    *("alarms", "new_found", "new_total", "tp_all", "leaks_all", "fp", "fp_per_month", "precision"),
    *("median_delay_h", "median_delay_abrupt_h", "median_delay_incipient_h", "abrupt_found", "incipient_found"),
    *("eur", "eur_perfect", "eur_pct"),
}
"""What the data set's own scorer prints."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three years of eleven days, in each a burst somewhere else."""
    folder = tmp_path_factory.mktemp("town")
    pipes = "\n".join(f"p{i} n{i} n{(i + 1) % PIPES} 150 100 130 0 Open" for i in range(PIPES))
    (folder / "town.inp").write_text(f"[PIPES]\n{pipes}\n")
    (folder / "town.bin").write_bytes(NETWORK.to_bytes())
    for place in (13, 23, 33):
        year(folder / f"y{place}", place)
    return folder


def year(folder: Path, place: int) -> None:
    arrow = pytest.importorskip("pyarrow", reason="writing parquet needs the extra `data`")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    folder.mkdir()
    at = 8 * PER_DAY + 100
    flow = burst(DAYS, at, 9.0)
    values = readings(NETWORK, DAYS, [(place, flow)], seed=place)
    times = (np.arange(len(values)) + FIRST) * 300
    stamps = arrow.array(times.astype("datetime64[s]"))
    names = [*(f"P{i}" for i in range(8)), "F0", "F1"]
    scada = {name: arrow.array(np.round(values[:, i] * 100).astype(np.int32)) for i, name in enumerate(names)}
    parquet.write_table(arrow.table({"timestamp": stamps, **scada}), folder / "scada_5min_centi.parquet")
    outflow = arrow.table({"timestamp": stamps, f"p{place}": arrow.array((flow * 100).astype(np.int32))})
    parquet.write_table(outflow, folder / "leak_outflow_5min_centi_m3h.parquet")
    begin, end = (str(np.datetime64(int(times[row]), "s")).replace("T", " ") for row in (at, -1))
    lines = ["link,start,end,diameter_m,type,peak,area", f"p{place},{begin},{end},0.01,abrupt,{begin},A"]
    (folder / "leaks.csv").write_text("\n".join(lines) + "\n")


def command(*arguments: str) -> Any:
    result = CliRunner().invoke(app, ["score", "leak", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_year_prints_the_keys_of_the_data_sets_own_scorer(town: Path, tmp_path: Path) -> None:
    out = tmp_path / "alarms.csv"
    found = command("--data", str(town / "y13"), "--network", str(town / "town.bin"), "--alarms", str(out))
    assert found.keys() >= KEYS | {"settings", "cpu_s", "state_bytes_day_30", "state_bytes_day_365"}
    assert (found["new_found"], found["fp"]) == (1, 0)
    assert found["settings"]["fast"] == SHIPPED.fast
    assert len(out.read_text().splitlines()) == 1 + found["alarms"]


def test_a_folder_of_years_is_run_year_by_year_through_faults(town: Path) -> None:
    found = command("--data", str(town), "--network", str(town / "town.bin"), "--faults", "--fault-seed", "3")
    assert [one["name"] for one in found["folders"]] == ["y13", "y23", "y33"]
    assert all(one["faults"] and one["fault_seed"] == 3 for one in found["folders"])
    assert (found["total"]["new_found"], found["total"]["fp"]) == (3, 0)


def test_faults_of_several_seeds_are_run_beside_none(town: Path) -> None:
    arguments = ("--data", str(town / "y13"), "--network", str(town / "town.bin"), "--fault-seeds", "3,5")
    found = command(*arguments)
    assert [(one["new_found"], one["faults"]) for one in found["plain"]] == [(1, False)]
    assert {seed: [one["fault_seed"] for one in years] for seed, years in found["faulty"].items()} == {
        "3": [3],
        "5": [5],
    }
    refused = CliRunner().invoke(app, ["score", "leak", *arguments[:-1], "3;5"])
    assert refused.exit_code != 0


def test_one_year_is_left_out_after_the_other(town: Path) -> None:
    found = command("--data", str(town), "--network", str(town / "town.bin"), "--cross-validate")
    assert found["total"]["new_found"] == 3
    assert list(found["sets"]) == list(TRIED)
    assert all(one["best_eur_pct"] >= one["worst_eur_pct"] for one in found["sets"].values())
    assert len(found["shipped"]) == len(found["years"]) == 3
    table = found["confidence"]["calibrated"]["table"]
    assert sum(row["alarms"] for row in table) == sum(one["alarms"] for one in found["years"])
    assert found["confidence"]["fitted_on_all"].keys() == {"burst", "growing"}


def test_what_cannot_be_said_together_is_refused(town: Path) -> None:
    for arguments in (
        ["--cross-validate", "--faults"],
        ["--cross-validate", "--fault-seeds", "1"],
        ["--alarms", "x.csv"],
    ):
        result = CliRunner().invoke(app, ["score", "leak", "--data", str(town), *arguments])
        assert result.exit_code != 0
