"""A folder of L-Town-R (a year of a water network with leaks) as its meters would report it.

Pressures are published in metres of water, flows in m3/h, the tank's level in m, each as often as the folder has them:
every 5 minutes, household meters every hour. A household's litres of an hour are known when the hour is over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from heapq import merge
from pathlib import Path
from typing import Any, Final

from ops.columnar import pyarrow
from ops.feed.ltown_network import HOUSEHOLD, Town, device_id, is_known, kind_of
from ops.simulate.model import HOUR_MS, Incident, Sample, Value
from ops.water.sensors import Sensors
from runtime.errors import FatalError
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility
from schemas.model import to_ms
from schemas.registry import ZoneConfigured

SCADA: Final = "scada_5min_centi.parquet"
HOUSEHOLDS: Final = "amr_hourly_litres.parquet"
LEAKS: Final = "leaks.csv"
NETWORK: Final = "L-TOWN.inp"
CENTI: Final = 100
LITRES: Final = 1000
FOREVER_MS: Final = 1 << 62


@dataclass(frozen=True, eq=False)
class Ltown:
    """One year's folder, or a span of it; times are read as UTC, and ``shift_ms`` is added to all of them.

    ``network_file`` is the EPANET file of the town; without one it is looked for beside the folder.
    """

    folder: Path
    from_ms: int | None = None
    to_ms: int | None = None
    shift_ms: int = 0
    network_file: Path | None = None

    @property
    def start_ms(self) -> int:
        """The first row's time, or where we were told to begin."""
        first: int = self._times[0]
        return first

    @cached_property
    def town(self) -> Town:
        """What the meters stand at.

        Raises:
            FatalError: a file that was named is none.
        """
        beside = self.folder.parent / NETWORK
        inp = self.network_file or (beside if beside.is_file() else None)
        return Town.of([*self._columns, *self._meters], inp)

    @property
    def facilities(self) -> tuple[Facility, ...]:
        """A facility for each column."""
        return self.town.facilities

    @property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """The whole town is one zone."""
        return self.town.zones

    @property
    def sensors(self) -> Sensors:
        """What each column measures, for the detectors."""
        return self.town.sensors

    def numbers(self, device: str) -> bool:
        """All but the tank's gauge number their messages."""
        return not device.startswith("ltown-l-")

    def items(self) -> Iterator[Sample]:
        """Every row, meter by meter; behind it the households of the hour that is over."""
        return merge(self._steps(), self._hours(), key=lambda sample: sample.at_ms)

    def _steps(self) -> Iterator[Sample]:
        plan = [(device_id(column), *kind_of(column)[:2]) for column in self._columns]
        rows = zip(*(self._table[column].tolist() for column in self._columns), strict=True)
        for at_ms, row in zip(self._times, rows, strict=True):
            for (device, observed_property, unit), value in zip(plan, row, strict=True):
                yield Sample(at_ms, device, (Value(observed_property, value / CENTI, unit),))

    def _hours(self) -> Iterator[Sample]:
        plan = [device_id(meter) for meter in self._meters]
        rows = zip(*(self._households[meter].tolist() for meter in self._meters), strict=True)
        for at_ms, row in zip((self._households["timestamp"] + self.shift_ms).tolist(), rows, strict=True):
            for device, litres in zip(plan, row, strict=True):
                yield Sample(at_ms, device, (Value("flow", litres / LITRES, "m3/h"),))

    def incidents(self, until_ms: int) -> list[Incident]:
        """The leaks that were active; none is overdue before it ends, for some grow for months."""
        found = []
        zone = self.zones[0].zone
        for line in (self.folder / LEAKS).read_text(encoding="utf-8").splitlines()[1:]:
            start_ms, end_ms = (self._leak_ms(text) for text in line.split(",")[1:3])
            if start_ms <= until_ms and end_ms >= self.start_ms:
                found.append(Incident(AnomalyKind.WATER_BURST, None, zone, start_ms, end_ms, end_ms))
        return sorted(found, key=lambda incident: incident.start_ms)

    def _leak_ms(self, text: str) -> int:
        return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC)) + self.shift_ms

    @cached_property
    def _table(self) -> dict[str, Any]:
        """The span's rows as a table of numpy columns.

        Raises:
            FatalError: no such file, nothing in the span, or pyarrow is not installed.
        """
        for name in (SCADA, HOUSEHOLDS, LEAKS):  # those read last: that they are missing must be said first
            if not (self.folder / name).is_file():
                raise FatalError(
                    f"{self.folder / name} is missing: DIR is a folder like ../shared/data/ltown/ltown_2018"
                )
        table = self._read(SCADA, 0)
        if not len(table["timestamp"]):
            raise FatalError(f"{self.folder / SCADA} has no rows between --from and --to")
        return {name: column for name, column in table.items() if name == "timestamp" or is_known(name)}

    @cached_property
    def _households(self) -> dict[str, Any]:
        """The hours that end in the span, by the time at which they end; meters are called like their nodes."""
        table = self._read(HOUSEHOLDS, HOUR_MS)
        return {name if name == "timestamp" else f"{HOUSEHOLD}{name}": column for name, column in table.items()}

    def _read(self, name: str, later_ms: int) -> dict[str, Any]:
        """The rows of a file whose time, so much later, is in the span; timestamps in milliseconds."""
        _, parquet = pyarrow()
        table = parquet.read_table(self.folder / name)
        stamps = table["timestamp"].cast("timestamp[ms]").cast("int64").to_numpy() + later_ms
        keep = slice(*stamps.searchsorted([self.from_ms or 0, self.to_ms or FOREVER_MS]))
        columns = {one: table[one].to_numpy()[keep] for one in table.column_names if one != "timestamp"}
        return {**columns, "timestamp": stamps[keep]}

    @cached_property
    def _columns(self) -> list[str]:
        return [name for name in self._table if name != "timestamp"]

    @cached_property
    def _meters(self) -> list[str]:
        return [name for name in self._households if name != "timestamp"]

    @cached_property
    def _times(self) -> list[int]:
        times: list[int] = (self._table["timestamp"] + self.shift_ms).tolist()
        return times
