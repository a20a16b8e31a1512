"""The two events of the hot path as it holds them: the same JSON as their models, decoded ten times faster.

pydantic stays the one definition of each message; ``tests/unit/schemas`` checks with generated batches that both read
and write the same bytes.
"""

from typing import Annotated

import msgspec

from schemas.facility import FacilityClass

_Whole = Annotated[int, msgspec.Meta(ge=-(2**60), le=2**60)]
"""A number of C, so that folds can be compiled. Which of them are times, whoever stores them says, row by row."""


class SeriesColumns(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """:class:`schemas.observation.Series`."""

    device: str
    observed_property: str
    unit: str
    facility: str
    facility_class: FacilityClass
    zone: str


class BatchColumns(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """:class:`schemas.observation.ObservationBatch`.

    Raises:
        ValueError: columns of different length, or a series index beyond the end of ``series``.
    """

    shard: str
    series: list[SeriesColumns]
    series_index: list[int]
    phenomenon_time: list[_Whole]
    result: list[float]
    identity: list[str]
    result_quality: list[int]
    arrival_time: list[int]

    def __post_init__(self) -> None:
        rows = len(self.series_index)
        columns = (self.phenomenon_time, self.result, self.identity, self.result_quality, self.arrival_time)
        if any(len(column) != rows for column in columns):
            raise ValueError("columns of different length")
        if rows and not 0 <= min(self.series_index) <= max(self.series_index) < len(self.series):
            raise ValueError("seriesIndex: outside of series")


class AcceptedColumns(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """:class:`schemas.accepted.AcceptedMessages`.

    Raises:
        ValueError: columns of different length.
    """

    shard: str
    mqtt_topic: list[str]
    arrival_time: list[int]
    payload: list[bytes]

    def __post_init__(self) -> None:
        if not len(self.mqtt_topic) == len(self.arrival_time) == len(self.payload):
            raise ValueError("columns of different length")
