"""A process of a pool ends with the one that began it, however that ends."""

import multiprocessing
import os
import threading
from multiprocessing import connection


def end_with_parent() -> None:
    """Call it when a process of a pool begins."""
    threading.Thread(target=_wait_for_its_end, daemon=True).start()


def _wait_for_its_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a process of a pool"
    connection.wait([parent.sentinel])
    os._exit(1)
