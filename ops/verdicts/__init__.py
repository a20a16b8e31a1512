"""What people say of findings, and what that says of detectors (``eyes detectors``)."""
