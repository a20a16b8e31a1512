"""Water networks: what a folder says of one, checked, its model made, and both written to the log."""
