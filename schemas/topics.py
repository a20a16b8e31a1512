"""The catalogue of topics: everything about them stands here once, and they are created from it."""

from dataclasses import dataclass
from typing import Final, Literal

from schemas.accepted import AcceptedMessages
from schemas.anomaly import Anomaly
from schemas.camera import DefinedCameraEvent
from schemas.carrier import DeviceCarried
from schemas.chunks import ModelChunk
from schemas.clock import ClockStepped, ShardRetired, Tick
from schemas.device import DecoderContext, DeviceTwin
from schemas.model import Model
from schemas.observation import ObservationBatch
from schemas.quarantine import Quarantined, ReadingsReleased, UnregisteredReadings
from schemas.registry import (
    CalendarConfigured,
    ClassConfigured,
    FacilityLeft,
    FacilityRegistered,
    RegistryLoad,
    RegistryProbe,
    RegistryRewriteBegun,
    RegistryRewriteEnded,
    RegistryRewritten,
    ZoneConfigured,
)
from schemas.shadow import ShadowBegun, ShadowEnded, ShadowFinding, ShadowPromoted, TrialRecord
from schemas.verdict import VerdictGiven
from schemas.water import WaterNetworkConfigured
from schemas.works import MaintenancePlanned

UNLIMITED: Final = -1
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic; ``retention_ms`` is for production, a development stack keeps everything."""

    name: str
    key: str
    values: tuple[type[Model], ...]
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    about: str
    segment_bytes: int = 1024**3
    """Retention and compaction work on closed segments only; a reader of a compacted topic reads the open one whole."""
    compression: Literal["producer", "gzip"] = "producer"
    """``gzip``: the broker compresses what it stores; every client library can read it."""

    def full_name(self, prefix: str) -> str:
        """The name in Kafka under a deployment's prefix."""
        return prefix + self.name


