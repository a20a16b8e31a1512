"""Many dark lamps of one feeder are one matter: the feeder's, instead of theirs."""

from processors.detectors.common import LEFT, Evidence, Opened, Opening, Step, Turn
from processors.detectors.lamp_state import DARK, Lamp, State
from schemas.anomaly import AnomalyKind
from schemas.facility import FacilityClass
from schemas.rules import Values

_BECAME = f"became {AnomalyKind.FEEDER_DARK.value}"
_OVER = f"no longer {AnomalyKind.FEEDER_DARK.value}"


def weigh(state: State, trigger: Evidence | None, at_ms: int, turn: Turn) -> None:
    """Say whether the feeder or single lamps are dark, after one of them went dark or bright, came or left."""
    if state.outage is None:
        _perhaps_begin(state, trigger, at_ms, turn)
    elif _share(state, believed=True) < _values(state)["feeder.clear_share"] or not state.feeders:
        _end(state, state.outage, trigger, at_ms, turn)
    if state.outage is None:
        for name in sorted(state.lamps):
            _single(state.lamps[name], trigger, at_ms, turn)


def _perhaps_begin(state: State, trigger: Evidence | None, at_ms: int, turn: Turn) -> None:
    feeder = state.feeder()
    if feeder is None or trigger is None or not any(_believed(lamp) for lamp in state.lamps.values()):
        return
    values = _values(state)
    dark = [lamp for _, lamp in sorted(state.lamps.items()) if lamp.is_dark]
    if len(dark) < values["feeder.min_lamps"] or _share(state, believed=False) < values["feeder.dark_share"]:
        return
    first = min((since for lamp in dark if (since := lamp.dark_since) is not None), key=_order)
    summary = f"{len(dark)} of {len(state.lamps)} lamps of feeder {feeder.facility} are dark"
    step = Step(at_ms, summary, _numbers(state), (first, trigger) if trigger != first else (first,))
    for lamp in dark:
        single = lamp.opened.pop(DARK, None)
        if single is not None:
            turn.clears(single, step._replace(evidence=(trigger,), reason=_BECAME))
    opening = Opening(feeder.facility, feeder, first.id, first.time_ms)
    state.outage = turn.raises(AnomalyKind.FEEDER_DARK, opening, step)


def _end(state: State, outage: Opened, trigger: Evidence | None, at_ms: int, turn: Turn) -> None:
    reason = None if state.feeders else LEFT
    summary = f"Feeder {outage.subject} has light again"
    evidence = () if trigger is None else (trigger,)
    turn.clears(outage, Step(at_ms, summary, _numbers(state), evidence, reason, trigger is None))
    state.outage = None


def _single(lamp: Lamp, trigger: Evidence | None, at_ms: int, turn: Turn) -> None:
    """The finding of one lamp, where the feeder has none."""
    name, opened, signal = lamp.site.facility, lamp.opened.get(DARK), lamp.signals.get(DARK)
    if signal is None or signal.on is (opened is not None):
        return
    evidence = () if trigger is None else (trigger,)
    if opened is not None:
        turn.clears(opened, Step(at_ms, f"Lamp {name} burns again", {}, evidence, by_time=trigger is None))
        del lamp.opened[DARK]
        return
    assert signal.cause is not None, "a signal goes on by a sample"
    first = signal.cause
    # What the feeder's finding has left over may have had one of its own before: a second one needs another id.
    cause = str(first.id) if lamp.told != str(first.id) else f"{first.id} again at {at_ms}"
    lamp.told = str(first.id)
    evidence = (first, *evidence) if trigger != first else (first,)
    step = Step(at_ms, f"Lamp {name} is dark at night", {"power_w": signal.value}, evidence, by_time=trigger is None)
    lamp.opened[DARK] = turn.raises(AnomalyKind.LAMP_DARK, Opening(name, lamp.site, cause, first.time_ms), step)


def _share(state: State, *, believed: bool) -> float:
    dark = sum(_believed(lamp) if believed else lamp.is_dark for lamp in state.lamps.values())
    return dark / len(state.lamps) if state.lamps else 0.0


def _believed(lamp: Lamp) -> bool:
    return (signal := lamp.signals.get(DARK)) is not None and signal.on


def _numbers(state: State) -> dict[str, float]:
    return {"dark": float(sum(lamp.is_dark for lamp in state.lamps.values())), "lamps": float(len(state.lamps))}


def _values(state: State) -> Values:
    feeder = state.feeder()
    return state.rules.of("" if feeder is None else feeder.facility, FacilityClass.LAMP_FEEDER)


def _order(evidence: Evidence) -> tuple[int, str]:
    return evidence.time_ms, str(evidence.id)
