"""The Numenta Anomaly Benchmark: its corpus, its rule of scoring, its leaderboard, and our detector on it."""
