"""The few numbers of the method, with where each comes from (docs/processors/pipe_leak.md has the trials)."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Settings:
    """All of them; the default is the set that ships."""

    fast: float = 40.0
    """Twice the log likelihood ratio from which a burst is believed: SNR 6.3."""
    slow: float = 40.0
    """The same for what grows over days."""
    sure_fast: float = 0.9
    """Probability that the named pipe is near enough, from which a burst is said at once."""
    sure_late: float = 0.8
    """What is enough after ``wait_ticks``."""
    sure_slow: float = 0.75
    wait_ticks: int = 9
    confirm_ticks: int = 2
    """Ticks that a shift must last: the first window holds only a part of it."""
    least_burst_m3h: float = 2.0
    least_growth_m3h: float = 0.4
    mismatch: float = 0.2
    """Error of a signature, as a share: nominal roughness and demands are 10 to 20 % off."""
    against_repair: float = 1.15
    """How much better "a leak" must explain a shift than "a leak less" does."""
    memory_days: float = 14.0
    """With which the normal behaviour of pressures against flows is learnt."""
    first_days: int = 6
    """Nothing is judged before; growth not before one and a half of it."""
    day_noise: float = 2.5
    """Variance of a day's mean over that of a tick, times ticks per day: noise is not white."""
    drift: float = 0.1
    """Variance by which a day's mean wanders per day, in units of that of a day's mean."""
    step_error: float = 0.3
    """Error of the flow of a burst that was found, as a share."""
    step_doubt: float = 0.25
    """Of that, what may show up again when the load changes."""
    growth_m3h: float = 5.0
    """How much an open growing leak may have grown within the windows compared (standard deviation)."""
    place_error: float = 0.3
    """Weight of "it is a neighbouring pipe" for leaks that are open."""
    growth_days: int = 14
    """A growing leak that has not grown for so long grows no more."""
    misfit_slow: float = 2.2
    """What one growing leak may leave unexplained, per sensor, in variances: more, and it was not one leak there."""
    sure_of_burst: tuple[float, float] = (0.0, 1.0)
    """Constant and slope of :mod:`.confidence`, fitted by ``eyes score leak --cross-validate``."""
    sure_of_growing: tuple[float, float] = (0.0, 1.0)
    found_within_m: float = 300.0
    """How far off a named pipe still finds the leak (BattLeDIM's rule)."""


SHIPPED: Final = Settings()

WINDOWS: Final = (2, 3, 6, 12, 36, 72)
"""Lengths of the fast bank's windows in ticks of 5 minutes: ten minutes to six hours."""
SPANS: Final = (1, 2, 4, 8, 16)
"""Lengths of the slow bank's windows in days."""
RING_DAYS: Final = 48
"""Days whose means are kept: the longest span and the 28 days before it."""
