"""The made-up ring as a zone of the pipeline: its meters registered, its network configured, its readings sent."""

import msgspec

from processors.detectors.leak import LeakDetector
from processors.detectors.pipe_leak import PipeLeakDetector
from processors.detectors.pipe_leak_state import PA_PER_M
from processors.engine.driver import START, PipelineTestDriver
from processors.leak.core import STEP_S
from schemas.chunks import digest_of
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.model import to_ms
from schemas.registry import ZoneConfigured, ZoneKind
from schemas.water import WaterNetworkConfigured, WaterRole, WaterSensor
from tests.unit.processors.leak_network_kit import Floats, network

ZONE = "dma:ring"
STEP_MS = STEP_S * 1000
FIRST = -(-to_ms(START) // STEP_MS)


def facility(name: str) -> Facility:
    kind = FacilityClass.PRESSURE_METER if name.startswith("P") else FacilityClass.FLOW_METER
    return Facility(
        facility=name,
        scheme=CodeScheme.LOCAL,
        facility_class=kind,
        zone=ZONE,
        place=Place(lon=113.85, lat=34.03),
        devices=(DeviceBinding(device=name),),
    )


NAMES = [*(f"P{i}" for i in range(8)), "F0", "F1"]
SENSORS = tuple(
    WaterSensor(facility=name, observed_property="pressure", role=WaterRole.PRESSURE)
    if name.startswith("P")
    else WaterSensor(facility=name, observed_property="flow", role=WaterRole.INLET)
    for name in NAMES
)
PLAIN = network()
(_area,) = PLAIN.areas
MODEL = msgspec.structs.replace(
    PLAIN,
    areas=(
        msgspec.structs.replace(
            _area,
            pressures=tuple(f"{name}/pressure" for name in _area.pressures),
            inflows=tuple(f"{name}/flow" for name in _area.inflows),
        ),
    ),
)
BYTES = MODEL.to_bytes()


def town(*detectors: PipeLeakDetector | LeakDetector, digest: str | None = digest_of(BYTES)) -> PipelineTestDriver:
    driver = PipelineTestDriver(*(detectors or (PipeLeakDetector(),)), tick_s=STEP_S)
    driver.model(BYTES)
    driver.register(*map(facility, NAMES))
    driver.configure(ZoneConfigured(zone=ZONE, kind=ZoneKind.DMA, name="Ring", place=Place(lon=113.8, lat=34.0)))
    driver.configure_water(configured(digest))
    driver.advance_to(FIRST * STEP_MS)
    return driver


def configured(digest: str | None = digest_of(BYTES), **more: object) -> WaterNetworkConfigured:
    said = {"zone": ZONE, "name": "Ring", "model": digest, "sensors": SENSORS, "cost_per_m3": 0.8, "currency": "EUR"}
    return WaterNetworkConfigured.model_validate({**said, **more})


def rows(values: Floats, step: int) -> list[tuple[str, str, float, int]]:
    at_ms = (FIRST + step) * STEP_MS
    return [
        (name, "pressure", float(value) * PA_PER_M, at_ms)
        if name.startswith("P")
        else (name, "flow", float(value), at_ms)
        for name, value in zip(NAMES, values[step], strict=True)
    ]


def flow_on(driver: PipelineTestDriver, values: Floats, start: int, end: int) -> None:
    for step in range(start, end):
        driver.read_many(rows(values, step))
        driver.advance(STEP_S)
