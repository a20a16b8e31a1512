"""Observations: one reading as its device meant it, and the columnar batch that carries many of one partition.

Names follow OGC SensorThings 1.1 (phenomenonTime, resultTime, result, observedProperty, resultQuality). Times inside
a batch are integers because a batch is columns; everywhere else they are RFC 3339 text.
"""

from enum import IntEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.facility import FacilityClass
from schemas.model import MS, DeviceId, Model, Timestamp, ZoneId
from schemas.properties import PROPERTIES


class Quality(IntEnum):
    """What must be known about a reading's time before it is judged (``resultQuality``)."""

    GOOD = 0
    UNTIMED = 1  # the device gave no time: phenomenonTime is the arrival
    LATE = 2  # older than the allowed lateness: kept on arrival time, never judged
    FUTURE = 3  # too far ahead: kept on arrival time, judged on it
    RELEASED = 4  # waited in quarantine of the unregistered: keeps its time, never judged


JUDGED = frozenset({Quality.GOOD, Quality.UNTIMED, Quality.FUTURE})


class Observation(Model):
    """One reading as a device sends it, in any accepted unit; the body of our own MQTT format.

    ``seq`` without ``boot`` belongs to boot ``""``: a device that counts for ever.
    """

    observed_property: Annotated[str, Field(alias="property")]
    value: float | bool
    unit: str | None = None
    """UCUM code; None for a flag or where the property's canonical unit is meant."""
    time: Timestamp | None = None
    boot: Annotated[str, Field(max_length=64, pattern=r"^[^\s:|]*$")] = ""
    seq: Annotated[int | None, Field(ge=0, le=2**63 - 1)] = None

    @model_validator(mode="after")
    def _understood(self) -> Self:
        prop = PROPERTIES.get(self.observed_property)
        if prop is None:
            raise ValueError(f"property: unknown property {self.observed_property!r}")
        if prop.is_flag:
            if not isinstance(self.value, bool) and self.value not in (0.0, 1.0):
                raise ValueError(f"value: {self.observed_property} is true or false, not {self.value!r}")
        elif isinstance(self.value, bool):
            raise ValueError(f"value: {self.observed_property} is a number, not {self.value!r}")
        if self.unit is not None and not prop.accepts(self.unit):
            raise ValueError(f"unit: {self.unit!r} is not a unit of {self.observed_property} ({prop.unit})")
        return self


class Series(Model):
    """What the readings of one column have in common, as the registry knew it on arrival."""

    device: DeviceId
    observed_property: str
    unit: str
    facility: str
    facility_class: FacilityClass
    zone: ZoneId


class ObservationBatch(Model):
    """Readings of one partition as columns; every list but ``series`` has one entry per reading, in arrival order.

    The batch's own id is transport only: it dedupes nothing. ``result`` is in the series' canonical unit, flags are
    1.0 and 0.0. ``identity`` is described in :mod:`schemas.identity`.
    """

    shard: str
    series: tuple[Series, ...]
    series_index: tuple[Annotated[int, Field(ge=0)], ...]
    phenomenon_time: tuple[MS, ...]
    result: tuple[float, ...]
    identity: tuple[str, ...]
    result_quality: tuple[Annotated[int, Field(ge=0, le=4)], ...]
    arrival_time: tuple[MS, ...]

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        rows = len(self.series_index)
        columns = (self.phenomenon_time, self.result, self.identity, self.result_quality, self.arrival_time)
        if any(len(column) != rows for column in columns):
            raise ValueError("columns of different length")
        if rows and max(self.series_index) >= len(self.series):
            raise ValueError("seriesIndex: beyond the end of series")
        return self
