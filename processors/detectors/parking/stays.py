"""How long a stay lasts: what falls due with time, and the findings that come of it."""

from typing import Final

import msgspec

from processors.detectors.common import LEFT, POLICY_CHANGED, Evidence, Opening, Step, Turn, span
from processors.detectors.parking import proof, watches
from processors.detectors.parking.rules import excused, judge, regime, values_of
from processors.detectors.parking.state import NEVER_MS, Lengths, Said, Spot, State, Stay, Verdict
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.camera import CameraEvent
from schemas.facility import FacilityClass

SPAN_OVER: Final = "time span over"


def pass_time(state: State, spot: Spot, number: str, until_ms: int, lengths: Lengths, turn: Turn) -> None:
    """Do what falls due in one stay up to ``until_ms``, in order, whenever we are asked."""
    while (stay := spot.stays.get(number)) is not None:
        due_ms = stay.due_ms(lengths)
        if due_ms > until_ms:
            return
        do(state, spot, number, due_ms, stay.what_is_due(), turn)


def do(state: State, spot: Spot, number: str, at_ms: int, what: str, turn: Turn) -> None:
    """What fell due in a stay."""
    stay, lengths = spot.stays[number], spot.lengths
    if what == "over":
        end(state, spot, number, at_ms, lengths, turn)
        if stay.lost:
            watches.look(state, spot, None, at_ms, turn)
    elif what == "look":
        stay.judged_ms = at_ms
        judge(state, spot, stay, at_ms)
    elif what == "until":
        _span_over(state, spot, stay, at_ms, turn)
    else:
        verdict = stay.verdict
        assert verdict is not None, "only a verdict falls due"
        wait_ms = excused(state, spot, stay)
        if wait_ms is not None:
            stay.verdict = msgspec.structs.replace(verdict, at_ms=at_ms + wait_ms)
        elif _is_sure(state, spot, stay, at_ms) and not _is_awaited(stay, at_ms, lengths):
            _offend(spot, stay, verdict, None, turn)
        else:
            stay.waits = True


def leave(spot: Spot, number: str, at_ms: int, event: Reading | CameraEvent | None, *, lost: bool) -> None:
    """One who said that something stands there says so no more; when nobody does, it is free."""
    stay = spot.stays.get(number)
    if stay is None:
        return
    for name, one in spot.sources.items():
        if one.taken and one.stay == number and not watches.is_silent(spot, name, one, at_ms):
            return
    # Sensors may say it out of order; nobody leaves before he came.
    stay.free_ms = max(at_ms, stay.since_ms)
    # Only a finding is told what ended it, and who left can make none any more.
    stay.freed = None if event is None or not stay.offends else Evidence.of(event)
    stay.lost = lost


def heard(state: State, spot: Spot, stay: Stay, event: Reading | CameraEvent, turn: Turn) -> None:
    """A further word of a stay that is too long, if it is sure by now."""
    word = Said.of(event)
    verdict = stay.verdict
    assert verdict is not None, "only a verdict is waited for"
    if word.time_ms < verdict.at_ms:
        return  # it was on its way while we waited, and says nothing of now
    if _is_frozen(state, spot):
        stay.doubted = True
    elif stay.doubted:  # what stood there while its sensor was frozen, nobody knows
        begin_anew(state, spot, stay, word, word.time_ms)
    elif (wait_ms := excused(state, spot, stay)) is not None:
        stay.verdict, stay.waits = msgspec.structs.replace(verdict, at_ms=word.time_ms + wait_ms), False
    elif _is_sure(state, spot, stay, word.time_ms):
        _offend(spot, stay, verdict, word.evidence, turn)


def due_of(stay: Stay) -> int:
    """When it is too long."""
    return NEVER_MS if stay.verdict is None else stay.verdict.at_ms


def _is_sure(state: State, spot: Spot, stay: Stay, at_ms: int) -> bool:
    if stay.words < stay.words_needed or (stay.fresh_ms is not None and at_ms - stay.said_ms > stay.fresh_ms):
        return False
    return not _is_frozen(state, spot)


def _is_awaited(stay: Stay, at_ms: int, lengths: Lengths) -> bool:
    """Whether a camera that goes on as it did will soon speak of it, or should have: its next word decides.

    Who left just before the dwell was over, unheard because both words of it were lost, is not called a parker so.
    """
    if stay.box is None or not (stay.every_ms and lengths.wait):
        return False
    return stay.said_ms + stay.every_ms <= at_ms + lengths.wait


def _is_frozen(state: State, spot: Spot) -> bool:
    """A sensor whose other values never change says nothing of what stands there."""
    if not spot.other:
        return False
    most = values_of(state, spot)["overstay.same_values"]
    return any(
        source.taken and not source.camera and spot.other.get(name, (0.0, 0))[1] >= most
        for name, source in spot.sources.items()
    )


def begin_anew(state: State, spot: Spot, stay: Stay, first: Said, at_ms: int) -> None:
    """Nobody knows what stood there before."""
    stay.since_ms = stay.judged_ms = at_ms
    stay.first = first
    stay.words, stay.waits, stay.doubted = 0, False, False
    judge(state, spot, stay, at_ms)


