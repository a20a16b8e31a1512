"""The engine: feeds pure folds from a log and commits what they say together with how far they have read."""
