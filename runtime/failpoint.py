"""Places where a test may have a process die, as a crash would: at once, with nothing tidied up.

``EYES_FAILPOINT=NAME:HIT:FILE`` kills the process with SIGKILL when it comes to place NAME for the HIT-th time, and
makes FILE first; where FILE exists nothing happens, so that the process that is started next lives. Of several,
with commas between them, the first whose FILE does not exist counts, so that one death follows the other. The names are
those of :data:`NAMES`, in the order in which a message meets them (docs/guarantees.md, "Failure matrix").
"""

import os
import signal
from pathlib import Path
from typing import Final

from runtime.errors import FatalError

VARIABLE: Final = "EYES_FAILPOINT"
NAMES: Final = (
    "ingest.taken",  # nothing in Kafka, no PUBACK
    "ingest.keeping",  # readings handed to the producer, their message's bytes not
    "ingest.sent",  # handed to the producer: in Kafka or not
    "ingest.confirmed",  # in Kafka, no PUBACK
    "ingest.acknowledged",  # PUBACK given, perhaps not sent
    "fold.sent",  # outputs in an open transaction
    "fold.offsets_sent",  # offsets too, nothing committed
    "fold.committed",  # committed, nobody told
    "sequence.sent",  # copies in an open transaction
    "sequence.offsets_sent",  # offsets too, nothing committed
    "sequence.committed",  # committed, nobody told
    "correlate.sent",  # outputs in an open transaction
    "correlate.offsets_sent",  # offsets too, nothing committed
    "correlate.committed",  # committed, nobody told
    "archive.stored",  # rows in an open transaction
    "archive.committed",  # committed, nobody told
)


class _Armed:
    """One place at which this process is to die."""

    def __init__(self, text: str) -> None:
        name, hit, file = text.split(":", 2)
        if name not in NAMES:
            raise ValueError(name)
        self.name = name
        self.left = int(hit)
        self.file = Path(file)


def _armed() -> _Armed | None:
    text = os.environ.get(VARIABLE, "")
    try:
        armed = [_Armed(one) for one in text.split(",") if one]
    except ValueError:
        raise FatalError(f"{VARIABLE}={text!r}: NAME:HIT:FILE with NAME one of {', '.join(NAMES)}") from None
    return next((one for one in armed if not one.file.exists()), None)


ARMED: Final = _armed()


def failpoint(name: str) -> None:
    """Die here, if this is the place and the time."""
    if ARMED is None or ARMED.name != name:
        return
    ARMED.left -= 1
    if ARMED.left == 0:
        ARMED.file.touch()
        os.kill(os.getpid(), signal.SIGKILL)
