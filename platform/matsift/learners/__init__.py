"""Learners: from descriptor columns to a mean, a spread and a calibrated interval."""
