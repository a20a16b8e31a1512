"""Decoders: from a device's own format to measurements and sightings. One small interface, chosen by topic."""
