"""What every process of ours needs to be a good citizen: settings, logs, health, metrics, errors.

It knows nothing of devices, folds or databases; ``ingest`` and ``processors`` both stand on it, so that they
never need to import each other.
"""
