"""A battery that is nearly empty, or will be soon.

Nearly empty: so many charges in a row at or below ``low_percent``, or as often the device's own word for it, which
knows its voltage under load where a percentage is an estimate; only a charge above ``denied_percent`` says that it is
wrong. Soon: the slope of the last charge of each day, by Theil and Sen's median of the slopes of all pairs, which a
quarter of wrong days does not move; it needs ``history_days`` of them. A charge that rises by more than 20 % of the
whole is another battery.

Sources: Theil 1950, Sen 1968 (doi:10.1080/01621459.1968.10480934).
"""

from itertools import combinations
from statistics import median
from typing import Final

from processors.detectors.common import Evidence, Opening, Step, Turn
from processors.detectors.health.state import Charge, Device, State
from processors.engine.contract import Reading
from schemas.anomaly import AnomalyKind
from schemas.rules import Values

KIND: Final = AnomalyKind.DEVICE_BATTERY
PROPERTIES: Final = frozenset({"battery_percent", "low_battery"})
DAYS: Final = 30
DAY_MS: Final = 86_400_000
REPLACED_PERCENT: Final = 20.0
_ENOUGH: Final = 2  # the forecast must be so many times as good to end what it began


def judge(state: State, name: str, device: Device, reading: Reading, values: Values, turn: Turn) -> None:
    """Take in a charge in percent, or the device's own word."""
    charge = device.charge
    if charge is None:
        charge = device.charge = Charge(reading.time_ms)
    own = reading.series.observed_property == "low_battery"
    is_new_day, left = False, None
    if own:
        charge.told = charge.told + 1 if reading.value > 0 else 0
    else:
        is_new_day = _keep(charge, (reading.time_ms - charge.first_ms) // DAY_MS, reading.value)
        charge.low = charge.low + 1 if reading.value <= values["battery.low_percent"] else 0
    percent = charge.days[-1][1] if charge.days else None
    believed = charge.told >= values["battery.samples"] and (
        percent is None or percent <= values["battery.denied_percent"]
    )
    if not (own or is_new_day or charge.low or believed or KIND in device.opened):
        return
    if own or percent is None:
        calm = not charge.told and percent is None
    else:
        left = _days_left(charge, values["battery.history_days"])
        calm = (
            not believed
            and percent > values["battery.low_percent"] + values["battery.margin_percent"]
            and (left is None or left > _ENOUGH * values["battery.left_d"])
        )
    numbers = {} if percent is None else {"percent": percent}
    if left is not None:
        numbers["days_left"] = left
    soon = left is not None and left <= values["battery.left_d"]
    if KIND in device.opened:
        if calm:
            step = Step(reading.time_ms, f"Battery of {name} is well again", numbers, (Evidence.of(reading),))
            turn.clears(device.opened.pop(KIND), step)
    elif soon or believed or charge.low >= values["battery.samples"]:
        if believed:
            summary = f"Device {name} says that its battery is low" + ("" if percent is None else f", at {percent:g} %")
        else:
            summary = f"Battery of {name} at {percent:g} %" + (f", empty in {left:g} days" if soon else "")
        evidence = Evidence.of(reading)
        opening = Opening(name, state.sites[device.facility], evidence.id, reading.time_ms)
        device.opened[KIND] = turn.raises(KIND, opening, Step(reading.time_ms, summary, numbers, (evidence,)))


def _keep(charge: Charge, day: int, percent: float) -> bool:
    """The last charge of each day; whether this is the first of a day."""
    days = charge.days
    if days and percent > days[-1][1] + REPLACED_PERCENT:
        days.clear()
    if days and days[-1][0] == day:
        days[-1] = (day, percent)
        return False
    days.append((day, percent))
    del days[:-DAYS]
    return True


def _days_left(charge: Charge, history: float) -> float | None:
    """Days until it is empty, by the days that are over; None while there are too few or it does not empty."""
    days = charge.days[:-1]
    if len(days) < history:
        return None
    slope = median((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(days, 2))
    return None if slope >= 0 else round(charge.days[-1][1] / -slope, 1)