EVENTS: Final = Topic(
    name="city.events.v1",
    key="zone; `partition-N` for batches, ticks, markers and what is known of the city, which go where they are needed",
    values=(
        ObservationBatch,
        DefinedCameraEvent,
        FacilityRegistered,
        FacilityLeft,
        ZoneConfigured,
        WaterNetworkConfigured,
        ClassConfigured,
        CalendarConfigured,
        MaintenancePlanned,
        RegistryRewriteBegun,
        RegistryRewriteEnded,
        Tick,
        ClockStepped,
        ShardRetired,
        ShadowBegun,
        ShadowPromoted,
        ShadowEnded,
    ),
    partitions=12,
    cleanup="delete",
    retention_ms=28 * DAY_MS,
    writers=("ingest", "registry", "engineers"),
    readers=("processors", "archive"),
    about="Everything probes saw, what stands where, and the time, in the order folds see it.",
)
ANOMALIES: Final = Topic(
    name="city.anomalies.v1",
    key="zone",
    values=(Anomaly,),
    partitions=12,
    cleanup="delete",
    retention_ms=UNLIMITED,
    writers=("processors", "correlators"),
    readers=("archive", "sequencer", "operators"),
    about="Findings raised, updated and cleared.",
)
DERIVED: Final = Topic(
    name="city.derived.v1",
    key="zone",
    values=(ObservationBatch,),
    partitions=12,
    cleanup="delete",
    retention_ms=28 * DAY_MS,
    writers=("processors",),
    readers=("archive", "operators"),
    about="Readings that no device sent: the flows that folds made of counts, each a record of its own.",
)
FACILITIES: Final = Topic(
    name="city.facilities.v1",
    key="facility id, or `zone:` or `/water/` and the zone id; what else begins with `/` is neither",
    values=(
        FacilityRegistered,
        ZoneConfigured,
        WaterNetworkConfigured,
        ClassConfigured,
        CalendarConfigured,
        MaintenancePlanned,
        RegistryLoad,
        RegistryProbe,
        ShardRetired,
    ),
    partitions=1,
    cleanup="compact",
    retention_ms=UNLIMITED,
    writers=("registry", "ingest"),
    readers=("ingest", "registry"),
    about="The current registry; one partition, so that it has one order.",
)
SHADOWS: Final = Topic(
    name="city.shadow-findings.v1",
    key="zone",
    values=(ShadowFinding,),
    partitions=12,
    cleanup="delete",
    retention_ms=90 * DAY_MS,
    writers=("processors",),
    readers=("engineers",),
    about="What detectors on trial say: never shown to operators, no cases are made of it.",
)
TRIALS: Final = Topic(
    name="city.shadows.v1",
    key="shadow",
    values=(TrialRecord,),
    partitions=1,
    cleanup="compact",
    retention_ms=UNLIMITED,
    writers=("engineers",),
    readers=("engineers",),
    about="Which trials there were and where their events stand; one partition, so that of two the first is known.",
)
SNAPSHOTS: Final = Topic(
    name="city.detectors.snapshots.v1",
    key="layout, number of shards, shard, generation, part",
    values=(),
    partitions=12,
    cleanup="compact",
    retention_ms=UNLIMITED,
    writers=("processors",),
    readers=("processors",),
    segment_bytes=8 * 1024**2,
    about="The state of the folds in shards of msgpack, each partition beside its events; nobody else's business.",
)
REWRITES: Final = Topic(
    name="city.rewrites.v1",
    key="`partition-N` of city.events.v1",
    values=(RegistryRewritten,),
    partitions=1,
    cleanup="delete",
    retention_ms=UNLIMITED,
    writers=("ingest",),
    readers=("ingest", "processors"),
    about="Where in city.events.v1 the complete rewrites of the registry stand: there a cold fold may begin.",
)
TICKS: Final = Topic(
    name="city.ticks.v1",
    key="`clock`",
    values=(Tick,),
    partitions=1,
    cleanup="delete",
    retention_ms=28 * DAY_MS,
    writers=("ingest",),
    readers=("sequencer",),
    about="The time by the minute, for folds that do not read city.events.v1; it may repeat itself or go back.",
)
CASE_INPUTS: Final = Topic(
    name="city.case-inputs.v1",
    key="district, `no-district` where none is known; `partition-N` for ticks, of which every partition has its own",
    values=(Anomaly, DeviceCarried, Tick),
    partitions=12,
    cleanup="delete",
    retention_ms=UNLIMITED,
    writers=("sequencer",),
    readers=("correlators", "cases"),
    about="Everything cases are made of, in the one order they see it.",
)
VERDICTS: Final = Topic(
    name="city.verdicts.v1",
    key="finding",
    values=(VerdictGiven,),
    partitions=1,
    cleanup="delete",
    retention_ms=UNLIMITED,
    writers=("operators", "cases"),
    readers=("archive",),
    about="Whether the matter of a finding was real, by those who looked.",
)
CARRIERS: Final = Topic(
    name="city.carriers.v1",
    key="district, `/`, device",
    values=(DeviceCarried,),
    partitions=1,
    cleanup="compact",
    retention_ms=UNLIMITED,
    writers=("ingest",),
    readers=("ingest", "sequencer"),
    about="Through which gateway each registered device is heard; said again only when it changes.",
)
CORRELATIONS: Final = Topic(
    name="city.correlators.snapshots.v1",
    key="layout, number of shards, shard, generation, part",
    values=(),
    partitions=12,
    cleanup="compact",
    retention_ms=UNLIMITED,
    writers=("correlators",),
    readers=("correlators",),
    segment_bytes=8 * 1024**2,
    about="The state of the folds over findings, each partition beside its inputs; nobody else's business.",
)
QUARANTINE: Final = Topic(
    name="city.quarantine.v1",
    key="MQTT topic or device",
    values=(Quarantined,),
    partitions=4,
    cleanup="delete",
    retention_ms=90 * DAY_MS,
    writers=("ingest", "processors", "sequencer", "correlators"),
    readers=("archive", "operators"),
    about="Input that was refused, with the reason and the original bytes.",
)
UNREGISTERED: Final = Topic(
    name="city.unregistered.v1",
    key="device",
    values=(UnregisteredReadings, ReadingsReleased),
    partitions=4,
    cleanup="delete",
    retention_ms=28 * DAY_MS,
    writers=("ingest",),
    readers=("ingest", "archive"),
    about="Understood readings of devices that no facility claims yet.",
)
ACCEPTED: Final = Topic(
    name="city.accepted.v1",
    key="ingest shard",
    values=(AcceptedMessages,),
    partitions=4,
    cleanup="delete",
    retention_ms=28 * DAY_MS,
    writers=("ingest",),
    readers=("operators",),
    about="The MQTT messages behind city.events, byte for byte.",
    compression="gzip",
)

DEVICES: Final = Topic(
    name="city.devices.v1",
    key="device",
    values=(DeviceTwin,),
    partitions=4,
    cleanup="compact",
    retention_ms=UNLIMITED,
    writers=("ingest",),
    readers=("ingest", "archive", "operators"),
    about="Every device that was ever heard: last values, firmware, battery, losses, and whether a facility claims it.",
)
CONTEXTS: Final = Topic(
    name="city.contexts.v1",
    key="decoder and what is described, e.g. `sparkplug-b:water/gw-3/PT-101`",
    values=(DecoderContext,),
    partitions=1,
    cleanup="compact",
    retention_ms=UNLIMITED,
    writers=("ingest",),
    readers=("ingest",),
    about="The messages without which later ones cannot be read: births, discovery.",
)

MODELS: Final = Topic(
    name="city.models.v1",
    key="SHA-256 of the model, size of its chunks, number of the chunk",
    values=(ModelChunk,),
    partitions=1,
    cleanup="compact",
    retention_ms=UNLIMITED,
    writers=("registry",),
    readers=("processors", "engineers"),
    segment_bytes=64 * 1024**2,
    about="Models of water networks by the hash of their bytes, in chunks; written before the event that names them.",
    compression="gzip",
)

CATALOGUE: Final = (
    EVENTS,
    ANOMALIES,
    DERIVED,
    FACILITIES,
    SHADOWS,
    TRIALS,
    SNAPSHOTS,
    REWRITES,
    TICKS,
    CARRIERS,
    VERDICTS,
    CASE_INPUTS,
    CORRELATIONS,
    QUARANTINE,
    UNREGISTERED,
    ACCEPTED,
    DEVICES,
    CONTEXTS,
    MODELS,
)
