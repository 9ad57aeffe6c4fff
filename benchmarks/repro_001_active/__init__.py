"""Campaigns of paper 001 replayed at its scale: exploration and its rivals on published moduli.

Run as ``python -m benchmarks.repro_001_active``.
"""
