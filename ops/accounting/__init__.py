"""The independent check: by SQL, from the feeder's own list, without any code of ingest or processors."""

from ops.accounting.account import Account, account_for
from ops.accounting.reckoning import Reckoning, reckon
from ops.accounting.report import print_reckoning
from ops.accounting.truth import Verdict, match_truth

__all__ = ["Account", "Reckoning", "Verdict", "account_for", "match_truth", "print_reckoning", "reckon"]
