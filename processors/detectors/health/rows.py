"""Rows of numbers: what the boot and the sequence of a device's messages tell of restarts, and of two that share an id.

Each boot, or a sequence that begins anew, is a row. To leave a row is a restart. To go back to the row that was left,
behind where it was left, is no restart: nobody counts on where somebody else stopped, so two devices speak. Only a
series with numbers (identity ``a:``, :mod:`schemas.identity`) has rows; a small step back is disorder on the way.
"""

from typing import Final

from processors.detectors.health.state import Device
from processors.detectors.health.watch import Row, Watch

DISORDER: Final = 16
"""A message may be overtaken by so many."""
SAME_RESTART_MS: Final = 30_000
SAME_RETURN_MS: Final = 1_000
"""All series of a device restart together, and say so one after the other."""
KEPT: Final = 100


def parse(identity: str) -> tuple[str, int] | None:
    """Boot and sequence of an identity; None where the device gives no numbers."""
    if not identity.startswith("a:"):
        return None
    boot, _, seq = identity[2:].rpartition(":")
    return boot.partition("@")[0], int(seq)


def goes_on(row: Row, identity: str) -> bool:
    """Take in a number that simply goes on; False for any other, of which nothing was taken in."""
    prefix = row.prefix
    if not identity.startswith(prefix):
        return False
    seq = int(identity[len(prefix) :])
    if seq < row.seq or row.seq < row.left_seq < seq:
        return False
    row.seq = seq
    return True


def follow(device: Device, watch: Watch, identity: str, time_ms: int) -> None:
    """Take in the number of a message that is newer than all before."""
    said = parse(identity)
    row = watch.numbers
    if said is None:
        return
    boot, seq = said
    if row is None:
        watch.numbers = Row(f"a:{boot}:", boot, seq)
        return
    ahead = boot == row.boot and seq >= row.seq
    returns = boot == row.left_boot and seq > row.left_seq >= 0
    if ahead and not (returns and row.left_seq > row.seq):
        row.seq = seq
    elif returns:
        watch.numbers = Row(f"a:{boot}:", boot, seq, row.boot, row.seq)
        _note(device.returned, time_ms, SAME_RETURN_MS)
    elif boot != row.boot or row.seq - seq > DISORDER:
        watch.numbers = Row(f"a:{boot}:", boot, seq, row.boot, row.seq)
        _note(device.begun, time_ms, SAME_RESTART_MS)


def restarted(device: Device, time_ms: int) -> None:
    """It says itself that it began anew."""
    _note(device.begun, time_ms, SAME_RESTART_MS)


def _note(times: list[int], time_ms: int, same_ms: int) -> None:
    if not times or time_ms - times[-1] >= same_ms:
        times.append(time_ms)
        del times[:-KEPT]
