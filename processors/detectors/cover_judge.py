"""What the signals of a cover mean together: stolen, lifted, open, tilted or full of water, the first that holds."""

from typing import Final

from processors.detectors.common import Evidence, Turn, span
from processors.detectors.cover_state import ANGLE, CARRIED, CONTACT, MOVED, TILT, WATER, Cover
from processors.detectors.debounce import Signal
from processors.detectors.ladder import Matter, Moment, step_to
from schemas.anomaly import AnomalyKind
from schemas.rules import Values

_HIGH: Final = AnomalyKind.DRAIN_HIGH
UP: Final = (CONTACT, ANGLE, TILT)
"""Any of them: it is not where it belongs."""


def judge(
    cover: Cover, values: Values, turn: Turn, at_ms: int, trigger: Evidence | None, reason: str | None = None
) -> None:
    """Say what changed after a signal went on or off."""
    site = cover.site
    numbers = {
        "angle_deg": round(cover.angle_deg(), 1),
        "install_deg": values["cover.install_angle_deg"],
        "limit_deg": values["cover.tilt_deg"],
    }
    water = cover.signals.get(WATER)
    if water is not None and water.on:
        numbers["water_share"] = round(water.value, 3)
    matter = _matter(cover)
    now = Moment(at_ms, numbers, trigger, reason)
    cover.opened = step_to(cover.opened, matter, f"Cover {site.facility} is in place", site, now, turn)


def weigh_lift(cover: Cover, changed: str, at_ms: int, values: Values) -> None:
    """Whether water lifts a cover: it stands under it when the cover goes up, or soon after."""
    water, up = cover.signals.get(WATER), _first_on(cover, UP)
    if up is None or water is None or not (water.on or water.count):
        cover.lifted = cover.lifted and up is not None and water is not None and water.on
    elif changed != WATER:
        cover.lifted = True
    elif water.on and up.cause is not None:
        cover.lifted = cover.lifted or at_ms - up.cause.time_ms <= round(values["cover.lift_s"] * 1000)


def _matter(cover: Cover) -> Matter | None:
    facility = cover.site.facility
    up, water = _first_on(cover, UP), _first_on(cover, (WATER,))
    gone = up if up is not None and cover.on(CARRIED) else _first_on(cover, (MOVED,))
    if gone is not None:
        return _because(AnomalyKind.COVER_STOLEN, gone, f"Cover {facility} is carried away")
    if up is not None:
        return _displaced(cover, up)
    # What takes the place of another finding is what the newest samples say, not what they have begun to deny.
    if water is not None and (water.count == 0 or (cover.opened is not None and cover.opened.kind is _HIGH)):
        return _because(AnomalyKind.DRAIN_HIGH, water, f"Water stands under cover {facility}")
    return None


def _displaced(cover: Cover, up: Signal) -> Matter:
    facility = cover.site.facility
    if cover.lifted:
        return _because(AnomalyKind.COVER_LIFTED, up, f"Cover {facility} is lifted by the water under it")
    if cover.silent:
        silent = span(cover.silent_ms or 0)
        return _because(AnomalyKind.COVER_STOLEN, up, f"Cover {facility} went up and has been silent for {silent}")
    angle = f"{cover.angle_deg():.0f} deg" if cover.has_angle else "away"
    if cover.on(CONTACT):
        return _because(AnomalyKind.COVER_OPEN, up, f"Cover {facility} open: its contact says so")
    if cover.on(ANGLE):
        return _because(AnomalyKind.COVER_OPEN, up, f"Cover {facility} open: turned {angle}")
    return _because(AnomalyKind.COVER_TILTED, up, f"Cover {facility} tilted {angle}")


def _because(kind: AnomalyKind, signal: Signal, summary: str) -> Matter:
    assert signal.cause is not None, "a signal goes on by a sample"
    return Matter(kind, signal.cause, summary)


def _first_on(cover: Cover, names: tuple[str, ...]) -> Signal | None:
    found = (cover.signals.get(name) for name in names)
    return next((signal for signal in found if signal is not None and signal.on), None)
