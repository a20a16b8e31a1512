"""A whole city made up from a seed, as the MQTT traffic of real devices, and the truth about it in a file of its own.

Knows nothing of detectors: neither ``processors`` nor ``ingest`` nor the tables of rules may be imported here (an
import contract in ``pyproject.toml``). What makes a matter one stands in :mod:`ops.simulate.city.sizes`, taken from the
project's domain reference and not from the rules that are to find it.
"""
