"""Scores: detectors against labelled data."""
