"""Devices: what ingest has heard of each, which of them nobody registered, and how they become facilities' voices."""
