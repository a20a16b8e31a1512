"""Checks the Python version in words an old Python understands, then runs the set-up."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older one reads this
    sys.exit(
        "set-up: Digital Eyes needs Python 3.11 or later and this is %d.%d. "  # noqa: UP031 - for old ones
        "Name another one: make PYTHON=python3.12 ..." % sys.version_info[:2]
    )

from ops.setup.main import main

sys.exit(main())
