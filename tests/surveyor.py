"""A detector that looks its model up at every reading: what it says shows which bytes it was given."""

from collections.abc import Sequence
from typing import Any, Self

import msgspec

from processors.engine.contract import Clock, Models, Outcome, Reading, Series, ZoneEvent, no_models
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.facility import Place
from schemas.identity import event_id
from schemas.model import from_ms
from schemas.water import WaterNetworkConfigured

ODD = b"no model"
"""Bytes that it cannot stomach."""
BYTES = 2_500_000
"""Of a model that is built: three chunks."""


def build(sensors: int) -> bytes:
    """As many times the flow as there are sensors."""
    return str(sensors).encode().rjust(BYTES, b"0")


class Survey(msgspec.Struct):
    zone: str
    model: str | None = None
    sensors: int = 0


class Surveyor:
    """Says of every flow what it is by the model, which is a number in text."""

    name = "surveyor"
    hears_late = False
    hears_cameras = False

    def __init__(self, models: Models = no_models, version: int = 1) -> None:
        self.version = version
        self._models = models

    def with_models(self, models: Models) -> Self:
        return type(self)(models, self.version)

    def initial(self, zone: str) -> Survey:
        return Survey(zone)

    def wants(self, series: Series) -> bool:
        return series.observed_property == "flow"

    def fold(self, state: Survey, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:
        outputs = []
        for event in events:
            match event:
                case WaterNetworkConfigured():
                    state.model, state.sensors = event.model, len(event.sensors)
                    self._factor(state)
                case Reading():
                    outputs.append(self._finding(state, event, clock))
                case _:
                    pass
        return Outcome(outputs)

    def _factor(self, state: Survey) -> float:
        return 1.0 if state.model is None else float(self._models(state.model))

    def _finding(self, state: Survey, reading: Reading, clock: Clock) -> Anomaly:
        flow = reading.value * self._factor(state)
        return Anomaly(
            id=event_id("surveyed", self.version, state.zone, reading.series.facility, reading.identity),
            transition=Transition.RAISED,
            kind=AnomalyKind.WATER_BURST,
            severity=Severity.WARNING,
            zone=state.zone,
            subject=reading.series.facility,
            place=Place(lon=113.85, lat=34.03),
            since=from_ms(reading.time_ms),
            at=from_ms(reading.time_ms),
            summary=f"{flow:g} by {state.sensors} sensors",
            detector=self.name,
            detector_version=self.version,
        )

    def snapshot(self, state: Survey) -> bytes:
        return msgspec.msgpack.encode(state)

    def restore(self, zone: str, data: bytes) -> Survey:
        return msgspec.msgpack.decode(data, type=Survey)

    def upcast(self, version: int, zone: str, data: bytes) -> bytes | None:
        return None


def network(model: str | None, zone: str = "dma:1", *, revision: int = 0, sensors: int = 1, **more: Any) -> Any:
    """A network with so many pressure sensors."""
    return WaterNetworkConfigured.model_validate_json(
        msgspec.json.encode(
            {
                "zone": zone,
                "model": model,
                "revision": revision,
                "sensors": [
                    {"facility": f"p-{n}", "observedProperty": "pressure", "role": "pressure", "element": f"n{n}"}
                    for n in range(sensors)
                ],
                **more,
            }
        )
    )
