"""First-time set-up: everything the pipeline needs, put into a private prefix, nothing into the host.

Run by the system's ``python3`` before the virtual environment exists, so only the standard library is
imported here. ``python3 -m ops.setup`` is what ``make setup`` calls.
"""
