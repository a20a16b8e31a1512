"""The short cut of what nearly every reading of a lamp says: that it does what it did a while ago."""

import math
from typing import Final

from processors.detectors.lamp_state import DARK, DAY, LEARNED, POWER, Lamp
from processors.detectors.sun import Light, spell
from processors.engine.contract import Calm, Ear
from processors.engine.kept import Kept
from schemas.rules import Values

_SIGNALS: Final = (DARK, DAY, POWER)
_NEARLY: Final = 1 - 1e-9  # what lies at a limit is left to the fold, which knows on which side


def switch(lamp: Lamp, observed_property: str) -> Ear:
    """Takes note of what a lamp is told to do, where that is not judged for want of its power."""

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
        if lamp.power_ms < 0:
            return False
        before = lamp.switched_on, lamp.dim_percent
        lamp.hear_switch(observed_property, time_ms, value)
        return before == (lamp.switched_on, lamp.dim_percent)  # else to be told again, so that all know of it

    return hear


def mains(lamp: Lamp) -> Ear:
    """Takes note of its voltage."""

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
        lamp.hear_mains(time_ms, value)
        return True

    return hear


def calm_mains(lamp: Lamp) -> Calm:
    """What :func:`mains` takes in."""

    def absorb(kept: Kept, first: int) -> None:
        for at in range(first, kept.count):
            lamp.hear_mains(kept.time(at), kept.value(at))

    return Calm(absorb)


def power(lamp: Lamp, values: Values) -> Ear:  # noqa: C901 - one condition after the other
    """Takes note that it burns at night as it should and did before, or is out by day."""
    rated_w, lit, close = values["lamp.rated_w"], values["lamp.lit_share"], values["lamp.power_clear_share"]
    margin_ms = round(values["lamp.dusk_s"] * 1000)
    site, signals = lamp.site, lamp.signals
    now, from_ms, to_ms = Light.TWILIGHT, 0, 0

    def hear(time_ms: int, value: float, identity: str, arrival_ms: int, now_ms: int, shard: str) -> bool:  # noqa: ARG001 - an ear's
        nonlocal now, from_ms, to_ms
        if not from_ms <= time_ms < to_ms:
            now, from_ms, to_ms = spell(site.lat, site.lon, time_ms, margin_ms)
        if lamp.opened or time_ms <= lamp.power_ms:
            return False
        if now is Light.DAY:
            if value != 0.0 or lamp.burns is not None or lamp.steady_ms >= 0 or len(signals) < 2:  # noqa: PLR2004 - dark, day
                return False
        elif (
            now is not Light.NIGHT
            or not lamp.burns
            or lamp.is_off()
            or lamp.lit_ms < from_ms
            or len(signals) < len(_SIGNALS)
            or len(lamp.watts) < LEARNED
            or math.isinf(rated_w)
        ):
            return False
        else:
            share = lamp.share(values, value)
            if share < lit or abs(share - 1.0) >= close:
                return False
        for signal in signals.values():
            if signal.on or signal.count:
                return False
        lamp.power_ms = time_ms
        lamp.hear_power(values, value)
        signals[DARK].goes_by(time_ms, value)
        signals[DAY].goes_by(time_ms, value)
        if now is Light.NIGHT:
            signals[POWER].goes_by(time_ms, share)
        return True

    return hear


def calm(lamp: Lamp, values: Values) -> Calm | None:
    """What :func:`power` takes in until the night, or the day, is over."""
    signals = lamp.signals
    if lamp.opened or lamp.power_ms < 0 or not all(signal.is_quiet() for signal in signals.values()):
        return None
    now, from_ms, until_ms = spell(lamp.site.lat, lamp.site.lon, lamp.power_ms, round(values["lamp.dusk_s"] * 1000))
    if now is Light.DAY and DARK in signals and DAY in signals:
        return _by_day(lamp, values, until_ms)
    if now is Light.NIGHT and lamp.lit_ms >= from_ms and signals.keys() >= set(_SIGNALS):
        return _at_night(lamp, values, until_ms)
    return None


def _by_day(lamp: Lamp, values: Values, until_ms: int) -> Calm | None:
    if lamp.burns is not None or lamp.steady_ms >= 0 or values["lamp.dark_w"] <= 0.0:
        return None
    signals = lamp.signals[DARK], lamp.signals[DAY]

    def absorb(kept: Kept, first: int) -> None:  # noqa: ARG001 - as all that take in
        newest = kept.count - 1
        time_ms, value = kept.time(newest), kept.value(newest)
        lamp.power_ms = time_ms
        for signal in signals:
            signal.goes_by(time_ms, value)

    return Calm(absorb, 0.0, 0.0, until_ms=until_ms, newest_ms=lamp.power_ms)


def _at_night(lamp: Lamp, values: Values, until_ms: int) -> Calm | None:
    rated_w = values["lamp.rated_w"]
    if not lamp.burns or lamp.is_off() or len(lamp.watts) < LEARNED or math.isinf(rated_w):
        return None
    whole_w = rated_w * (lamp.dim_percent / 100.0 if lamp.dim_percent else 1.0)
    close = values["lamp.power_clear_share"] * _NEARLY
    low_w = max(whole_w * max(values["lamp.lit_share"] / _NEARLY, 1.0 - close), values["lamp.dark_w"])
    dark, day, by_share = (lamp.signals[name] for name in _SIGNALS)

    def absorb(kept: Kept, first: int) -> None:
        for at in range(first, kept.count):
            lamp.burning.hear(kept.value(at))
        newest = kept.count - 1
        time_ms, value = kept.time(newest), kept.value(newest)
        lamp.power_ms = time_ms
        dark.goes_by(time_ms, value)
        day.goes_by(time_ms, value)
        by_share.goes_by(time_ms, lamp.share(values, value))

    return Calm(absorb, low_w, whole_w * (1.0 + close), until_ms=until_ms, newest_ms=lamp.power_ms)
