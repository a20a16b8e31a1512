"""When to restart a process that ended by itself. Pure: times go in, decisions come out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """How patient the supervisor is with one process."""

    first_delay_s: float = 0.5
    longest_delay_s: float = 15.0
    healthy_after_s: float = 30.0  # a process that was ready for so long starts with a clean record
    loop_crashes: int = 5
    loop_window_s: float = 60.0


@dataclass(frozen=True)
class CrashHistory:
    """What is remembered of a process's crashes."""

    recent: tuple[float, ...] = ()  # when it crashed, within the window
    streak: int = 0  # crashes since it was last healthy for long enough


@dataclass(frozen=True)
class Verdict:
    """What to do after a crash."""

    delay_s: float
    looping: bool  # it keeps crashing; tell someone, and keep trying slowly
    history: CrashHistory


def after_crash(policy: RestartPolicy, history: CrashHistory, *, now: float, ready_for_s: float) -> Verdict:
    """Decide how long to wait before the next start.

    The delay doubles with each crash in a row up to the longest one. A process that crashed
    ``loop_crashes`` times within ``loop_window_s`` is looping and waits the longest delay at once.

    Args:
        policy: The limits.
        history: What is remembered so far.
        now: The time of this crash, on any clock that does not go back.
        ready_for_s: For how long it had been ready; 0 if it never was.
    """
    assert ready_for_s >= 0
    if ready_for_s >= policy.healthy_after_s:
        history = CrashHistory()
    recent = (*(at for at in history.recent if now - at < policy.loop_window_s), now)
    looping = len(recent) >= policy.loop_crashes
    # The exponent is bounded so that a long streak cannot overflow a float.
    doubled = policy.first_delay_s * 2.0 ** min(history.streak, 32)
    delay = policy.longest_delay_s if looping else min(doubled, policy.longest_delay_s)
    return Verdict(delay, looping, CrashHistory(recent[-policy.loop_crashes :], history.streak + 1))
