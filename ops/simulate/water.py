"""The made-up water network as devices report it: the days that :mod:`ops.simulate.prepare` keeps, for ever."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from ops.simulate.model import HOUR_MS, Incident, Sample, Value
from ops.simulate.rng import stream
from schemas.anomaly import AnomalyKind
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.registry import ZoneConfigured, ZoneKind

ZONE: Final = "dma:weidu-1"
RAISED_AFTER_MS: Final = 2 * HOUR_MS
GRID: Final = "411002001003011"
DISTRICT: Final = "411002"
WEST, SOUTH, WIDTH_DEG, HEIGHT_DEG = 113.8420, 34.0130, 0.0200, 0.0165
CYCLE_SEED: Final = 7


def facility_id(name: str) -> str:
    """The meter's name in the registry; its device carries the same."""
    return f"wm-{name.lower()}"


@dataclass(frozen=True, eq=False)
class Water:
    """The network from a moment on; the days are counted from there and begin again when they are over."""

    start_ms: int
    step_ms: int
    pressure_names: tuple[str, ...]
    flow_names: tuple[str, ...]
    pressure_kpa: list[list[float]]
    flow_m3h: list[list[float]]
    unit_places: list[tuple[float, float]]
    bursts: tuple[dict[str, Any], ...]

    @classmethod
    def load(cls, path: Path, start_ms: int) -> Self:
        """Read what was prepared.

        Raises:
            FileNotFoundError: nothing was; the message says how.
        """
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing; make it with: python -m ops.simulate.prepare")
        with np.load(path) as days:
            return cls(
                start_ms=start_ms,
                step_ms=int(days["time_s"][1] - days["time_s"][0]) * 1000,
                pressure_names=tuple(days["pressure_names"].tolist()),
                flow_names=tuple(days["flow_names"].tolist()),
                pressure_kpa=days["pressure_kpa"].tolist(),
                flow_m3h=days["flow_m3h"].tolist(),
                unit_places=[(float(x), float(y)) for x, y in days["places"].tolist()],
                bursts=tuple(json.loads(str(days["truth"]))),
            )

    @property
    def cycle_ms(self) -> int:
        """How long the prepared days last."""
        return len(self.flow_m3h) * self.step_ms

    @cached_property
    def facilities(self) -> tuple[Facility, ...]:
        """The pressure sensors and the meters of the inlets."""
        names = (*self.pressure_names, *self.flow_names)
        return tuple(self._facility(name, xy) for name, xy in zip(names, self.unit_places, strict=True))

    @cached_property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """The one district metered area."""
        place = _place(0.5, 0.25)
        return (ZoneConfigured(zone=ZONE, kind=ZoneKind.DMA, name="Weidu district metered area 1", place=place),)

    def numbers(self, device: str) -> bool:
        """The inlets' meters only say when they measured; the pressure sensors number their messages."""
        return device.startswith("wm-p")

    def items(self) -> Iterator[Sample]:
        """Every step of every meter, for ever. Meters report one after the other within the first seconds of a step."""
        names = (*self.pressure_names, *self.flow_names)
        delays = sorted(int(d) for d in stream(CYCLE_SEED, "water delays").integers(0, 20_000, len(names)))
        devices = [facility_id(name) for name in names]
        pressures = len(self.pressure_names)
        at_ms = self.start_ms
        while True:
            for pressure, flow in zip(self.pressure_kpa, self.flow_m3h, strict=True):
                for rank, (device, delay) in enumerate(zip(devices, delays, strict=True)):
                    if rank < pressures:
                        value = Value("pressure", pressure[rank], "kPa")
                    else:
                        value = Value("flow", flow[rank - pressures], "m3/h")
                    yield Sample(at_ms + delay, device, (value,))
                at_ms += self.step_ms

    def incidents(self, until_ms: int) -> list[Incident]:
        """All bursts that began up to then."""
        found = []
        cycle_start = self.start_ms
        while cycle_start <= until_ms:
            for burst in self.bursts:
                start_ms = cycle_start + burst["start_s"] * 1000
                end_ms = cycle_start + burst["end_s"] * 1000
                found.append(
                    Incident(AnomalyKind.WATER_BURST, None, ZONE, start_ms, end_ms, start_ms + RAISED_AFTER_MS)
                )
            cycle_start += self.cycle_ms
        return sorted((i for i in found if i.start_ms <= until_ms), key=lambda i: i.start_ms)

    def _facility(self, name: str, unit_xy: tuple[float, float]) -> Facility:
        return Facility(
            facility=facility_id(name),
            scheme=CodeScheme.LOCAL,
            facility_class=FacilityClass.PRESSURE_METER if name in self.pressure_names else FacilityClass.FLOW_METER,
            name=f"{'pressure' if name in self.pressure_names else 'inlet'} {name}",
            zone=ZONE,
            place=_place(*unit_xy),
            devices=(DeviceBinding(device=facility_id(name), interval_s=self.step_ms / 1000),),
        )


def _place(x: float, y: float) -> Place:
    lon, lat = round(WEST + x * WIDTH_DEG, 6), round(SOUTH + y * HEIGHT_DEG, 6)
    return Place(lon=lon, lat=lat, grid=GRID, district=DISTRICT, address="Weidu district metered area 1")
