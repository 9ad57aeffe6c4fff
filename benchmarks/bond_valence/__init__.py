"""The bond-valence force field: its calibration, and its rates beside others."""
