"""A process can be asked to end at any instruction."""

import subprocess
import sys
import threading

from runtime.lifecycle import Latch

HAMMER = """
# With threading.Event in the place of Latch this never ends.
import random, signal
from runtime.lifecycle import Latch

rng = random.Random(1)
current = None
signal.signal(signal.SIGALRM, lambda *_: current.set())
for _ in range(2_000):
    current = Latch()
    signal.setitimer(signal.ITIMER_REAL, rng.uniform(5e-5, 3e-4))
    while not current.wait(1e-5):
        pass
"""


def test_a_signal_in_the_middle_of_a_wait_does_not_stop_the_waiter_for_ever() -> None:
    done = subprocess.run([sys.executable, "-c", HAMMER], timeout=60, check=False)
    assert done.returncode == 0


def test_everybody_who_waits_goes_on() -> None:
    latch = Latch()
    assert not latch.wait(0)
    waiting = [threading.Thread(target=latch.wait, args=(60,)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    latch.set()
    for thread in waiting:
        thread.join(30)
        assert not thread.is_alive()
    assert latch.is_set()
    assert latch.wait(0)
    latch.set()
    assert latch.wait(60)
