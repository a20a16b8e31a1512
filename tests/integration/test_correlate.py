"""``eyes correlate`` on the real servers: one finding for many silent devices, whoever dies and wherever."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import City, Process
from sequencer_kit import Desk, desk_on

from ops.verify import Refold, verify
from runtime.failpoint import NAMES, VARIABLE
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.carrier import DeviceCarried, GatewaySite
from schemas.envelope import CloudEvent, encode
from schemas.facility import FacilityClass, Place
from schemas.identity import finding_id
from schemas.model import from_ms
from schemas.topics import ANOMALIES, CARRIERS
from tests.waiting import eventually

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

T0 = 1_795_000_000_000
PLACE = Place(lon=113.85, lat=34.03, district="411002")
SITE = GatewaySite(facility="GW", facility_class=FacilityClass.GATEWAY, zone="grid:7", place=PLACE)
DEVICES = 40
CRASHES = [name for name in NAMES if name.startswith("correlate.")]


def carried(desk: Desk, gateway: str, devices: int) -> None:
    for n in range(devices):
        word = DeviceCarried(
            device=f"{gateway}-d{n}", gateway=gateway, district="411002", interval_s=300.0, site=SITE, time=from_ms(T0)
        )
        event = CloudEvent(word.key, f"/{desk.city.site}/test", from_ms(T0), word)
        name = CARRIERS.full_name(desk.city.kafka.topic_prefix)
        desk.producer.send(name, key=word.key.encode(), value=encode(event), partition=0)
    desk.producer.flush(30)


def silent(gateway: str, n: int, transition: Transition) -> Anomaly:
    device, zone = f"{gateway}-d{n}", f"grid:{n % 5}"
    return Anomaly(
        id=finding_id("device_silent", zone, device, str(T0 + n)),
        transition=transition,
        kind=AnomalyKind.DEVICE_SILENT,
        severity=Severity.WARNING,
        zone=zone,
        subject=device,
        facility=f"F{n}",
        facility_class=FacilityClass.STREET_LAMP,
        place=PLACE,
        since=from_ms(T0 + n),
        at=from_ms(T0 + n + (900_000 if transition is Transition.RAISED else 7_200_000)),
        summary="silent",
        detector="silence",
        detector_version=3,
    )


def process(desk: Desk, folder: Path, **env: str) -> Process:
    command = ("correlate", "--instance", f"{desk.city.site}-c", "--metrics-port", "0")
    env = {"EYES_CORRELATORS__SNAPSHOT_S": "0.5", **env}
    return Process("correlate", command, folder, desk.city.env(folder, **env))


def steps(desk: Desk) -> dict[str, list[str]]:
    """What was said of each gateway."""
    found: dict[str, list[str]] = {}
    for one in desk.city.of(ANOMALIES, Anomaly):
        if one.kind is AnomalyKind.GATEWAY_DOWN:
            found.setdefault(one.subject, []).append(one.transition.value)
    return found


def explained(desk: Desk, gateway: str) -> Counter[str]:
    """How often each silent device of a gateway was said to be explained."""
    return Counter(
        one.subject
        for one in desk.city.of(ANOMALIES, Anomaly)
        if one.kind is AnomalyKind.DEVICE_SILENT and one.caused_by is not None and one.subject.startswith(gateway)
    )


def mend(worker: Process) -> None:
    """Start it again if it was killed."""
    if worker.process is not None and (code := worker.process.poll()) is not None:
        assert code == -signal.SIGKILL
        worker.start()


def test_an_outage_is_one_finding_although_the_worker_dies_at_each_place(stack: Any, tmp_path: Path) -> None:
    files = [tmp_path / name for name in CRASHES]
    order = {VARIABLE: ",".join(f"{file.name}:2:{file}" for file in files)}
    with desk_on(City.on(stack)) as desk, desk.process(tmp_path), process(desk, tmp_path, **order) as worker:

        def has(gateway: str, *said: str) -> bool:
            mend(worker)
            return steps(desk).get(gateway) == list(said)

        gateways: list[str] = []
        while len(gateways) < len(files) or not all(file.exists() for file in files):
            gateway = f"gw{len(gateways)}"
            gateways.append(gateway)
            carried(desk, gateway, DEVICES)
            said: list[str] = []
            for transition in (Transition.RAISED, Transition.CLEARED):
                said.append(transition.value)
                for n in range(DEVICES):
                    desk.say(silent(gateway, n, transition), partition=n % ANOMALIES.partitions)
                eventually(lambda one=gateway, said=said: has(one, *said))  # type: ignore[misc]
        assert steps(desk) == {gateway: ["raised", "cleared"] for gateway in gateways}
        for gateway in gateways:
            counts = explained(desk, gateway)
            assert set(counts.values()) == {1}
            assert len(counts) >= 3  # who came back before enough were missed is not explained
        eventually(lambda: worker.metric("eyes_processor_lag_records") == 0)
        outcome = verify(Refold(desk.city.settings()))
        assert (outcome.missing, [one for one in outcome.first if b"/correlate" in one.value]) == (0, [])
        assert outcome.expected >= 5 * len(gateways)
