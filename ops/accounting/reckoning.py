"""Settles the account of a feed, waiting until what is still on its way has arrived."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ops.accounting.account import Account, account_for
from ops.accounting.truth import Verdict, match_truth
from runtime.settings import DatabaseSettings

POLL_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Reckoning:
    """How a feed ended: the account of its publications, and its planted incidents held against the findings."""

    account: Account
    verdict: Verdict | None
    """None where nobody said what was planted."""

    @property
    def good(self) -> bool:
        """Nothing lost, nothing twice; every planted incident found and nothing else."""
        return self.account.balanced and (self.verdict is None or self.verdict.good)


def reckon(
    settings: DatabaseSettings,
    sent_file: Path,
    truth: Sequence[dict[str, Any]] | None,
    *,
    wait_s: float,
) -> Reckoning:
    """Ask the database until the answer is good, or has become no better for ``wait_s``.

    How long everything takes to arrive depends on the machine; that nothing arrives any more does not.

    Args:
        settings: where the database is.
        sent_file: the feeder's list of what it published.
        truth: the feeder's list of what it planted, if findings are to be checked too.
        wait_s: for how long nothing more may arrive before we give up, in seconds; 0 asks once.

    Raises:
        OSError: the list cannot be read.
        psycopg.Error: the database cannot be asked.
    """
    best, deadline = -1, 0.0
    while True:
        account = account_for(settings, sent_file)
        verdict = None if truth is None else match_truth(settings, truth)
        reckoning = Reckoning(account, verdict)
        if (arrived := _arrived(reckoning)) > best:
            best, deadline = arrived, time.monotonic() + wait_s
        if reckoning.good or time.monotonic() >= deadline:
            return reckoning
        time.sleep(POLL_S)


def _arrived(reckoning: Reckoning) -> int:
    """Publications and findings that arrived; bounded by what was sent and planted, so waiting for more ends."""
    found = 0 if reckoning.verdict is None else reckoning.verdict.found
    return reckoning.account.sent - reckoning.account.lost + found
