"""A folder in the format of L-Town-R (its README): sensors by column, and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ops.columnar import pyarrow
from ops.feed.ltown import CENTI, LEAKS, SCADA
from ops.feed.ltown_network import HOUSEHOLD, SUM, element_of, is_known, role_of
from ops.score.battledim import Leak
from ops.water.inp import Network
from ops.water.signatures import Sensed
from runtime.errors import FatalError

Floats = npt.NDArray[np.float64]

STEP_S: Final = 300


@dataclass(frozen=True, slots=True)
class Year:
    """Readings of one folder, in metres of water, m3/h and metres; ``first`` is the tick of the first row."""

    name: str
    columns: tuple[str, ...]
    values: Floats
    first: int
    leaks: tuple[Leak, ...]


def sensed(columns: Sequence[str]) -> list[Sensed]:
    """What each column is: ``P_<node>``, ``F_<link>``, ``L_<tank>``, ``AMR_SUM``; a pump's flow is no inlet."""
    meters = (name for name in columns if is_known(name) and (name == SUM or not name.startswith(HOUSEHOLD)))
    return [Sensed(name, role_of(name, Network()).value, element_of(name)) for name in meters]


def columns(folder: Path) -> tuple[str, ...]:
    """The sensors of a year.

    Raises:
        FatalError: the extra ``data`` is missing.
    """
    _, parquet = pyarrow()
    return _sensors(parquet.read_schema(folder / SCADA).names)


def _sensors(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not name.startswith(("timestamp", "__index")))


def read(folder: Path) -> Year:
    """Read readings and labels.

    Raises:
        FatalError: the folder is not of this format, or the extra ``data`` is missing.
    """
    _, parquet = pyarrow()
    scada = folder / SCADA
    if not scada.is_file():
        raise FatalError(f"{folder} holds no {SCADA}: is it a folder of L-Town-R?")
    table = parquet.read_table(scada)
    times = _times(table)
    names = _sensors(table.column_names)
    values = np.column_stack([table[name].to_numpy().astype(np.float64) / CENTI for name in names])
    first = int(times[0] // STEP_S)
    return Year(folder.name, names, values, first, tuple(_leaks(folder, parquet, times[0], len(values))))


def years_in(folder: Path) -> list[Path]:
    """The folder itself if it is a year, else the years in it, by name.

    Raises:
        FatalError: there is none.
    """
    if (folder / SCADA).is_file():
        return [folder]
    found = sorted(year.parent for year in folder.glob(f"*/{SCADA}"))
    if not found:
        raise FatalError(f"{folder} holds no {SCADA}, and no folder in it does: is it of L-Town-R?")
    return found


def _times(table: Any) -> npt.NDArray[np.int64]:
    name = "timestamp" if "timestamp" in table.column_names else table.column_names[-1]
    stamps: npt.NDArray[np.int64] = table[name].to_numpy().astype("datetime64[s]").astype(np.int64)
    return stamps


def _leaks(folder: Path, parquet: Any, zero: np.int64, steps: int) -> list[Leak]:
    outflow = parquet.read_table(folder / "leak_outflow_5min_centi_m3h.parquet")
    lines = (folder / LEAKS).read_text().splitlines()
    keys = lines[0].split(",")
    leaks = []
    for line in lines[1:]:
        row = dict(zip(keys, line.split(","), strict=True))
        start, end = (round((_seconds(row[key]) - int(zero)) / STEP_S) for key in ("start", "end"))
        if end >= 0 and start < steps:
            flow = outflow[row["link"]].to_numpy().astype(np.float64) / CENTI
            leaks.append(Leak(row["link"], start, end, row["type"] == "abrupt", flow))
    return leaks


def _seconds(text: str) -> int:
    return int(np.datetime64(text.replace(" ", "T"), "s").astype(np.int64))
