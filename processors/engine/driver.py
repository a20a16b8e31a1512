"""An author's way to test a detector in five lines: in memory, no servers, time moved by hand.

It drives the same composed fold that runs in production, over events that have been through the wire format.
``docs/processors/writing-one.md`` shows it at work.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from processors.engine.composed import PartitionFold
from processors.engine.contract import Detector, Reading, Said
from processors.engine.models import held
from schemas.anomaly import Anomaly, Transition
from schemas.camera import CameraEvent, TrackPhase
from schemas.chunks import digest_of
from schemas.clock import ClockStepped, Tick
from schemas.columns import BatchColumns, SeriesColumns
from schemas.envelope import CloudEvent, Data, decode, encode
from schemas.facility import Facility
from schemas.identity import numbered, timed
from schemas.model import Moment, from_ms, to_ms
from schemas.observation import Quality
from schemas.properties import PROPERTIES
from schemas.quarantine import Quarantined
from schemas.registry import CityWide, FacilityLeft, FacilityRegistered, ZoneConfigured
from schemas.shadow import ShadowBegun, ShadowFinding
from schemas.water import WaterNetworkConfigured
from schemas.whatif import WhatIf

SHARD: Final = "ingest-0"
START: Final = datetime.fromisoformat("2026-03-02T00:00:00Z")
DAY_MS: Final = 86_400_000


class PipelineTestDriver:
    """One partition and a city small enough for a test.

    What a device says is looked up in the facilities registered so far, as ingest does it, and folded at once.
    Time moves only through :meth:`advance`, which writes every tick on the way.
    """

    def __init__(
        self,
        *detectors: Detector[Any],
        start: datetime = START,
        tick_s: float = 1.0,
        lateness_s: float = DAY_MS / 1000,
        candidates: Sequence[Detector[Any]] = (),
    ) -> None:
        """Begin with an empty city and a first tick at ``start``; long stories want a coarser ``tick_s``.

        ``candidates`` are other versions, for :meth:`begin_shadow`.
        """
        self._models: dict[str, bytes] = {}
        self.fold = PartitionFold(detectors, int(lateness_s * 1000), candidates, held(self._models))
        self.log: list[Data] = []
        """Everything that was folded, in order: feed it to another fold to replay the story."""
        self.outputs: list[Said] = []
        self.now_ms = to_ms(start)
        self._tick_ms = int(tick_s * 1000)
        self._received_to = self.now_ms
        self._connected = True
        self._speaks_for: dict[tuple[str, str | None], Facility] = {}
        self._facilities: dict[str, Facility] = {}
        self._zones: dict[str, ZoneConfigured] = {}
        self._networks: dict[str, WaterNetworkConfigured] = {}
        self._tick()

    # what happened so far

    @property
    def findings(self) -> list[Anomaly]:
        """Every step of every finding, in order."""
        return [output for output in self.outputs if isinstance(output, Anomaly)]

    @property
    def open(self) -> list[Anomaly]:
        """The newest step of every finding that is not cleared, in the order in which they were raised."""
        newest: dict[UUID, Anomaly] = {}
        for finding in self.findings:
            newest[finding.id] = finding
        return [finding for finding in newest.values() if finding.transition is not Transition.CLEARED]

    @property
    def quarantined(self) -> list[Quarantined]:
        """What was set aside."""
        return [output for output in self.outputs if isinstance(output, Quarantined)]

    @property
    def derived(self) -> list[Reading]:
        """Every reading that no device sent, in order."""
        return [output for output in self.outputs if isinstance(output, Reading)]

    # the registry

    def register(self, *facilities: Facility) -> None:
        """Register facilities, or register them anew with other properties."""
        for facility in facilities:
            self._forget(facility.facility)
            self._facilities[facility.facility] = facility
            for binding in facility.devices:
                for name in binding.properties or (None,):
                    self._speaks_for[binding.device, name] = facility
            self.write(FacilityRegistered(facility=facility))

    def left(self, facility: str) -> None:
        """A facility is removed."""
        gone = self._facilities.pop(facility)
        self._forget(facility)
        self.write(FacilityLeft(facility=facility, zone=gone.zone))

    def configure(self, what: ZoneConfigured | CityWide) -> None:
        """Say what is known of a zone, or of the city."""
        if isinstance(what, ZoneConfigured):
            self._zones[what.zone] = what
        self.write(what)

    def model(self, data: bytes) -> str:
        """Put a model at hand; gives its name for :meth:`configure_water`."""
        digest = digest_of(data)
        self._models[digest] = data
        return digest

    def configure_water(self, network: WaterNetworkConfigured) -> None:
        """Say what is known of a zone's water network."""
        self._networks[network.zone] = network
        self.write(network)

    # trials

    def begin_shadow(self, detector: str, version: int, what_if: WhatIf | None = None) -> str:
        """Put a version on trial and tell it of the registry; gives the shadow's name."""
        shadow = f"{detector}@{version}"
        self.write(ShadowBegun(shadow=shadow, detector=detector, version=version, what_if=what_if or WhatIf()))
        facilities = (FacilityRegistered(facility=facility) for facility in self._facilities.values())
        for registered in (*self._zones.values(), *self._networks.values(), *facilities):
            self.write(registered)
        return shadow

    @property
    def shadow_findings(self) -> list[Anomaly]:
        """What was said on trial."""
        return [output.finding for output in self.outputs if isinstance(output, ShadowFinding)]

    # what devices say

    def read(
        self,
        device: str,
        observed_property: str,
        value: float,
        *,
        at_ms: int | None = None,
        seq: int | None = None,
        boot: str = "",
        quality: Quality = Quality.GOOD,
        arrived_ms: int | None = None,
    ) -> None:
        """A device reports a value in the canonical unit, now or with an event time ``at_ms``; it comes at once."""
        at_ms = self.now_ms if at_ms is None else at_ms
        self.read_many([(device, observed_property, value, at_ms)], seq, quality, boot, arrived_ms)

    def read_many(
        self,
        rows: Iterable[tuple[str, str, float, int]],
        seq: int | None = None,
        quality: Quality = Quality.GOOD,
        boot: str = "",
        arrived_ms: int | None = None,
    ) -> None:
        """Readings (device, property, value, event time in ms) that travel in one batch, in this order.

        Without ``arrived_ms`` all clocks are right: what was measured after now comes when it was measured.
        """
        rows = list(rows)
        keys = sorted({(device, name) for device, name, _, _ in rows})
        index = {key: i for i, key in enumerate(keys)}
        self.write(
            BatchColumns(
                shard=SHARD,
                series=[self._series(*key) for key in keys],
                series_index=[index[device, name] for device, name, _, _ in rows],
                phenomenon_time=[at_ms for _, _, _, at_ms in rows],
                result=[float(value) for _, _, value, _ in rows],
                identity=[timed(at, float(v)) if seq is None else numbered(boot, seq) for _, _, v, at in rows],
                result_quality=[int(quality)] * len(rows),
                arrival_time=[max(self.now_ms, at_ms) if arrived_ms is None else arrived_ms for *_, at_ms in rows],
            )
        )

    def see(
        self,
        camera: str,
        facility: str,
        track: str,
        *,
        label: str = "car",
        phase: TrackPhase = TrackPhase.UPDATE,
        present: bool = True,
        stationary: bool = True,
        at_ms: int | None = None,
        **more: Any,
    ) -> None:
        """A camera says whether a track is in the kerb zone ``facility``, now or with an event time ``at_ms``.

        ``more`` is what else an event may carry: ``box``, ``still_s``, ``plate``, or ``came``, when its message came.
        """
        time_ms = self.now_ms if at_ms is None else at_ms
        arrived: dict[str, Any] = {"came": Moment(max(self.now_ms, time_ms))}
        self.write(
            CameraEvent(
                device=camera,
                facility=facility,
                zone=self._facilities[facility].zone,
                phase=phase,
                track=track,
                label=label,
                present=present,
                stationary=stationary,
                seen=Moment(time_ms),
                identity=f"b:{time_ms}:{track}:{phase}:{present}",
                shard=SHARD,
                **arrived | {"confidence": 0.9} | more,
            )
        )

    # time

    def advance(self, seconds: float) -> None:
        """Let time pass, tick by tick."""
        self.advance_to(self.now_ms + round(seconds * 1000))

    def advance_to(self, at_ms: int) -> None:
        """Let time pass until then; the last tick stands at ``at_ms`` exactly."""
        while self.now_ms < at_ms:
            self.now_ms = min(at_ms, self.now_ms + self._tick_ms)
            self._tick()

    def disconnect(self) -> None:
        """Ingest loses its broker: time goes on, but nothing is known to have been received."""
        self._connected = False

    def reconnect(self) -> None:
        """Ingest is back and has drained what waited; the next tick says so."""
        self._connected = True

    def step_clock(self, seconds: float) -> None:
        """The wall clock is set; the ticker notices and says so, and ticks on from there."""
        before = self.now_ms
        self.now_ms += round(seconds * 1000)
        self.write(ClockStepped(before=from_ms(before), after=from_ms(self.now_ms), ticker=SHARD))

    def write(self, data: Data) -> list[Said]:
        """Put any event into the log; gives what the fold says to it."""
        event = CloudEvent(id=str(len(self.log)), source="/test/driver", time=from_ms(self.now_ms), data=data)
        data = decode(encode(event)).data
        self.log.append(data)
        said = self.fold.fold([data])
        self.outputs += said
        return said

    def _tick(self) -> None:
        if self._connected:
            self._received_to = self.now_ms
        tick = Tick(
            time=from_ms(self.now_ms),
            generation=1,
            cadence_ms=self._tick_ms,
            ticker=SHARD,
            received_to={SHARD: self._received_to},
        )
        self.log.append(tick)
        self.outputs += self.fold.fold([tick])

    def _series(self, device: str, name: str) -> SeriesColumns:
        facility = self._speaks_for.get((device, name)) or self._speaks_for[device, None]
        return SeriesColumns(
            device=device,
            observed_property=name,
            unit=PROPERTIES[name].unit,
            facility=facility.facility,
            facility_class=facility.facility_class,
            zone=facility.zone,
        )

    def _forget(self, facility: str) -> None:
        self._speaks_for = {key: known for key, known in self._speaks_for.items() if known.facility != facility}


def finding_ids(findings: Iterable[Anomaly]) -> dict[UUID, list[Transition]]:
    """The life of each finding: its transitions in order."""
    lives: defaultdict[UUID, list[Transition]] = defaultdict(list)
    for finding in findings:
        lives[finding.id].append(finding.transition)
    return dict(lives)
