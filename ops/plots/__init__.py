"""Pictures of typical cases for the pages of the processors: ``python -m ops.plots``."""
