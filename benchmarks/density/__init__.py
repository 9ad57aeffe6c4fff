"""Densities: what promolecules, statistics and training on thousands of grids cost."""
