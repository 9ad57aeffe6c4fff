"""Tables and figures of paper 000 (Kameda et al., Digital Discovery 3, 1967 (2024)) beside ours.

Run as ``python -m benchmarks.repro_000``.
"""
