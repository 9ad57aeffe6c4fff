"""Charge densities on grids: promolecules, resampling, symmetry, statistics, and networks that learn from them."""
