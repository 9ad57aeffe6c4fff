"""Acquisition: which candidate to label next."""
