"""Device health: sensors that lie, and devices that will not last (docs/processors/health.md)."""

from processors.detectors.health.detector import HealthDetector

__all__ = ["HealthDetector"]
