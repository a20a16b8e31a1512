from hypothesis import given
from hypothesis import strategies as st

from ops.supervise import CrashHistory, RestartPolicy, Verdict, after_crash

POLICY = RestartPolicy()


def crashes(times: list[float], ready_for_s: float = 0.0) -> list[Verdict]:
    history = CrashHistory()
    verdicts = []
    for now in times:
        verdict = after_crash(POLICY, history, now=now, ready_for_s=ready_for_s)
        verdicts.append(verdict)
        history = verdict.history
    return verdicts


def test_delay_doubles_up_to_the_longest() -> None:
    far_apart = [100.0 * number for number in range(1, 9)]
    assert [verdict.delay_s for verdict in crashes(far_apart)] == [0.5, 1, 2, 4, 8, 15, 15, 15]
    assert not any(verdict.looping for verdict in crashes(far_apart))


def test_five_crashes_in_a_minute_are_a_loop_and_it_goes_on_slowly() -> None:
    verdicts = crashes([0, 1, 3, 6, 11, 27, 43])
    assert [verdict.looping for verdict in verdicts] == [False] * 4 + [True, True, True]
    assert verdicts[4].delay_s == POLICY.longest_delay_s


def test_a_slow_crasher_leaves_the_loop_again() -> None:
    verdicts = crashes([0, 1, 2, 3, 4, 200])
    assert verdicts[4].looping
    assert not verdicts[5].looping


def test_a_healthy_time_wipes_the_slate() -> None:
    looping = crashes([0, 1, 2, 3, 4])[-1].history
    verdict = after_crash(POLICY, looping, now=40, ready_for_s=30)
    assert verdict == Verdict(0.5, looping=False, history=CrashHistory((40,), 1))


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=60))
def test_delays_are_bounded_and_history_does_not_grow(steps: list[tuple[float, float]]) -> None:
    history, now = CrashHistory(), 0.0
    for passed, ready_for_s in steps:
        now += passed
        verdict = after_crash(POLICY, history, now=now, ready_for_s=ready_for_s)
        assert POLICY.first_delay_s <= verdict.delay_s <= POLICY.longest_delay_s
        history = verdict.history
        assert len(history.recent) <= POLICY.loop_crashes
        assert history.recent[-1] == now