def _offend(spot: Spot, stay: Stay, verdict: Verdict, word: Evidence | None, turn: Turn) -> None:
    """The stay is too long: a finding, unless the spot has one.

    It is dated when it became too long, whichever word makes sure of it: words may overtake each other.
    """
    stay.offends, stay.waits = True, False
    if spot.opened is not None:
        return
    facility = spot.site.facility
    first = stay.first.evidence.id
    cause = f"{first}/{stay.epoch_ms}" if stay.epoch_ms else first
    at_ms = max(verdict.at_ms - 1, stay.resumed_ms)
    numbers, evidence = proof.of_stay(spot, stay, verdict, at_ms, word)
    # Where time alone decides, the finding carries no arrival time.
    step = Step(at_ms, _summary(spot, stay, verdict), numbers, evidence, by_time=word is None)
    since_ms = max(stay.since_ms, verdict.from_ms)
    spot.opened = turn.raises(verdict.kind, Opening(facility, spot.site, cause, since_ms, verdict.rule), step)


def _summary(spot: Spot, stay: Stay, verdict: Verdict) -> str:
    facility = spot.site.facility
    if verdict.came_back and stay.left_ms is not None:
        return f"Vehicle back at {facility} {span(stay.since_ms - stay.left_ms)} after it left"
    if verdict.kind is AnomalyKind.PARKING_OVERSTAY:
        what = "Bay" if spot.site.facility_class is FacilityClass.PARKING_BAY else "Kerb"
        return f"{what} {facility} taken for longer than the {span(verdict.allowed_ms)} allowed"
    return f"Vehicle standing at {facility} for more than {span(verdict.limit_ms)}"


def end(state: State, spot: Spot, number: str, at_ms: int, lengths: Lengths, turn: Turn) -> None:
    """A stay is over; so is the finding, if no other keeps it open."""
    stay = spot.stays.pop(number)
    names = []
    for name, source in spot.sources.items():
        if source.stay == number:
            source.stay = ""
            names.append(name)
    free_ms = at_ms if stay.free_ms is None else stay.free_ms
    if stay.offends and lengths.cool:
        keys = [stay.plate] if stay.plate is not None else names if stay.box is not None else []
        spot.cooling |= dict.fromkeys(keys, at_ms + lengths.cool)
    if stay.plate is not None and (away_ms := regime(state, spot, free_ms, stay.camera).no_return_ms):
        spot.left[stay.plate] = free_ms, free_ms + away_ms
    stay_ms = free_ms - stay.since_ms
    summary = f"{spot.site.facility} free again after {span(stay_ms)}"
    evidence = () if stay.freed is None else (stay.freed,)
    _clear(spot, Step(at_ms, summary, {"stay_s": stay_ms / 1000}, evidence, by_time=True), turn)


def _clear(spot: Spot, step: Step, turn: Turn) -> None:
    if spot.opened is not None and not any(stay.offends for stay in spot.stays.values()):
        turn.clears(spot.opened, step)
        spot.opened = None


def _span_over(state: State, spot: Spot, stay: Stay, at_ms: int, turn: Turn) -> None:
    """Another rule comes into force while a vehicle stands there against that of before."""
    verdict = stay.verdict
    assert verdict is not None, "only a verdict has an end"
    holds = regime(state, spot, at_ms, stay.camera)
    if holds.rule == verdict.rule and verdict.kind is not AnomalyKind.PARKING_OVERSTAY:
        stay.verdict = msgspec.structs.replace(verdict, until_ms=holds.until_ms)
        return
    stay.offends = False
    stay.judged_ms = stay.epoch_ms = at_ms
    judge(state, spot, stay, at_ms)
    summary = f"{spot.site.facility} is under another rule now"
    _clear(spot, Step(at_ms, summary, {}, reason=SPAN_OVER, by_time=True), turn)


def rejudge(state: State, spot: Spot, turn: Turn) -> None:
    """Judge all stays by what applies now: a finding that would be none is over."""
    now_ms = turn.clock.now_ms
    for stay in spot.stays.values():
        judge(state, spot, stay, now_ms)
        stay.waits = False
        verdict, opened = stay.verdict, spot.opened
        if stay.offends and opened is not None:
            if verdict is not None and verdict.at_ms <= now_ms and verdict.kind is opened.kind:
                continue
            stay.offends = False
            stay.epoch_ms = now_ms
    summary = f"{spot.site.facility} is under another rule"
    _clear(spot, Step(now_ms, summary, {}, reason=POLICY_CHANGED), turn)


def void(spot: Spot, numbers: list[str], reason: str, turn: Turn) -> None:
    """Nobody says of these any more that they stand there, and nobody will say that they left."""
    for number in numbers:
        del spot.stays[number]
    for source in spot.sources.values():
        if source.stay in numbers:
            source.stay = ""
    if numbers:
        summary = f"Nobody says any more that something stands at {spot.site.facility}"
        _clear(spot, Step(turn.clock.now_ms, summary, {}, reason=reason), turn)


def forget(spot: Spot, turn: Turn) -> None:
    """The facility is gone, and the finding with it."""
    spot.stays.clear()
    _clear(spot, Step(turn.clock.now_ms, f"{spot.site.facility} is no longer watched", {}, reason=LEFT), turn)
