"""Meaning: how devices spell values, units and times, and which of our properties their field names stand for."""
