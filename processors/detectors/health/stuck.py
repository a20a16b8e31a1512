"""A reading that stands still far longer than it ever did.

Standing still is measured against the series itself: within a small share of what it usually moves by. The longest time
it ever stood still is its record, nights included; who learnt at least ``moves`` such times over ``learn_s`` and now
stands ``longer`` times the record is stuck. For times without memory, the chance that one of them is that long is
n^-longer after n of them, so that with the defaults (4, 30) all those to come of one series together have a chance of
1e-5. Before its record is known, the property's own allowance counts (:data:`schemas.health.STILL_S`).
"""

from typing import Final

from processors.detectors.common import Evidence, Opening, Step, Turn, span
from processors.detectors.health.bounds import Bounds, bounds_of
from processors.detectors.health.state import State
from processors.detectors.health.watch import NEVER_MS, Watch
from processors.engine.contract import Reading
from processors.engine.kept import Kept
from schemas.anomaly import AnomalyKind

KIND: Final = AnomalyKind.DEVICE_STUCK
_MEMORY: Final = 64  # moves over which the usual one is averaged
_SEVERAL: Final = 8  # moves after which a single large one is no measure of what is usual
_LARGE: Final = 2.0  # times the usual
_FORGIVING: Final = 1.5  # so much longer may it stand still after it was called stuck and moved again


def moved(watch: Watch, time_ms: int, value: float, bounds: Bounds) -> None:
    """It no longer stands where it stood."""
    stood_ms = watch.time_ms - watch.still_ms
    if stood_ms > watch.longest_ms:
        was_stuck = KIND in watch.opened and watch.longest_ms
        watch.longest_ms = min(stood_ms, round(watch.longest_ms * _FORGIVING)) if was_stuck else stood_ms
    moves = watch.moves = watch.moves + 1
    step, change = watch.step, abs(value - watch.value)
    if AnomalyKind.DEVICE_JUMP in watch.opened:
        change = step  # into what cannot be, or back, is no move
    watch.step = step = _usual_step(step, change, moves)
    room = bounds.share * step
    watch.low = value - room
    watch.high = value + room
    watch.still_ms = time_ms
    watch.still = 1
    watch.due_ms = due(watch, time_ms, bounds)


class GoingOn:
    """Takes in readings of one series that move as they may: as :func:`moved` of those that do, and a count of others.

    Nothing is open, and all is possible. Of nearly every reading, and so in variables of its own.
    """

    __slots__ = ("_bounds", "_least_ms", "_watch")

    def __init__(self, watch: Watch, bounds: Bounds, least_ms: int) -> None:
        """Where it moves meanwhile, it stands from then on: for ``least_ms`` at least."""
        self._watch = watch
        self._bounds = bounds
        self._least_ms = least_ms

    def absorb(self, kept: Kept, first: int) -> int | None:
        """See :class:`processors.engine.contract.Calm`."""
        watch, bounds, count = self._watch, self._bounds, kept.count
        low, high, share = watch.low, watch.high, bounds.share
        time_ms, value, total = watch.time_ms, watch.value, watch.total
        still, still_ms, longest_ms, moves, step = (
            watch.still,
            watch.still_ms,
            watch.longest_ms,
            watch.moves,
            watch.step,
        )
        before_moves = moves
        for at in range(first, count):
            at_ms, now = kept.time(at), kept.value(at)
            if low <= now <= high:
                still += 1
            else:
                longest_ms = max(longest_ms, time_ms - still_ms)
                moves += 1
                step = _usual_step(step, abs(now - value), moves)
                room = share * step
                low, high, still_ms, still = now - room, now + room, at_ms, 1
            time_ms, value = at_ms, now
            total += now
        watch.time_ms, watch.value, watch.total, watch.still = time_ms, value, total, still
        watch.count += count - first
        watch.counted += count - first
        if moves != before_moves:
            watch.low, watch.high, watch.still_ms = low, high, still_ms
            watch.longest_ms, watch.moves, watch.step = longest_ms, moves, step
            watch.due_ms = due(watch, still_ms, bounds)
        if watch.numbers is not None:
            watch.numbers.seq = kept.ordinal(count - 1)
        return min(watch.due_ms, time_ms + self._least_ms) if bounds.is_judged else None


def _usual_step(step: float, change: float, moves: int) -> float:
    """With one more change, the last of so many moves; a fire must not make what follows it look still."""
    if moves > _SEVERAL and change > _LARGE * step:
        change = _LARGE * step
    return step + (change - step) / min(_MEMORY, moves)


def due(watch: Watch, time_ms: int, bounds: Bounds) -> int:
    """From when on it stands still too long."""
    if not bounds.is_judged or (bounds.may_rest and watch.low <= 0.0 <= watch.high):
        return NEVER_MS
    if not is_learnt(watch, time_ms, bounds):
        return watch.still_ms + bounds.prior_ms
    return watch.still_ms + patience(watch.longest_ms, bounds)


def is_learnt(watch: Watch, time_ms: int, bounds: Bounds) -> bool:
    """Whether its own record says what is normal."""
    return watch.moves >= bounds.moves and time_ms - watch.first_ms >= bounds.learn_ms


def patience(longest_ms: int, bounds: Bounds) -> int:
    """How long it may stand still by a record."""
    return max(bounds.least_ms, int(bounds.longer * longest_ms))


def judge(state: State, watch: Watch, reading: Reading, name: str, turn: Turn) -> None:
    """It is due: say so, if there were readings enough."""
    if KIND in watch.opened:
        return
    bounds = bounds_of(state, watch.facility, reading.series.observed_property)
    if watch.still < bounds.samples:
        return
    evidence = Evidence.of(reading)
    stood_ms = reading.time_ms - watch.still_ms
    numbers = {
        "value": reading.value,
        "stood_s": stood_ms / 1000,
        "longest_s": watch.longest_ms / 1000,
        "samples": float(watch.still),
    }
    if watch.longest_ms:
        numbers["longer"] = round(stood_ms / watch.longest_ms, 3)
    summary = f"{name} stands at {reading.value:g} for {span(stood_ms)}"
    if watch.moves:
        summary += f" (never longer than {span(watch.longest_ms)} before)"
    opening = Opening(name, state.sites[watch.facility], watch.still_ms, watch.still_ms)
    watch.opened[KIND] = turn.raises(KIND, opening, Step(reading.time_ms, summary, numbers, (evidence,)))


def clear(watch: Watch, reading: Reading, name: str, turn: Turn) -> None:
    """It moves again."""
    opened = watch.opened.pop(KIND, None)
    if opened is not None:
        stood_ms = watch.time_ms - watch.still_ms
        step = Step(
            reading.time_ms,
            f"{name} moves again",
            {"value": reading.value, "stood_s": stood_ms / 1000},
            (Evidence.of(reading),),
        )
        turn.clears(opened, step)
