"""The figures of ``eyes ingest``; their names are fixed, dashboards and alerts stand on them."""

from collections import defaultdict
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from schemas.observation import Quality

MESSAGES: Final = Counter("eyes_ingest_messages", "MQTT messages taken from the broker, refused ones included")
READINGS: Final = Counter("eyes_ingest_readings", "Readings and camera events written to city.events")
BYTES: Final = Counter("eyes_ingest_bytes", "Payload bytes taken from the broker")
QUARANTINED: Final = Counter("eyes_quarantined", "Inputs set aside because they cannot be understood", ["reason"])
UNREGISTERED: Final = Counter("eyes_unregistered", "Messages set aside because no facility claims their device")
RELEASED: Final = Counter("eyes_ingest_released", "Messages released after their device was registered")
REWRITES: Final = Counter("eyes_ingest_rewrites", "Complete rewrites of the registry in a partition")
REWRITTEN: Final = Gauge(
    "eyes_ingest_rewritten_seconds",
    "Clock time of the newest complete rewrite of the registry, of the partition we tick that waits longest",
)
UNMAPPED: Final = Counter("eyes_ingest_unmapped", "Fields of messages that became no reading", ["decoder"])
LOST: Final = Counter("eyes_ingest_lost", "Messages of devices that never came, by their numbers", ["decoder"])
IGNORED: Final = Counter("eyes_ingest_ignored", "Messages that are rightly without effect", ["decoder"])
DEVICES: Final = Gauge("eyes_ingest_devices", "Devices that were ever heard by this shard")
IN_FLIGHT: Final = Gauge("eyes_ingest_in_flight", "Messages received and not yet confirmed by Kafka")
ACK_AGE: Final = Gauge("eyes_ingest_ack_age_seconds", "Age of the oldest message that was not acknowledged yet")
BATCH_READINGS: Final = Histogram(
    "eyes_ingest_batch_readings", "Readings in one record", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
)
SESSION_PRESENT: Final = Gauge("eyes_ingest_session_present", "1: the broker had kept our session at the last connect")
FACILITIES: Final = Gauge("eyes_ingest_facilities", "Facilities known from the registry")
REFUSALS: Final = Counter(
    "eyes_ingest_kafka_refusals", "Records that Kafka refused; everything unconfirmed comes again"
)
CONNECTED: Final = Gauge("eyes_ingest_connected", "1: connected to the MQTT broker")
RECONNECTS: Final = Counter("eyes_ingest_reconnects", "Connections to the MQTT broker after the first")
STALE_ACKS: Final = Counter("eyes_ingest_stale_acks", "Confirmations that came after their connection had ended")
REDELIVERED: Final = Counter("eyes_ingest_redelivered", "Readings of messages delivered again by the broker", ["tier"])
IDENTITY: Final = Counter("eyes_ingest_identity", "Readings by the tier of their identity", ["tier"])
IMPLAUSIBLE: Final = Counter("eyes_ingest_implausible_time", "Readings kept on clock time", ["quality"])
TICKS: Final = Counter("eyes_ingest_ticks", "Ticks written")
TICK_PARTITIONS: Final = Gauge("eyes_ingest_tick_partitions", "Partitions this process writes the ticks of")
RECEIVED_TO: Final = Gauge("eyes_ingest_received_to_seconds", "Clock time up to which this shard has received all")
PROBE: Final = Gauge("eyes_ingest_probe_seconds", "How long the newest probe took through the broker and our queue")


class Tally:
    """Counts of the hot path; a counter of prometheus-client costs more than decoding a reading."""

    def __init__(self) -> None:
        self._zero()

    def _zero(self) -> None:
        self.messages = 0
        self.bytes = 0
        self.unregistered = 0
        self.quarantined: dict[str, int] = defaultdict(int)
        self.unmapped: dict[str, int] = defaultdict(int)
        self.lost: dict[str, int] = defaultdict(int)
        self.ignored: dict[str, int] = defaultdict(int)
        self._tiers: dict[str, int] = defaultdict(int)
        self._redelivered: dict[str, int] = defaultdict(int)
        self._implausible: dict[str, int] = defaultdict(int)

    def reading(self, tier: str, quality: Quality, *, dup: bool) -> None:
        """One reading was written."""
        self._tiers[tier] += 1
        if dup:
            self._redelivered[tier] += 1
        if quality is Quality.LATE or quality is Quality.FUTURE:
            self._implausible[quality.name.lower()] += 1

    def publish(self) -> None:
        """Move the counts to the metrics."""
        if not self.messages and not self._tiers:
            return
        MESSAGES.inc(self.messages)
        BYTES.inc(self.bytes)
        READINGS.inc(sum(self._tiers.values()))
        UNREGISTERED.inc(self.unregistered)
        for metric, label, counts in (
            (QUARANTINED, "reason", self.quarantined),
            (UNMAPPED, "decoder", self.unmapped),
            (LOST, "decoder", self.lost),
            (IGNORED, "decoder", self.ignored),
            (IDENTITY, "tier", self._tiers),
            (REDELIVERED, "tier", self._redelivered),
            (IMPLAUSIBLE, "quality", self._implausible),
        ):
            for value, count in counts.items():
                metric.labels(**{label: value}).inc(count)
        self._zero()
