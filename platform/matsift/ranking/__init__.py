"""Ranking by several objectives at once: Pareto layers, the chance of meeting all thresholds, expected utility."""
