"""What the signals of a cover mean together: stolen, lifted, open, tilted or full of water, the first that holds."""

from typing import Final

from processors.detectors.common import Evidence, Turn, as_known, span
from processors.detectors.cover_state import ANGLE, CARRIED, CONTACT, MOVED, TILT, WATER, Cover
from processors.detectors.debounce import Signal
from processors.detectors.ladder import Matter, Moment, step_to
from schemas.anomaly import AnomalyKind
from schemas.rules import Values

_HIGH: Final = AnomalyKind.DRAIN_HIGH
UP: Final = (CONTACT, ANGLE, TILT)
"""Any of them: it is not where it belongs."""


def judge(
    cover: Cover,
    values: Values,
    turn: Turn,
    at_ms: int,
    trigger: Evidence | None,
    reason: str | None = None,
    *,
    is_wet: bool = False,
) -> None:
    """Say what changed after a signal went on or off; ``is_wet``: that of the water just went on."""
    site = cover.site
    numbers = {
        "angle_deg": round(cover.angle_deg() or 0.0, 1),
        "install_deg": values["cover.install_angle_deg"],
        "limit_deg": values["cover.tilt_deg"],
    }
    water = cover.believed(WATER)
    if water:
        numbers["water_share"] = round(max(one.value for one in water), 3)
    matter = _matter(cover, is_wet=is_wet)
    now = Moment(at_ms, numbers, trigger, reason)
    calm = f"Cover {site.facility} {as_known('is in place', reason)}"
    cover.opened = step_to(cover.opened, matter, calm, site, now, turn)


def weigh_lift(cover: Cover, changed: str, at_ms: int, values: Values) -> None:
    """Whether water lifts a cover: it stands under it when the cover goes up, or soon after."""
    water, up = [one for one in cover.signals(WATER) if one.on or one.count], cover.believed(*UP)
    if not up or not water:
        cover.lifted = False
    elif changed != WATER:
        cover.lifted = True
    elif any(one.on for one in water) and up[0].cause is not None:
        cover.lifted = cover.lifted or at_ms - up[0].cause.time_ms <= round(values["cover.lift_s"] * 1000)


def _matter(cover: Cover, *, is_wet: bool) -> Matter | None:
    facility = cover.site.facility
    up, water = cover.believed(*UP), cover.believed(WATER)
    gone = up if up and cover.on(CARRIED) else cover.believed(MOVED)
    if gone:
        return _because(AnomalyKind.COVER_STOLEN, gone[0], f"Cover {facility} is carried away")
    if up:
        return _displaced(cover, up[0])
    # What takes the place of another finding is what the newest samples say, not what they have begun to deny.
    if not is_wet and (cover.opened is None or cover.opened.kind is not _HIGH):
        water = [one for one in water if one.count == 0]
    return _because(AnomalyKind.DRAIN_HIGH, water[0], f"Water stands under cover {facility}") if water else None


def _displaced(cover: Cover, up: Signal) -> Matter:
    facility = cover.site.facility
    if cover.lifted:
        return _because(AnomalyKind.COVER_LIFTED, up, f"Cover {facility} is lifted by the water under it")
    if cover.silent:
        silent = span(cover.silent_ms or 0)
        return _because(AnomalyKind.COVER_STOLEN, up, f"Cover {facility} went up and has been silent for {silent}")
    angle_deg = cover.angle_deg()
    angle = "away" if angle_deg is None else f"{angle_deg:.0f} deg"
    if cover.on(CONTACT):
        return _because(AnomalyKind.COVER_OPEN, up, f"Cover {facility} open: its contact says so")
    if cover.on(ANGLE):
        return _because(AnomalyKind.COVER_OPEN, up, f"Cover {facility} open: turned {angle}")
    return _because(AnomalyKind.COVER_TILTED, up, f"Cover {facility} tilted {angle}")


def _because(kind: AnomalyKind, signal: Signal, summary: str) -> Matter:
    assert signal.cause is not None, "a signal goes on by a sample"
    return Matter(kind, signal.cause, summary)
