"""The database's schema: applied once, in order, by one runner at a time."""
