"""How what a fold says becomes records: derived ids, the key and partition the catalogue promises."""

from processors.engine.contract import Reading, Said
from processors.engine.ports import Outgoing
from schemas.anomaly import Anomaly
from schemas.columns import BatchColumns
from schemas.envelope import CloudEvent, encode
from schemas.identity import event_id, reading_id
from schemas.model import from_ms
from schemas.partitioning import partition_of
from schemas.quarantine import Quarantined
from schemas.shadow import ShadowFinding
from schemas.topics import ANOMALIES, DERIVED, QUARANTINE, SHADOWS


def outgoing(output: Said, source: str) -> Outgoing:
    """The record of an output; equal outputs give equal bytes.

    Args:
        output: a finding, that of a shadow, a derived reading, or a refusal.
        source: CloudEvents source, ``/{site}/{process}``.

    Raises:
        TypeError: a detector said something that no topic takes.
    """
    if isinstance(output, Anomaly):
        # Every step of a finding is its own event, so what makes the id is all that the step says.
        id_ = event_id("anomaly", output.model_dump_json(by_alias=True))
        event = CloudEvent(str(id_), source, output.at, output, output.subject, output.zone)
        return Outgoing(ANOMALIES.name, partition_of(output.zone, ANOMALIES.partitions), output.zone, encode(event))
    if isinstance(output, Reading):
        return _derived(output, source)
    if isinstance(output, ShadowFinding):
        zone, finding = output.finding.zone, output.finding
        id_ = event_id("shadow", output.model_dump_json(by_alias=True))
        event = CloudEvent(str(id_), source, finding.at, output, finding.subject, zone)
        return Outgoing(SHADOWS.name, partition_of(zone, SHADOWS.partitions), zone, encode(event))
    if isinstance(output, Quarantined):
        key = output.mqtt_topic or output.device or str(output.id)
        event = CloudEvent(str(output.id), source, output.arrival_time, output, output.device, key)
        return Outgoing(QUARANTINE.name, partition_of(key, QUARANTINE.partitions), key, encode(event))
    raise TypeError(f"{type(output).__name__} is no output of a detector")


def _derived(reading: Reading, source: str) -> Outgoing:
    """A batch of its own, so that what stands in it does not depend on how the input was cut."""
    series = reading.series
    columns = BatchColumns(
        shard=reading.shard,
        series=[series],
        series_index=[0],
        phenomenon_time=[reading.time_ms],
        result=[reading.value],
        identity=[reading.identity],
        result_quality=[reading.quality],
        arrival_time=[reading.arrival_ms],
    )
    id_ = reading_id(series.device, series.observed_property, reading.identity)
    event = CloudEvent(str(id_), source, from_ms(reading.time_ms), columns, series.device, series.zone)
    return Outgoing(DERIVED.name, partition_of(series.zone, DERIVED.partitions), series.zone, encode(event))
