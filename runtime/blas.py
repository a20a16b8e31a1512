"""How many threads linear algebra may take.

The matrices of a fold are small (some dozens of sensors), so OpenBLAS's threads only wait for each other, busily: of
the CPU seconds of `eyes score leak` on two cores some 40 %. Work is spread over partitions, by processes.
"""

import os
from typing import Final

THREADS: Final = "OPENBLAS_NUM_THREADS"
"""Read by OpenBLAS (in NumPy and SciPy) when it is loaded: to be set before."""


def one_thread() -> None:
    """One thread per process, here and in the processes begun from here, unless the environment says otherwise."""
    os.environ.setdefault(THREADS, "1")
