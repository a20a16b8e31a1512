"""A folder of L-Town-R (a year of a water network with leaks) as its meters would report it.

Pressures are published in metres of water, flows in m3/h, the tank's level in m. The sum of household meters is left
out: it is no inflow, and no device measures it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from ops.simulate.model import Incident, Sample, Value
from runtime.errors import FatalError
from schemas.anomaly import AnomalyKind
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.model import to_ms
from schemas.registry import ZoneConfigured, ZoneKind

ZONE: Final = "dma:ltown"
SCADA: Final = "scada_5min_centi.parquet"
LEAKS: Final = "leaks.csv"
NETWORK: Final = "L-TOWN.inp"
INTERVAL_S: Final = 300.0
CENTI: Final = 100
FOREVER_MS: Final = 1 << 62
ORIGIN: Final = (33.0150, 34.6850)  # the town is modelled on Limassol; its own plane is in metres
DEG_A_METRE: Final = (1 / 91_500, 1 / 110_900)


class _Kind(NamedTuple):
    observed_property: str
    unit: str
    facility_class: FacilityClass


_KINDS: Final = {
    "P": _Kind("pressure", "m[H2O]", FacilityClass.PRESSURE_METER),
    "F": _Kind("flow", "m3/h", FacilityClass.FLOW_METER),
    "L": _Kind("water_level", "m", FacilityClass.WATER_TANK),
}


@dataclass(frozen=True, eq=False)
class Ltown:
    """One year's folder, or a span of it; times are read as UTC, and ``shift_ms`` is added to all of them."""

    folder: Path
    from_ms: int | None = None
    to_ms: int | None = None
    shift_ms: int = 0

    @property
    def start_ms(self) -> int:
        """The first row's time, or where we were told to begin."""
        first: int = self._times[0]
        return first

    @cached_property
    def facilities(self) -> tuple[Facility, ...]:
        """A facility for each column."""
        return tuple(
            Facility(
                facility=device_id(column),
                scheme=CodeScheme.LOCAL,
                facility_class=_KINDS[column[0]].facility_class,
                name=f"L-Town {column}",
                zone=ZONE,
                place=self._place(column[2:]),
                devices=(DeviceBinding(device=device_id(column), interval_s=INTERVAL_S),),
            )
            for column in self._columns
        )

    @cached_property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """The whole town is one zone."""
        place = Place(lon=ORIGIN[0], lat=ORIGIN[1])
        return (ZoneConfigured(zone=ZONE, kind=ZoneKind.DMA, name="L-Town-R (regenerated)", place=place),)

    def numbers(self, device: str) -> bool:
        """All but the tank's gauge number their messages."""
        return not device.startswith("ltown-l-")

    def items(self) -> Iterator[Sample]:
        """Every row, meter by meter."""
        plan = [(device_id(c), _KINDS[c[0]].observed_property, _KINDS[c[0]].unit) for c in self._columns]
        rows = zip(*(self._table[column].tolist() for column in self._columns), strict=True)
        for at_ms, row in zip(self._times, rows, strict=True):
            for (device, observed_property, unit), value in zip(plan, row, strict=True):
                yield Sample(at_ms, device, (Value(observed_property, value / CENTI, unit),))

    def incidents(self, until_ms: int) -> list[Incident]:
        """The leaks that were active; none is overdue before it ends, for some grow for months."""
        found = []
        for line in (self.folder / LEAKS).read_text(encoding="utf-8").splitlines()[1:]:
            start_ms, end_ms = (self._leak_ms(text) for text in line.split(",")[1:3])
            if start_ms <= until_ms and end_ms >= self.start_ms:
                found.append(Incident(AnomalyKind.WATER_BURST, None, ZONE, start_ms, end_ms, end_ms))
        return sorted(found, key=lambda incident: incident.start_ms)

    def _leak_ms(self, text: str) -> int:
        return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC)) + self.shift_ms

    @cached_property
    def _table(self) -> Any:
        """The span's rows as a table of numpy columns.

        Raises:
            FatalError: no such file, nothing in the span, or pyarrow is not installed.
        """
        try:
            parquet: Any = import_module("pyarrow.parquet")
        except ImportError:
            raise FatalError("reading parquet needs pyarrow: pip install -e '.[data]'") from None
        for name in (SCADA, LEAKS):  # the leaks are read last; that they are missing must be said first
            if not (self.folder / name).is_file():
                raise FatalError(
                    f"{self.folder / name} is missing: DIR is a folder like ../shared/data/ltown/ltown_2018"
                )
        path = self.folder / SCADA
        table = parquet.read_table(path)
        stamps = table["timestamp"].cast("timestamp[ms]").cast("int64").to_numpy()
        keep = slice(*stamps.searchsorted([self.from_ms or 0, self.to_ms or FOREVER_MS]))
        columns = {name: table[name].to_numpy()[keep] for name in table.column_names if name[:2] in {"P_", "F_", "L_"}}
        columns["timestamp"] = stamps[keep]
        if not len(columns["timestamp"]):
            raise FatalError(f"{path} has no rows between --from and --to")
        return columns

    @cached_property
    def _columns(self) -> list[str]:
        return [name for name in self._table if name != "timestamp"]

    @cached_property
    def _times(self) -> list[int]:
        times: list[int] = (self._table["timestamp"] + self.shift_ms).tolist()
        return times

    def _place(self, element: str) -> Place:
        x, y = self._coordinates.get(self._end_nodes.get(element, element), (0.0, 0.0))
        lon, lat = ORIGIN[0] + x * DEG_A_METRE[0], ORIGIN[1] + y * DEG_A_METRE[1]
        return Place(lon=round(lon, 6), lat=round(lat, 6), address="L-Town")

    @cached_property
    def _coordinates(self) -> dict[str, tuple[float, float]]:
        return {row[0]: (float(row[1]), float(row[2])) for row in self._section("COORDINATES")}

    @cached_property
    def _end_nodes(self) -> dict[str, str]:
        return {row[0]: row[1] for section in ("PIPES", "PUMPS") for row in self._section(section)}

    def _section(self, name: str) -> Iterator[list[str]]:
        """The rows of one section of the network's file, if it lies beside the folder."""
        path = self.folder.parent / NETWORK
        inside = False
        for line in path.read_text(encoding="latin-1").splitlines() if path.is_file() else ():
            if line.startswith("["):
                inside = line.strip() == f"[{name}]"
            elif inside and (row := line.split(";")[0].split()):
                yield row


def device_id(column: str) -> str:
    """`P_n1` becomes `ltown-p-n1`; the facility carries the same name."""
    return f"ltown-{column[0].lower()}-{column[2:].lower()}"
