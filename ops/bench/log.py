"""The log of a made-up city, written as ingest writes it but without any device: a past of a day, and a present."""

import threading
import time
from collections import defaultdict
from typing import Final

from kafka import KafkaProducer

from ops.bench.fleet import Device
from runtime.kafka import idempotent_producer
from runtime.settings import Settings
from schemas.clock import Tick
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import KAFKA_HEADERS, CloudEvent, Data, encode
from schemas.model import from_ms
from schemas.partitioning import partition_of
from schemas.properties import PROPERTIES
from schemas.topics import EVENTS

SHARD: Final = "bench"
DAY_MS: Final = 86_400_000
STEP_S: Final = 1.0  # between two ticks of the present
ROWS: Final = 500  # of one batch
ACK_S: Final = 60.0


class CityLog:
    """Writes batches and ticks into every partition of the events."""

    def __init__(self, settings: Settings, devices: list[Device]) -> None:
        self.devices = devices
        self.said = 0
        """Readings of the present."""
        self.rate = 0.0
        self._name = EVENTS.full_name(settings.kafka.topic_prefix)
        self._producer: KafkaProducer = idempotent_producer(settings.kafka, "eyes-bench")
        self._series: defaultdict[int, list[SeriesColumns]] = defaultdict(list)
        for device in devices:
            self._series[partition_of(device.zone, EVENTS.partitions)].append(_series(device))
        self._values = {device.name: device.kind.values for device in devices}
        self._now_ms = time.time_ns() // 1_000_000 - DAY_MS
        self._round = 0
        self._next: defaultdict[int, int] = defaultdict(int)  # whose turn it is, by partition
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="present", daemon=True)

    def past(self, rounds: int) -> None:
        """Every device speaks so many times within a day."""
        step_ms = DAY_MS // rounds
        for _ in range(rounds):
            for partition, series in self._series.items():
                for at in range(0, len(series), ROWS):
                    self._batch(partition, series[at : at + ROWS])
            self._round += 1
            self._now_ms += step_ms
            self._tick(step_ms)
        self._producer.flush(timeout=ACK_S)

    def begin_present(self, rate: float) -> None:
        """From now on ``rate`` readings a second in all, and ticks, until :meth:`close`."""
        self.rate = rate
        self._thread.start()

    def close(self) -> None:
        """Stop writing."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._producer.close()

    def _go_on(self) -> None:
        number = max(1, round(self.rate * STEP_S / EVENTS.partitions))
        due_s = time.monotonic()
        while not self._over.wait(max(0.0, due_s - time.monotonic())):
            due_s += STEP_S
            for partition, series in self._series.items():
                at = self._next[partition]
                chosen = [series[(at + n) % len(series)] for n in range(min(number, len(series)))]
                self._next[partition] = (at + len(chosen)) % len(series)
                self._batch(partition, chosen)
                self.said += len(chosen)
            self._round += 1
            self._now_ms += round(STEP_S * 1000)
            self._tick(round(STEP_S * 1000))

    def _batch(self, partition: int, series: list[SeriesColumns]) -> None:
        rows = len(series)
        values = [self._values[one.device] for one in series]
        columns = BatchColumns(
            shard=SHARD,
            series=series,
            series_index=list(range(rows)),
            phenomenon_time=[self._now_ms] * rows,
            result=[mine[self._round % len(mine)] for mine in values],
            identity=[f"a:bench:{self._round}"] * rows,
            result_quality=[0] * rows,
            arrival_time=[self._now_ms] * rows,
        )
        self._send(partition, columns)

    def _tick(self, cadence_ms: int) -> None:
        tick = Tick(
            time=from_ms(self._now_ms),
            generation=1,
            cadence_ms=cadence_ms,
            ticker=SHARD,
            received_to={SHARD: self._now_ms},
        )
        for partition in range(EVENTS.partitions):
            self._send(partition, tick)

    def _send(self, partition: int, data: Data) -> None:
        event = CloudEvent(f"bench-{self._round}", "/bench/log", from_ms(self._now_ms), data)
        self._producer.send(self._name, value=encode(event), headers=list(KAFKA_HEADERS), partition=partition)


def _series(device: Device) -> SeriesColumns:
    prop = device.kind.observed_property
    return SeriesColumns(device.name, prop, PROPERTIES[prop].unit, device.name, device.kind.facility_class, device.zone)
