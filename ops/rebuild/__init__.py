"""``eyes rebuild``: the projection made anew from the log, beside the one in use, and then put in its place."""
