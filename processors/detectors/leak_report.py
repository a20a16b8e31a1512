"""A finding as an event: numbers rounded, the readings that decided, one plain sentence."""

from functools import lru_cache
from typing import Final

from processors.detectors.leak_confidence import confidence, kind_of
from processors.detectors.leak_state import Finding, LeakState
from processors.detectors.leak_steps import Step
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.facility import Place
from schemas.identity import finding_id, reading_id
from schemas.model import from_ms

KPA_PER_M: Final = 9.80665
_KIND: Final = AnomalyKind.WATER_BURST
_NO_PLACE: Final = Place(lon=0.0, lat=-90.0)


def report(
    state: LeakState, step: Step, finding: Finding, transition: Transition, version: int, *, reason: str | None = None
) -> Anomaly:
    """One step in the life of a finding, at the end of this time step."""
    score = round(finding.score, 1)
    numbers = {
        "extra_flow_m3h": finding.flow,
        "pressure_drop_kpa": finding.drop,
        "score": score,
    } | lost_a_day(state, finding.flow)
    decisive = [key for key in (*finding.sensors, *_flow_meters(state)) if key in step.values]
    samples = [(state.sensors[key], step.values[key][1]) for key in decisive if key in state.sensors]
    return Anomaly(
        id=finding_id(_KIND, state.zone, state.zone, finding.cause),
        transition=transition,
        kind=_KIND,
        severity=KINDS[_KIND].severity,
        zone=state.zone,
        subject=state.zone,
        place=place_of(state),
        since=from_ms(finding.since_ms),
        at=from_ms(step.time_ms),
        arrival_time=from_ms(max(sample.arrival_ms for _, sample in samples)) if samples else None,
        summary=_sentence(state, finding, transition),
        numbers=numbers,
        score=round(confidence(score, finding.flow), 2),
        evidence=tuple(reading_id(s.device, s.observed_property, sample.identity) for s, sample in samples),
        reason=reason,
        detector="leak",
        detector_version=version,
    )


def lost_a_day(state: LeakState, flow: float) -> dict[str, float]:
    """What so many m3/h are a day: m3, and money where its price is known."""
    lost = {"loss_m3_per_day": round(24 * flow, 1)}
    return lost if state.cost is None else lost | {"cost_per_day": round(24 * flow * state.cost, 2)}


@lru_cache(maxsize=4096)
def _place(said: str) -> Place:
    """Read once: it is asked for with every step."""
    return Place.model_validate_json(said)


def place_of(state: LeakState) -> Place:
    """The configured place of the zone, else the middle of its meters."""
    if state.place:
        return _place(state.place)
    sites = [state.sites[f] for f in sorted({s.facility for s in state.sensors.values()}) if f in state.sites]
    if not sites:  # readings are looked up in the registry, which is in the log before them: cannot be
        return _NO_PLACE
    lon, lat = (sum(values) / len(sites) for values in zip(*((s.lon, s.lat) for s in sites), strict=True))
    return Place(lon=round(lon, 7), lat=round(lat, 7))


def _flow_meters(state: LeakState) -> tuple[str, ...]:
    pressures, flows, _ = state.counts
    return state.layout[pressures : pressures + flows]


def _sentence(state: LeakState, finding: Finding, transition: Transition) -> str:
    where = state.name or state.zone
    since = f"{from_ms(finding.since_ms):%H:%M} UTC"
    flows = kind_of(finding.flow) == "inflow"
    flow = f"inflow {finding.flow:.0f} m3/h above the usual" if flows else "inflow hardly above the usual"
    if transition is Transition.CLEARED:
        return f"Burst in {where} that began at {since} is over"
    parts = [f"Burst in {where}: {flow}"]
    if finding.sensors and finding.drop > 0:
        sensor = state.sensors.get(finding.sensors[0])
        facility = sensor.facility if sensor else ""
        name = state.sites[facility].name if facility in state.sites else facility
        parts.append(f"pressure down {finding.drop / KPA_PER_M:.1f} m at {name}")
    return ", ".join([*parts, f"since {since}"])[:512]
