"""The independent check: by SQL, from the feeder's own list, without any code of ingest or processors."""

from ops.accounting.account import Account, account_for
from ops.accounting.truth import Verdict, match_truth

__all__ = ["Account", "Verdict", "account_for", "match_truth"]
