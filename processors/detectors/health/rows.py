"""Rows of numbers: what the boot and the sequence of a device's messages tell of restarts, and of two that share an id.

Each boot, or a sequence that begins anew, is a row. To leave a row is a restart. To go back to the row that was left,
behind where it was left, is no restart: nobody counts on where somebody else stopped, so two devices speak. Only a
series with numbers (identity ``a:``, :mod:`schemas.identity`) has rows; a small step back is disorder on the way.
"""

from typing import Final

from processors.detectors.health.state import Device, Row, Watch

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


def follow(device: Device, watch: Watch, identity: str, time_ms: int) -> None:
    """Take in the number of a message that is newer than all before."""
    said = parse(identity)
    row = watch.row
    if said is None:
        return
    boot, seq = said
    if row is None:
        watch.row = Row(boot, seq)
        return
    goes_on = boot == row.boot and seq >= row.seq
    returns = boot == row.left_boot and seq > row.left_seq >= 0
    if goes_on and not (returns and row.left_seq > row.seq):
        row.seq = seq
    elif returns:
        watch.row = Row(boot, seq, row.boot, row.seq)
        _note(device.returned, time_ms, SAME_RETURN_MS)
    elif boot != row.boot or row.seq - seq > DISORDER:
        watch.row = Row(boot, seq, row.boot, row.seq)
        _note(device.begun, time_ms, SAME_RESTART_MS)


def restarted(device: Device, time_ms: int) -> None:
    """It says itself that it began anew."""
    _note(device.begun, time_ms, SAME_RESTART_MS)


def _note(times: list[int], time_ms: int, same_ms: int) -> None:
    if not times or time_ms - times[-1] >= same_ms:
        times.append(time_ms)
        del times[:-KEPT]
