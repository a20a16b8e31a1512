"""Made-up data to show the project with: a street and a water network, in event time, with a truth to check against.

Imports nothing of ``ingest`` or ``processors``: what finds the planted incidents shares no code with what plants them.
"""
